"""Everything public that is called: by its name, the functions of the library, of its namespaces,
of the lectures and of the dialects."""

import inspect
import re

import lectopt
from lectopt import averaging, dialects, schedules
from lectopt.dialects.keras.frame import common
from tests.support.lecture_runs import LECTURES, functions

OFFERED = {"": lectopt, "schedules.": schedules, "averaging.": averaging}
DIALECTS = {name: getattr(dialects, name) for name in ("keras", "optax", "papers", "torch")}


def _named():
    for prefix, module in OFFERED.items():
        own = {name: getattr(module, name) for name in module.__all__}
        yield from ((prefix + k, f) for k, f in own.items() if inspect.isfunction(f))
    for name, module in (LECTURES | DIALECTS).items():
        yield from ((f"{name}.{k}", f) for k, f in functions(module).items())
    yield "keras.common", common


PUBLIC = {}
for _name, _function in _named():
    if _function not in PUBLIC.values():
        PUBLIC[_name] = _function


def arguments(function):
    """What its docstring says of each argument."""
    found = re.search(r"\nArgs:\n(.*?)(?=\n\S|\Z)", inspect.getdoc(function) or "", re.DOTALL)
    texts = re.split(r"^  (?=\*{0,2}\w+: )", found[1] if found else "", flags=re.MULTILINE)
    pairs = (text.partition(":")[::2] for text in texts if text)
    return {name.lstrip("*"): " ".join(text.split()) for name, text in pairs}
