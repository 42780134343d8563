"""Names: which letter stands for which setting or statistic, in whose notation."""

import itertools
import re
import unicodedata
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = re.compile(r"^(?P<base>.*?)(?P<hat>_hat)?(\[(?P<time>.*)\])?(@(?P<leaf>.*))?$")

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ",
    "omega": "ω",
}  # fmt: skip


DIVIDERS = str.maketrans("[]@#", "()..")  # these divide the parts of a symbol's name


def word(text: str) -> str:
    """`text` as one part of a symbol's name, "" if nothing is left of it."""
    return " ".join(text.translate(DIVIDERS).split())


def distinct(name: str, taken: Container[str]) -> str:
    """`name`, with a number if it is taken."""
    numbered = (f"{name}_{k}" for k in itertools.count(2))
    return next(x for x in itertools.chain([name], numbered) if x not in taken)


def parse(name: str) -> Mapping[str, Any]:
    """The parts of a symbol's name."""
    match = NAME.match(name)
    assert match is not None
    return match.groupdict()


def symbol(base: str, time: str = "", leaf: str = "", hat: bool = False) -> str:
    """The name of a symbol: `m_hat[t-1]@kernel` is the corrected `m` of a leaf before update t."""
    return base + "_hat" * hat + (f"[{time}]" if time else "") + (f"@{leaf}" if leaf else "")


def leaf_of(name: str) -> str:
    """The leaf that a symbol belongs to, "" for none."""
    return name.partition("@")[2]


def untagged(name: str) -> str:
    """The symbol without its leaf."""
    return name.partition("@")[0]


TEX = {letter: f"\\{word}" for word, letter in GREEK.items() if word != "lam"} | {
    "ε": r"\epsilon", "Δ": r"\Delta", "Φ": r"\Phi", "Σ": r"\Sigma", "∇": r"\nabla",
    "∂": r"\partial", "ℓ": r"\ell",
}  # fmt: skip
ACCENTS = {"\u0302": r"\hat", "\u0303": r"\tilde", "\u0304": r"\bar"}  # combining, on a letter


ESCAPES = {c: f"\\{c}" for c in "{}%&#$_"} | {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
}  # fmt: skip


def escaped(text: str) -> str:
    """Text in LaTeX, for text mode; without `\\`, `^` and `~` for mathematics mode too."""
    return " ".join(text.split()).translate(str.maketrans(ESCAPES))


def upright(text: str) -> str:
    """A word among symbols in LaTeX."""
    style = "text" if set(text) & set("\\^~ ") else "mathrm"
    return rf"\{style}{{{escaped(text)}}}"


def tex(name: str, time: str = "t") -> str:
    r"""A symbol in LaTeX: `β1` is `\beta_{1}`, `m_hat[t-1]` is `\hat{m}_{t-1}`.

    A name of several letters that is no Greek letter with an index is a word.
    """
    parts = parse(name)
    head, _, tail = unicodedata.normalize("NFD", parts["base"]).partition("_")
    match = re.fullmatch(
        r"(?P<delta>[Δ∂]?)(?P<letter>[^\W\d_]?|∇)(?P<accent>[\u0302-\u0304]?)(?P<square>²?)"
        r"(?P<index>\d*)",
        head,
    )
    if match and (match["letter"] or match["delta"]):
        out = TEX.get(match["letter"], match["letter"])
        out = f"{ACCENTS[match['accent']]}{{{out}}}" if match["accent"] else out
        out = f"{TEX[match['delta']]} {out}".strip() if match["delta"] else out
        out = f"{{{out}^{{2}}}}" if match["square"] else out
        below = [match["index"], _index(tail)]
    else:
        out, below = upright(parts["base"]), []
    out = rf"\hat{{{out}}}" if parts["hat"] else out
    # The leaf stands below, for a power may stand above.
    below.append(upright(parts["leaf"]) if parts["leaf"] else "")
    below.append((parts["time"] or "").replace("t", time))
    index = ",".join(filter(None, below))
    return out + (f"_{{{index}}}" if index else "")


def _index(text: str) -> str:
    """What stands below a letter in LaTeX."""
    plain = not text or text.isdigit() or (len(text) == 1 and text.isalnum())
    known = {"plus": "+", "minus": "-"} | TEX
    return known.get(text) or (text if plain else upright(text))


# In the words of Optax.
SYMBOLS = {"params": "θ", "gradient": "g", "value": "L", "update": "u"}
SETTINGS = {
    "learning_rate": "α", "step_size": "α", "step_size_fn": "α", "max_learning_rate": "α_max",
    "b1": "β1", "b2": "β2", "b3": "β3", "decay": "β", "lr": "α", "beta1": "β1", "beta2": "β2",
    "beta_1": "β1", "beta_2": "β2", "betas[0]": "β1", "betas[1]": "β2", "etas[0]": "η_minus",
    "etas[1]": "η_plus", "step_sizes[0]": "Δ_min", "step_sizes[1]": "Δ_max",
    "decay_rate": "β", "momentum": "μ",
    "eps": "ε", "eps_root": "ε_root", "weight_decay": "λ", "weight_decay_rate": "λ",
    "eta_minus": "η_minus", "eta_plus": "η_plus", "min_step_size": "Δ_min",
    "max_step_size": "Δ_max", "max_norm": "c", "max_delta": "c", "clipping": "c",
    "threshold": "c", "dampening": "d", "initial_accumulator_value": "r0", "initial_scale": "v0",
    "initial": "v0", "temperature": "T", "trust_coefficient": "q", "momentum_decay": "ψ",
    "lambd": "λ", "lambda_": "λ", "lambda_B": "λ_B", "lambda_eta": "λ_η", "c_1": "c1", "c_2": "c2",
    "rho_1": "ρ1", "rho_2": "ρ2", "Delta_0": "Δ0", "Delta_min": "Δ_min", "Delta_max": "Δ_max",
    "delta_0": "Δ0", "delta_min": "Δ_min", "delta_max": "Δ_max",
    # Where another setting is alpha, the rate is not.
    "asgd.learning_rate": "η", "scale_by_decaying_rate.learning_rate": "η", "ASGD.lr": "η",
    "RMSprop.lr": "η", "ademamix.learning_rate": "η", "simplified_ademamix.learning_rate": "η",
    "optimistic_gradient_descent.learning_rate": "η", "optimistic_adam.learning_rate": "η",
    "cocob.learning_rate": "η", "noisy_sgd.eta": "ς", "noisy_sgd.gamma": "κ",
}  # fmt: skip
STATISTICS = {
    "mu": "m", "nu": "v", "trace": "v", "ema": "m", "sum_of_squares": "r", "step_sizes": "Δ",
    "prev_updates": "u_prev", "prev_update": "u_prev", "nu_max": "v_max", "look_ahead": "a",
    "previous_gradient": "g_prev", "g": "g_prev", "grad": "g_prev", "params": "θ_prev",
    "updates": "g_prev", "average": "θ_avg", "exp_avg": "m", "exp_avg_sq": "v",
    "prev_value": "L_prev", "averaging_window": "n",
}  # fmt: skip
SECOND = {"trace": "b"}  # beside a mean square v, momentum's buffer is PyTorch's b


@dataclass(frozen=True)
class Notation:
    """Letters for settings and statistics, by Optax's names for them.

    A key may be `maker.name` where a source uses another letter in one algorithm.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    statistics: Mapping[str, str] = field(default_factory=dict)
    symbols: Mapping[str, str] = field(default_factory=dict)
    time: str = "t"

    def setting(self, name: str, maker: str = "") -> str:
        """The letter for a setting."""
        return self.setting_choices(name, maker)[0]

    def setting_choices(self, name: str, maker: str = "") -> list[str]:
        """That letter, and those to take where it means something else."""
        return _choices(name, maker, self.settings, SETTINGS)

    def statistic(self, name: str, maker: str = "") -> str:
        """The letter for an entry of the state."""
        return self.statistic_choices(name, maker)[0]

    def statistic_choices(self, name: str, maker: str = "") -> list[str]:
        """That letter, and those to take where it means something else."""
        return _choices(name, maker, self.statistics, STATISTICS, SETTINGS, SECOND)

    def symbol(self, name: str) -> str:
        """The letter for the parameters, the gradient, the loss or the update."""
        return {**SYMBOLS, **self.symbols}[name]


def _choices(name: str, maker: str, *tables: Mapping[str, str]) -> list[str]:
    keys = (f"{maker}.{name}", name)
    found = [table[key] for table in tables for key in keys if key in table]
    return found or [GREEK.get(name, name)]
