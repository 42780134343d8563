"""What other libraries call an argument, and what to write here for it, or for a misspelt one."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from lectopt.values import shown

RATES = ("learning_rate", "lr", "initial_learning_rate", "eta", "init", "value", "peak")
LENGTHS = ("steps", "decay_steps", "T_max")

# Words for one number: the arguments that may be it, of which the first is meant that there is.
SAME: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("lr", "learning_rate", "initial_learning_rate"), RATES),
    **dict.fromkeys(("init_value", "base_lr", "initial_lr"), ("base", *RATES)),
    **dict.fromkeys(("max_lr", "peak_value", "warmup_target"), ("peak", *RATES)),
    **dict.fromkeys(("b1", "beta1", "beta_1"), ("b1", "beta_1", "rho_1")),
    **dict.fromkeys(("b2", "beta2", "beta_2"), ("b2", "beta_2", "rho_2")),
    **dict.fromkeys(("eps", "epsilon"), ("eps", "epsilon")),
    **dict.fromkeys(("rho", "alpha", "decay"), ("decay", "rho")),
    **dict.fromkeys(("momentum", "mu"), ("momentum", "mu", "b1", "beta_1")),
    **dict.fromkeys(("decay_steps", "transition_steps", "total_steps", "total_iters"), LENGTHS),
    **dict.fromkeys(("T_max", "warmup_steps"), LENGTHS),
    **dict.fromkeys(("end_value", "end_learning_rate", "eta_min", "min_lr"), ("end", "eta_min")),
    **dict.fromkeys(("gamma", "decay_rate", "lr_lambda"), ("factor",)),
    "step_size": ("every",),
    "step_size_up": ("half_cycle",),
    "weight_decay": ("weight_decay_rate",),
    "weight_decay_mask": ("mask",),
    "mask": ("weight_decay_mask",),
}
# Words for two numbers.
PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "betas": (("b1", "b2"), ("beta_1", "beta_2")),
    "etas": (("eta_minus", "eta_plus"),),
    "step_sizes": (("min_step_size", "max_step_size"),),
}
# Words for a choice that is made with another argument, if there is that one.
CHOICES: Mapping[str, tuple[str, str]] = {
    "eps_root": ("eps_placement", '"inside" (sqrt(v + eps)) or "outside" (sqrt(v) + eps)'),
    "eps_in_sqrt": ("eps_placement", '"inside" for True, "outside" for False'),
    **dict.fromkeys(
        ("bias_correction_mu", "bias_correction_nu"),
        ("maximum_of", '"uncorrected" where both moments are not to be corrected'),
    ),
    **dict.fromkeys(
        ("mu_dtype", "accumulator_dtype"), ("state_dtype", "{value}, the dtype of every slot")
    ),
}
# What is no argument here, but something around the optimizer `{here}`.
AROUND: Mapping[str, str] = {
    "adam.weight_decay": "adamw(..., weight_decay={value}) for the decoupled decay of AdamW and of "
    "Keras, or chain(add_decayed_weights({value}), adam(...)) for the L2 penalty that is "
    "weight_decay in torch.optim.Adam",
    "weight_decay": "chain(add_decayed_weights({value}), {here}(...)) for an L2 penalty, which is "
    "weight_decay in torch.optim.SGD and Adam, or chain({here}(rate), shrink_weights(rate, "
    "{value})) for the decoupled decay of AdamW and of Keras",
    "clipnorm": "chain(clip_by_norm({value}), {here}(...))",
    "clipvalue": "chain(clip_by_value({value}), {here}(...))",
    "global_clipnorm": "chain(clip_by_global_norm({value}), {here}(...))",
    "maximize": "chain(negate(), {here}(...))",
    "use_ema": "chain({here}(...), average_params(averaging.exponential(0.99)))",
    "ema_momentum": "chain({here}(...), average_params(averaging.exponential({value})))",
    "adam.amsgrad": "amsgrad(...)",
    "adam.decoupled_weight_decay": "adamw(...)",
    "sgd.dampening": 'momentum(..., form="heavy_ball", dampening={value})',
    **dict.fromkeys(("momentum.momentum", "nesterov.momentum"), "decay={value}"),
    **dict.fromkeys(
        ("exponential_decay.gamma", "exponential_decay.decay_rate"), "k=-math.log({value})"
    ),
    "inverse_time_decay.decay_rate": "k={value}",
    "cosine_decay.alpha": "end=, the last value itself and not a share of the first",
}
UNNEEDED: Mapping[str, str] = {
    **dict.fromkeys(
        ("foreach", "fused", "capturable", "differentiable", "jit_compile"),
        "XLA compiles every update",
    ),
    "last_epoch": "the count is in the state of the optimizer",
    **dict.fromkeys(("verbose", "name"), "nothing needs it here"),
}
KNOWN = (*SAME, *PAIRS, *CHOICES, *(word for word in AROUND if "." not in word), *UNNEEDED)


def instead(where: str, word: str, value: Any, names: Iterable[str]) -> str:
    """What to write for an argument that a function has not, as a sentence.

    Args:
      where: the function.
      word: the argument.
      value: what was given for it.
      names: the arguments that there are.
    """
    names = [*names]
    if said := _translated(where, word, value, names):
        return said
    for near in difflib.get_close_matches(word, names, 1, 0.6):
        return f"Write {near}={_brief(value)}."
    for meant in difflib.get_close_matches(word, KNOWN, 3, 0.8):
        if said := _translated(where, meant, value, names):
            return said
    return "Leave it out."


def _translated(where: str, word: str, value: Any, names: list[str]) -> str:
    given = _brief(value)
    for name in SAME.get(word, ()):
        if name in names:
            return f"Write {name}={given}."
    for pair in PAIRS.get(word, ()):
        if {*pair} <= {*names}:
            both = isinstance(value, tuple | list) and len(value) == 2
            values = map(_brief, value) if both else ("...", "...")
            return f"Write {', '.join(map('='.join, zip(pair, values, strict=True)))}."
    for name, pairs in PAIRS.items():
        for pair in pairs:
            if name in names and word in pair:
                return f"Write {name}=({', '.join(pair)}), with {given} for {word}."
    if word in CHOICES and CHOICES[word][0] in names:
        name, choice = CHOICES[word]
        return f"Write {name}={choice.format(value=given)}."
    around = AROUND.get(f"{where}.{word}") or (AROUND.get(word) if _descends(names) else None)
    if around:
        return f"Write {around.format(here=where, value=given)}."
    return f"Leave it out: {UNNEEDED[word]}." if word in UNNEEDED else ""


def _descends(names: list[str]) -> bool:
    return bool({"learning_rate", "lr", "eta"} & {*names})


def _brief(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= 30 else "..."
