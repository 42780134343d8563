"""The notations of the lectures: which letter each of them writes for a setting or a statistic.

Names are Optax's. Where a lecture writes one algorithm in other letters than the rest, the table
has them by the maker: `rmsprop.decay` is the decay of RMSProp alone, `momentum[ema].trace` the
buffer of `momentum(form="ema")`.
"""

import functools as ft
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lectopt.explain.letters import SETTINGS, STATISTICS, SYMBOLS, Notation

RMSPROP = "rmsprop mean_square scale_by_rms RMSprop"
ADAM = "adam adamw amsgrad nadam radam adamax swats scale_by_adam Adam AdamW"
OTHER_ALPHA = (  # algorithms with an alpha that is not the rate
    "asgd scale_by_decaying_rate ASGD ademamix simplified_ademamix optimistic_gradient_descent "
    "optimistic_adam cocob scale_by_cocob"
)
ALIASES = {
    "lr": "learning_rate", "epsilon": "eps", "beta1": "b1", "beta_1": "b1", "betas[0]": "b1",
    "beta2": "b2", "beta_2": "b2", "betas[1]": "b2",
}  # fmt: skip

EXAMPLE = 'Write for example letters="kingma" or letters={"learning_rate": "η"}.'
LETTER = re.compile(r"(?:[∇∂]|[^\W\d_])[\w\u0300-\u036f]*")  # with accents, digits and an index
WORDS = ("if", "else", "and", "or", "not", "mod", "inf", "nan", "True", "False")


def of(makers: str, **letters: str) -> dict[str, str]:
    """Letters for these makers alone: `of("adam adamw", nu="v")` has `adam.nu` and `adamw.nu`."""
    return {f"{maker}.{name}": x for maker in makers.split() for name, x in letters.items()}


NOTATIONS = {
    # Training Neural Networks: Optimization. Momentum (S0-31) and Nesterov (S0-34) have matrices W
    # and gradients; RMSProp (S0-38) and Adam (S0-40) single weights w and derivatives of D. What
    # RMSProp averages is E[...] there, which would be read as E at an update.
    "cmu11785": Notation(
        settings={
            "learning_rate": "η", "decay": "β", "momentum": "β", "b1": "δ", "b2": "γ", "eps": "ε",
            "RMSprop.alpha": "γ", **of(RMSPROP, decay="γ", initial_scale="E0"),
        },
        statistics={
            "trace": "ΔW", "mu": "m", "nu": "v", "average": "W\u0304", **of(RMSPROP, nu="E"),
            **of("polynomial_decay_averaging average_params", average="w\u0304"),
        },
        symbols={
            "params": "W",
            **of(f"{ADAM} {RMSPROP} adagrad adadelta", params="w", gradient="∂D"),
            **of("sgd momentum nesterov rprop asgd", gradient="∇"),
            **of("polynomial_decay_averaging average_params", params="w"),
        },
        time="k",
    ),
    # Deep Learning, lecture 5 (S1-11, S1-14, S1-16, S1-17, S1-18)
    "liege": Notation(
        settings={
            "learning_rate": "γ", "decay": "α", "momentum": "α", "b1": "ρ1", "b2": "ρ2", "eps": "δ",
            "initial_accumulator_value": "r0", "RMSprop.alpha": "ρ",
            **of(RMSPROP, decay="ρ", initial_scale="r0"),
        },
        statistics={"trace": "u", "mu": "s", "nu": "r", "sum_of_squares": "r"},
        symbols={"update": "Δθ"},
    ),
    # Optimizing Deep Learning Models: the moving average (S2-17) of any series y, momentum (S2-18),
    # RMSProp (S2-20) and Adam (S2-21), whose v and S have the gradient as an index; penalties
    # (S2-07) are on W. The power of ASGD, which is not taught, has to give way to the rate.
    "isi": Notation(
        settings={
            "learning_rate": "α", "decay": "β", "b1": "β1", "b2": "β2", "eps": "ε",
            "initial_scale": "S0", "RMSprop.alpha": "β",
            **of(OTHER_ALPHA, alpha="p"),
        },
        statistics={"trace": "v", "mu": "v", "nu": "S"},
        symbols={
            "gradient": "∇", "value": "J", **of("moving_average", gradient="y", update="w"),
            **of("weight_decay l2_regularization add_decayed_weights", params="W"),
        },
    ),
    # SGD: running averages (S3-09), RMSProp (S3-13), momentum (S3-14, S3-15), Adam (S3-17), and
    # the algorithm derived (S3-29 to S3-31), whose L is a curvature. Its window N is B*/B, and its
    # variance is kept as such, not as the difference of two averages.
    "ttic31230": Notation(
        settings={
            "learning_rate": "η", "decay": "μ", "momentum": "μ", "b1": "β1", "b2": "β2", "eps": "ε",
            "curvature": "L", "warmup": "K", "noise_factor": "λ_B", "min_window": "N_min",
            "max_window": "N_max", "initial_scale": "s0",
            "RMSprop.alpha": "β", **of(RMSPROP, decay="β"), **of(ADAM, learning_rate="lr"),
        },
        statistics={
            "trace": "v", "mu": "g\u0303", "nu": "s", "averaging_window": "N",
            **of("snr_sgd scale_by_snr statistical statistical_1d", nu="σ\u0303²"),
            **of("momentum[ema] momentum[nonstandard]", trace="g\u0303"),
            **of("running_average", mu="μ\u0302"),
        },
        symbols={
            "params": "Φ", "gradient": "g\u0302", "value": "ℓ",
            **of("running_average", gradient="x"),
        },
    ),
    # Lecture 12: momentum (S4-18, S4-21), local gains (S4-23), RMSProp (S4-24), Adam as it is
    # quoted (S4-26) and as the lecture prints it (S4-25), PyTorch's lines of code (S4-20).
    "stat479": Notation(
        settings={
            "learning_rate": "η", "decay": "α", "momentum": "α", "eps": "ε", "b1": "β1", "b2": "β2",
            **of(ADAM, learning_rate="α"), **of("adam[literal]", alpha="η", beta_1="α", beta_2="β"),
            "RMSprop.alpha": "β", **of(RMSPROP, decay="β"),
            **of("SGD original_momentum", lr="lr", momentum="momentum", dampening="dampening"),
        },
        statistics={
            "trace": "Δw", "mu": "m", "nu": "v", "gain": "g", "swats.trace": "b",
            "adam[literal].nu": "r", **of(RMSPROP, nu="MeanSquare"),
            **of("SGD original_momentum", trace="v"),
        },
        symbols={
            "params": "w", "gradient": "∇", **of(ADAM, params="θ", gradient="g"),
            **of("adam[literal]", params="w", gradient="∇"),
            **of("SGD original_momentum", params="W", gradient="gradientW"),
        },
    ),
    # Adam: A Method for Stochastic Optimization, algorithms 1 and 2
    "kingma": Notation(
        settings={
            "learning_rate": "α", "b1": "β1", "b2": "β2", "eps": "ε",
            "RMSprop.alpha": "β", **of(OTHER_ALPHA, alpha="p"),
        },
        statistics={"mu": "m", "nu": "v", "adamax.nu": "u"},
        symbols={"value": "f", "update": "Δθ"},
    ),
}  # fmt: skip


def notation(
    letters: str | Mapping[str, str] | None,
    maker: Any = None,
    settings: Mapping[str, Any] | None = None,
) -> Notation:
    """The notation of a lecture by its name, or one's own by a dict from Optax's names to letters.

    Args:
      letters: a name, a dict, or None: that of the lecture which the maker is from, if any.
      maker: what is explained.
      settings: of the maker.

    Raises:
      TypeError: `letters` is neither, or a name or a letter in it is no string.
      ValueError: there is no notation of that name, or a letter cannot be one, or it would stand
        for two things.
    """
    if letters is None:
        letters = _lecture(maker)
    if letters is None:
        return Notation()
    if isinstance(letters, Mapping):
        return _completed(_own(letters))
    known = isinstance(letters, str)
    if not known or letters not in NOTATIONS:
        raise (ValueError if known else TypeError)(
            f"letters must be one of {', '.join(NOTATIONS)} or a dict; got {letters!r}. {EXAMPLE}"
        )
    return _completed(_for_maker(NOTATIONS[letters], maker, settings or {}))


def _own(letters: Mapping[str, str]) -> Notation:
    _check(letters)
    symbols = {"theta": "params", "g": "gradient"}
    own = {symbols.get(name, name): letter for name, letter in letters.items()}
    _check_unique(own)
    return Notation(
        settings={k: v for k, v in own.items() if k not in SYMBOLS},
        statistics={k: v for k, v in own.items() if k in STATISTICS or k not in SETTINGS},
        symbols={k: v for k, v in own.items() if k in SYMBOLS},
        time=own.get("t", "t"),
    )


def _check(letters: Mapping[str, str]) -> None:
    """Raise unless these are letters."""
    for name, letter in letters.items():
        if not isinstance(name, str) or not isinstance(letter, str):
            raise TypeError(f"letters are strings, by names; got {name!r}: {letter!r}. {EXAMPLE}")
        if not LETTER.fullmatch(letter) or letter in WORDS or letter.endswith("_hat"):
            raise ValueError(
                f"the letter for {name} must be a letter or a word without spaces and marks, that "
                f"means nothing else in a formula; got {letter!r}. {EXAMPLE}"
            )


def _check_unique(letters: Mapping[str, str]) -> None:
    """Raise if what is in every formula has the letter of anything else; of other letters, what
    comes second in a formula gets another."""
    everywhere = {"params": SYMBOLS["params"], "gradient": SYMBOLS["gradient"], "t": "t"}
    meant = everywhere | dict(letters)
    for name in everywhere:
        for other in meant:
            if other != name and meant[other] == meant[name]:
                raise ValueError(
                    f"{meant[name]!r} would be the letter of {name} and of {other}. Give one of "
                    f'them another, for example letters={{"{other}": "x"}}.'
                )


def _lecture(maker: Any) -> str | None:
    """The lecture that a function of `lectopt.lectures` is from."""
    function = maker.func if isinstance(maker, ft.partial) else maker
    package, _, module = (getattr(function, "__module__", None) or "").rpartition(".")
    return module if package == "lectopt.lectures" and module in NOTATIONS else None


def _for_maker(general: Notation, maker: Any, settings: Mapping[str, Any]) -> Notation:
    """The notation with the letters of this maker in the place of the general ones."""
    if isinstance(maker, ft.partial):
        maker, settings = maker.func, {**maker.keywords, **settings}
    name = getattr(maker, "__name__", "")
    choices = (k if v is True else v for k, v in settings.items() if v is True or type(v) is str)
    names = (name, *(f"{name}[{choice}]" for choice in choices))

    def chosen(table: Mapping[str, str]) -> dict[str, str]:
        own = {}
        for name in names:
            start = f"{name}."
            own |= {k.removeprefix(start): v for k, v in table.items() if k.startswith(start)}
        return {**table, **own}

    return replace(
        general,
        settings=chosen(general.settings),
        statistics=chosen(general.statistics),
        symbols=chosen(general.symbols),
    )


def _completed(notation: Notation) -> Notation:
    """With the letters that follow from others: other names, old values, averages."""
    settings = dict(notation.settings)
    for key, letter in notation.settings.items():
        maker, dot, name = key.rpartition(".")
        for alias in (alias for alias, meant in ALIASES.items() if meant == name):
            settings.setdefault(f"{maker}{dot}{alias}", letter)
    params, gradient = notation.symbol("params"), notation.symbol("gradient")
    statistics = {"average": f"{params}_avg", "params": f"{params}_prev"}
    old_gradients = ("g", "grad", "updates", "previous_gradient")
    statistics |= dict.fromkeys(old_gradients, f"{gradient}_prev")
    if "learning_rate" in settings:
        statistics["learning_rate"] = settings["learning_rate"]
    if "mu" in notation.statistics:
        statistics["exp_avg"] = notation.statistics["mu"]
    if "nu" in notation.statistics:
        nu = notation.statistics["nu"]
        statistics |= {"exp_avg_sq": nu, "nu_max": f"{nu}_max"}
    return replace(notation, settings=settings, statistics=statistics | dict(notation.statistics))
