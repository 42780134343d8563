"""A page for each lecture: its algorithms in its letters, and what is measured of what it says."""

import ast
import inspect
import re
from pathlib import Path

import lectopt
from lectopt import lectures

from . import equations, tables

# Name of the module -> the lecture, and the letter of its codes.
LECTURES = {
    "cmu11785": ("CMU 11-785: Training Neural Networks: Optimization", "S0"),
    "liege": ("Liège, lecture 5: Training neural networks", "S1"),
    "isi": ("ISI: Optimizing Deep Learning Models", "S2"),
    "ttic31230": ("TTIC 31230: SGD", "S3"),
    "stat479": ("STAT 479, lecture 12: Common Optimization Algorithms", "S4"),
}
# The settings with which an algorithm is what the slide writes, where the defaults are not.
SLIDE = {
    "cmu11785.nesterov": dict(form="look_ahead"),
    "liege.nesterov": dict(form="look_ahead"),
    "stat479.nesterov": dict(form="look_ahead"),
    "stat479.SGD": dict(momentum=0.9),
    "stat479.original_momentum": dict(momentum=0.9),
}
# Schedules have no default for what a slide leaves open.
NUMBERS = dict(
    eta=0.1, lambda_=0.1, gamma_0=0.1, eta_0=0.1, k=0.01, T=100, base_lr=0.01, max_lr=0.1,
    stepsize=10, initial_lr=0.1, lr=0.1, decay_rate=0.9, eta_1=0.1, B=8,
    lr_lambda="lambda epoch: 0.95**epoch",
)  # fmt: skip
TRANSCRIPT = (
    "The slides are known to us as text. Where it says something wrong, the slip may be the "
    "lecture's or the transcript's, so this page says *in the text we have*."
)
AUTHOR = (
    "The slides are known to us as text, which was compared with the author's LaTeX of the deck: "
    "what is wrong *in the text we have* stands there too."
)


def pages(source, shown):
    """Path -> text of the five pages."""
    claims = tested(source.parent / "tests" / "theory")
    entries = tables.catalogue(source)
    return {f"lectures/{name}.md": page(name, source, entries, claims, shown) for name in LECTURES}


def page(name, source, entries, claims, shown):
    """The page of one lecture."""
    title, letter = LECTURES[name]
    own = {code: entry for code, entry in entries.items() if code.startswith(letter)}
    parts = [f"# {title}\n"]
    parts.append(f"```{{eval-rst}}\n.. automodule:: lectopt.lectures.{name}\n```\n")
    parts.append(AUTHOR if name == "ttic31230" else TRANSCRIPT)
    parts.append("\n## Its algorithms\n")
    for function, row in tables.functions(source, name):
        parts.append(algorithm(name, function, *row))
    parts.append("## What it says, and what is measured\n")
    parts.append(
        "Figures are measured while this page is built. What is said to be tested is a test of "
        "lectopt, in `tests/theory`, which fails should it cease to hold.\n"
    )
    rest = []
    for code, (what, have) in own.items():
        figures = [f for f in re.findall(r"gallery\.md#([\w-]+)", have)]
        if not figures and code not in claims:
            rest.append(f"| {code} | {what} | {tables.linked(have, '../')} |")
            continue
        parts.append(f"### {code}: {what}\n")
        parts += [told(*claim) for claim in claims.get(code, [])]
        for figure in figures:
            parts.append(shown[figure.replace("-", "_")].markdown("../_gallery/"))
    parts.append("## Its other entries\n\n| code | entry | in lectopt |\n| --- | --- | --- |")
    parts += rest
    return "\n".join(parts) + "\n"


def algorithm(lecture, function, symbols, call, erratum):
    """One function: its equations, what it is in lectopt, and where the text is wrong."""
    maker = getattr(getattr(lectures, lecture), function)
    parts = [f"### {function}\n", recurrence(lecture, function, maker)]
    parts.append(f"In lectopt: {call}. On the slide: {symbols}.\n")
    if erratum:
        parts.append(f"**In the text we have:** {erratum}.\n")
    parts.append(f"```{{eval-rst}}\n.. autofunction:: lectopt.lectures.{lecture}.{function}\n```\n")
    return "\n".join(parts)


def recurrence(lecture, function, maker):
    """Its equations; those of a schedule with some numbers, as the rate of gradient descent."""
    settings = SLIDE.get(f"{lecture}.{function}", {})
    try:
        said = equations.of(maker, **settings)
    except (TypeError, ValueError):
        return schedule(lecture, function, maker)
    shown = ", ".join(f"{k}={v!r}" for k, v in settings.items())
    return (f"With `{shown}`:\n\n" if shown else "") + said


def schedule(lecture, function, maker):
    """The rate, for example numbers."""
    parameters = inspect.signature(maker).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty]
    if not set(needed) <= set(NUMBERS):
        return ""  # it wants a model
    call = f"{function}({', '.join(f'{name}={NUMBERS[name]}' for name in needed)})"
    made = eval(call, {function: maker})
    if not callable(made):
        return f"`{call}` is {made:g}.\n"
    found = lectopt.explain(lectopt.sgd, letters=lecture, learning_rate=made)
    return f"`{call}`, as the rate of gradient descent:\n\n{equations.display(found.latex)}"


def tested(folder):
    """Code -> (what a test asserts, its name) of all tests that name it."""
    found = {}
    for path in sorted(Path(folder).glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                said = " ".join((ast.get_docstring(node) or "").split())
                for code in dict.fromkeys(re.findall(r"S\d-\d\d", said)):
                    found.setdefault(code, []).append((said, node.name))
    return found


def told(said, test):
    """What a test asserts, as a line of a list."""
    said = re.sub(r"^(S\d-\d\d(, | and )?)+(: | (?=\w))?", "", said) or test[5:].replace("_", " ")
    parts = re.split(r"(`[^`]*`)", said)
    plain = [x if x.startswith("`") else re.sub(r"([*_<>|$^~\[\]])", r"\\\1", x) for x in parts]
    return f"* {''.join(plain)} *(tested: {test[5:].replace('_', ' ')})*\n"
