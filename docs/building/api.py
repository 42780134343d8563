"""The API but for the algorithms: a page for each theme, its names as one imports them."""

import importlib

import lectopt

from . import algorithms

# Page -> title, what it says first, and the packages whose names it has.
THEMES = {
    "parts": (
        "Parts of algorithms",
        "For chains of one's own: see [writing an algorithm](../writing-an-algorithm.md).",
        ("primitives", "optimizers"),
    ),
    "combinators": ("Combinators", "How parts are put together.", ("combinators",)),
    "schedules": (
        "Schedules",
        "Numbers that change with the count of updates: see [which to take](../schedules.md).",
        ("schedules",),
    ),
    "controls": ("Controls", "What stands around an optimizer in a chain.", ("controls",)),
    "averages": ("Averages", "For `average_params`.", ("averaging",)),
    "training": ("Training", "See [training](../training.md).", ("training",)),
    "sweeps": ("Sweeps", "See [sweeps](../sweeps.md).", ("_sweep",)),
    "landscapes": ("Landscapes", "Functions to watch an optimizer on.", ("landscapes",)),
    "pictures": ("Pictures", "See [pictures](../pictures.md).", ("pictures",)),
    "testing": ("Testing", "See [testing](../testing.md).", ("testing",)),
}
# Page -> title, what it says first, and directives.
OTHERS = {
    "rules": (
        "Rules and settings",
        "What a function of one weight becomes, and the ranges of settings.",
        """
.. automodule:: lectopt.lifting
   :members: leafwise, treewise

.. automodule:: lectopt.transformation
   :members: Transformation

.. automodule:: lectopt.settings

.. automodule:: lectopt.signatures
   :members: checked
""",
    ),
    "explaining": (
        "Explaining and porting",
        "See [explain](../explain.md).",
        """
.. automodule:: lectopt.explain
   :members: explain, same_update, replay

.. autoclass:: lectopt.explain.explanation.Explanation
   :members: text, latex, equations, start, reads, symbols, symbol, parse, replay

.. autoclass:: lectopt.explain.verdicts.Comparison

.. automodule:: lectopt.dialects.port
   :members: port, Port
""",
    ),
    "torch": (
        "PyTorch's spelling",
        "",
        """
.. automodule:: lectopt.dialects.torch
   :members:
   :imported-members:
""",
    ),
    "keras": (
        "Keras' spelling",
        "",
        """
.. automodule:: lectopt.dialects.keras
   :members:
   :imported-members:

.. autofunction:: lectopt.dialects.keras.frame.common
""",
    ),
    "optax": (
        "Optax's spelling",
        "",
        """
.. automodule:: lectopt.dialects.optax
   :members:
   :imported-members:

.. automodule:: lectopt.dialects.optax.contrib
   :members:
""",
    ),
    "papers": (
        "The papers' spelling",
        "",
        """
.. automodule:: lectopt.dialects.papers
   :members:
""",
    ),
}  # fmt: skip


def names(theme):
    """The names of a page, as one imports them."""
    found = {}
    for module in THEMES[theme][2]:
        for name in importlib.import_module(f"lectopt.{module}").__all__:
            if hasattr(lectopt, name) and name not in algorithms.ALGORITHMS:
                found[name] = getattr(lectopt, name)
            elif not hasattr(lectopt, name):
                package = importlib.import_module(f"lectopt.{module}")
                found[f"{module}.{name}"] = getattr(package, name)
    return {name: thing for name, thing in found.items() if callable(thing)}


def documented():
    """Every name that a page of the API documents."""
    themes = (name for theme in THEMES for name in names(theme))
    return {f"lectopt.{name}" for name in (*algorithms.ALGORITHMS, *themes)}


def pages():
    """Path -> text of every page."""
    texts = {theme: _listed(theme) for theme in THEMES}
    texts |= {name: directives for name, (_, _, directives) in OTHERS.items()}
    titles = {**THEMES, **OTHERS}
    return {
        f"api/{name}.md": f"# {titles[name][0]}\n\n{titles[name][1]}\n\n"
        f"```{{eval-rst}}\n{text.strip()}\n```\n"
        for name, text in texts.items()
    }


def _listed(theme):
    lines = []
    for name, thing in names(theme).items():
        if isinstance(thing, type):
            lines.append(f".. autoclass:: lectopt.{name}\n   :members:\n")
        else:
            lines.append(f".. autofunction:: lectopt.{name}\n")
    return "\n".join(lines)
