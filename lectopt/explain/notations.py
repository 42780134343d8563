"""The notations of the lectures: which letter each of them writes for a setting or a statistic.

Names are Optax's. `rmsprop.decay` is the decay of RMSProp alone, where a lecture has another letter
for it than for momentum's.
"""

from collections.abc import Mapping

from lectopt.explain.names import SETTINGS, STATISTICS, SYMBOLS, Notation

NOTATIONS = {
    # Training Neural Networks: Optimization; momentum (S0-31), RMSProp (S0-38), Adam (S0-40)
    "cmu11785": Notation(
        settings={
            "learning_rate": "η", "decay": "β", "momentum": "β", "b1": "δ", "b2": "γ", "eps": "ε",
            "rmsprop.decay": "γ", "mean_square.decay": "γ", "scale_by_rms.decay": "γ",
        },
        statistics={"trace": "ΔW", "mu": "m", "nu": "v", "rmsprop.nu": "E"},
        symbols={"params": "W"},
        time="k",
    ),
    # Deep Learning, lecture 5 (S1-11, S1-16, S1-17, S1-18)
    "liege": Notation(
        settings={
            "learning_rate": "γ", "decay": "α", "momentum": "α", "b1": "ρ1", "b2": "ρ2", "eps": "δ",
            "rmsprop.decay": "ρ", "mean_square.decay": "ρ", "scale_by_rms.decay": "ρ",
            "initial_accumulator_value": "r0",
        },
        statistics={"trace": "u", "mu": "s", "nu": "r", "sum_of_squares": "r"},
        symbols={"update": "Δθ"},
    ),
    # Optimizing Deep Learning Models (S2-17, S2-18, S2-20, S2-21)
    "isi": Notation(
        settings={"learning_rate": "α", "decay": "β", "b1": "β1", "b2": "β2", "eps": "ε"},
        statistics={"trace": "v", "mu": "v", "nu": "S"},
    ),
    # SGD (S3-13, S3-14, S3-15, S3-17)
    "ttic31230": Notation(
        settings={
            "learning_rate": "η", "decay": "μ", "momentum": "μ", "b1": "β1", "b2": "β2", "eps": "ε",
            "rmsprop.decay": "β", "mean_square.decay": "β", "scale_by_rms.decay": "β",
        },
        statistics={"trace": "v", "mu": "g\u0303", "nu": "s"},
        symbols={"params": "Φ", "gradient": "g\u0302"},
    ),
    # Lecture 12 (S4-18, S4-24, S4-26)
    "stat479": Notation(
        settings={
            "learning_rate": "η", "decay": "α", "momentum": "α", "eps": "ε", "b1": "β1", "b2": "β2",
            "rmsprop.decay": "β", "mean_square.decay": "β", "scale_by_rms.decay": "β",
            "adam.learning_rate": "α", "initial_scale": "r0",
        },
        statistics={"trace": "Δw", "mu": "m", "nu": "r"},
        symbols={"params": "w"},
    ),
    # Adam: A Method for Stochastic Optimization, algorithms 1 and 2
    "kingma": Notation(
        settings={"learning_rate": "α", "b1": "β1", "b2": "β2", "eps": "ε"},
        statistics={"mu": "m", "nu": "v", "adamax.nu": "u"},
        symbols={"update": "Δθ"},
    ),
}  # fmt: skip


def notation(letters: str | Mapping[str, str] | None) -> Notation:
    """The notation of a lecture by its name, or one's own by a dict from Optax's names to letters.

    Raises:
      ValueError: there is no notation of that name.
    """
    if letters is None:
        return Notation()
    if isinstance(letters, str):
        if letters not in NOTATIONS:
            raise ValueError(
                f"letters must be one of {', '.join(NOTATIONS)} or a dict; got {letters!r}. "
                'Write for example letters="kingma" or letters={"learning_rate": "η"}.'
            )
        return NOTATIONS[letters]
    symbols = {"theta": "params", "g": "gradient"}
    own = {symbols.get(name, name): letter for name, letter in letters.items()}
    return Notation(
        settings={k: v for k, v in own.items() if k not in SYMBOLS},
        statistics={k: v for k, v in own.items() if k in STATISTICS or k not in SETTINGS},
        symbols={k: v for k, v in own.items() if k in SYMBOLS},
        time=letters.get("t", "t"),
    )
