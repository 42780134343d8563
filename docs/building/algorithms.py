"""A page for each algorithm: its equations, its signature, its conventions and who follows which,
an example that draws its path, and the lectures that teach it."""

import inspect
import re
import typing

import lectopt
from lectopt import optimizers

from . import equations, tables

LECTURES = ("cmu11785", "liege", "isi", "ttic31230", "stat479")
PARTS = re.compile(r"scale_by_.*|additive_mean_square|interpolated_ema|normalize")
ALGORITHMS = sorted(
    [*(name for name in optimizers.__all__ if not PARTS.fullmatch(name)), "lbfgs", "swats"]
)
# What cannot be called without more than a learning rate.
EXAMPLES = {
    "lbfgs": "lectopt.lbfgs()",
    "lookahead": "lectopt.lookahead(lectopt.sgd(0.1))",
    "mechanize": "lectopt.mechanize(lectopt.sgd(1.0))",
    "noisy_sgd": "lectopt.noisy_sgd(0.1, key=jax.random.key(0))",
    "sam": (
        "lectopt.sam(lectopt.sgd(0.05), lectopt.chain(lectopt.normalize(), lectopt.sgd(0.05)))"
    ),
    "schedule_free": "lectopt.schedule_free(lectopt.sgd(0.1), learning_rate=0.1)",
    "sgld": "lectopt.sgld(0.1, temperature=0.01, key=jax.random.key(0))",
    "swats": "lectopt.swats(0.1)",
}
# Titles in conventions.md, where they are not the name of the function.
TITLES = {"rmsprop": ("RMSProp", "RMSProp with momentum")}


def program(name):
    """The example that draws its path."""
    racer = EXAMPLES.get(name, f"lectopt.{name}")
    head = "import jax\n" if "jax." in racer else ""
    return (
        f"{head}import lectopt\nfrom lectopt import landscapes, pictures\n\n"
        f'pictures.race({racer}, landscapes.long_valley(), 50, path="path.png")\n'
    )


def paths():
    """Name and program of every picture of a path."""
    return [(name, program(name)) for name in ALGORITHMS]


def pages(source):
    """Path -> text of all pages."""
    who, taught = tables.conventions(source), tables.taught(source)
    calls = {lecture: list(tables.functions(source, lecture)) for lecture in LECTURES}
    return {
        f"algorithms/{name}.md": page(name, who, taught.get(name), calls) for name in ALGORITHMS
    }


def page(name, who, taught, calls):
    """The page of one algorithm."""
    maker = getattr(lectopt, name)
    parts = [f"# {name}\n"]
    wraps = name in EXAMPLES and name not in ("noisy_sgd", "sgld", "swats")
    subject = maker if not wraps else eval(EXAMPLES[name], {"lectopt": lectopt})
    if wraps:
        parts.append(f"As `{EXAMPLES[name]}`:\n")
    parts.append(equations.of(subject))
    parts.append(equations.replayed(subject))
    parts.append(f"```{{eval-rst}}\n.. autofunction:: lectopt.{name}\n```\n")
    parts.append(conventions(name, maker, who, taught))
    parts.append(in_lectures(name, calls))
    tuned = name not in EXAMPLES
    about = "at the best of 200 learning rates" if tuned else "as it is built here"
    parts.append(
        f"## Its path\n\n50 steps down the long valley, {about}:\n\n"
        f"```python\n{program(name)}```\n\n"
        f"![The path of {name} down a long valley](../_gallery/path_{name}.png)\n"
    )
    return "\n".join(part for part in parts if part)


def conventions(name, maker, who, taught):
    """The equations in each of its conventions, and the tables of who follows which."""
    parts, seen = [], set()
    if taught and len(taught) > 1 and taught[1]:
        parts.append(f"Chosen by {taught[1]}.\n")
    for keyword, values in choices(maker).items():
        for value in values:
            try:
                found = lectopt.explain(maker, **{keyword: value})
            except ValueError:  # it goes with another one only
                continue
            if not found.obstacle and found.latex not in seen:
                seen.add(found.latex)
                parts.append(f"`{keyword}={value!r}`\n\n{equations.display(found.latex)}")
    for title in TITLES.get(name, [key for key in who if key.lower() == name]):
        parts.append(f"Who follows which, from [conventions](../conventions.md):\n\n{who[title]}")
    return "## Conventions\n\n" + "\n".join(parts) if parts else ""


def choices(maker):
    """The keywords that are one of several words, with those that are not the default."""
    found = {}
    for p in inspect.signature(inspect.unwrap(maker)).parameters.values():
        if typing.get_origin(p.annotation) is typing.Literal:
            found[p.name] = [x for x in typing.get_args(p.annotation) if x != p.default]
    return found


def in_lectures(name, calls):
    """Links to the lectures' functions that are this one."""
    rows = [
        f"| [`{lecture}.{function}`](#lectopt.lectures.{lecture}.{function}) | {call} |"
        for lecture, functions in calls.items()
        for function, (_, call, _) in functions
        if re.search(rf"\b{name}\(", call) or f"`{name}`" in call
    ]
    head = "## In the lectures\n\n| function | is |\n| --- | --- |\n"
    return head + "\n".join(rows) + "\n" if rows else ""
