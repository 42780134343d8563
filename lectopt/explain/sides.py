"""Two makers with the settings that both have: letters where any number will do, else numbers."""

import ast
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lectopt.explain.facts import Facts
from lectopt.explain.letters import Notation
from lectopt.explain.subjects import Subject, parts, subject

STATES = {"theta", "params", "θ"}  # what changes, and is no setting
EXAMPLE = 'map={"momentum": "decay"}, the names of the second in terms of the first'


@dataclass(frozen=True)
class Side:
    """One of the two: `make(h)` builds it with numbers or letters `h` for the common settings;
    `constants` are the numbers in the code of its maker."""

    title: str
    make: Callable[[Mapping[str, Any]], Any]
    constants: frozenset[float] = frozenset()


@dataclass(frozen=True)
class Sides:
    """Both, the values of the common settings, and what is known of them.

    `states` are the relations of `map` that are no settings: of slots of the second, or of
    `theta`, to text.
    """

    first: Side
    second: Side
    numbers: Mapping[str, float]
    decays: frozenset[str]
    states: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def names(self) -> tuple[str, str]:
        """What to call the two."""
        a, b = self.first.title, self.second.title
        return (f"the first {a}", f"the second {b}") if a == b else (a, b)

    def facts(self, letters: Iterable[str]) -> Facts:
        """Decays are between 0 and 1, other positive settings are positive."""
        known = set(letters)
        unit = known & self.decays
        return Facts(unit=unit, positive={k for k in known - unit if self.numbers[k] > 0})


def sides(a: Any, b: Any, map: Mapping[str, Any]) -> Sides:
    """Read what was given to `same_update`.

    Raises:
      TypeError: `map` is no mapping from names to formulas, or `a` or `b` is no transformation.
      ValueError: a formula of `map` cannot be read.
    """
    relations = _texts(map)
    letter = Notation().setting
    first, second = (subject(x, {}, letter) for x in (a, b))
    ours, theirs = _floats(first), _floats(second)
    formulas = {k: relations.pop(k) for k in list(relations) if k in theirs}
    same, notes = _common(first, second, formulas)
    values = {k: v for k, (_, v) in same.items()}
    for name in formulas:
        values |= {k: ours[k] for k in _names(formulas[name]) if k in ours and k not in values}
    for name, text in formulas.items():
        _number(name, text, {k: float(v) for k, v in ours.items()})
    links = {other: name for name, (other, _) in same.items()}
    alone = [k for k in theirs if k not in links and k not in formulas and second.maker]
    if first.maker and second.maker:
        notes += [
            f"{k} of the second corresponds to no setting of the first; it is {theirs[k]:g}"
            for k in alone
        ]

    def build_first(h: Mapping[str, Any]) -> Any:
        return first.build({k: v for k, v in h.items() if k in ours})

    def build_second(h: Mapping[str, Any]) -> Any:
        known = {**ours, **values, **h}
        given = {other: known[name] for other, name in links.items()}
        given |= {k: _number(k, text, known) for k, text in formulas.items()}
        return second.build(given)

    return Sides(
        Side(first.title, build_first, frozenset(_constants(a))),
        Side(second.title, build_second, frozenset(_constants(b))),
        values,
        frozenset(first.decays | {links[k] for k in second.decays & links.keys()}),
        relations,
        tuple(notes),
    )


def _constants(maker: Any) -> Iterator[float]:
    code = getattr(inspect.unwrap(getattr(maker, "func", maker)), "__code__", None)
    yield from (x for x in getattr(code, "co_consts", ()) if isinstance(x, float) and x)


def _floats(about: Subject) -> dict[str, float]:
    """The settings that are plain numbers."""
    settings = parts(about.values).items()
    return {k: v for k, v in settings if isinstance(v, int | float) and not isinstance(v, bool)}


def _common(
    first: Subject, second: Subject, formulas: Mapping[str, str]
) -> tuple[dict[str, tuple[str, Any]], list[str]]:
    """For the settings that both have, by name or by letter: the name in the second and the value
    that both are to have; and notes on defaults that differ."""
    same: dict[str, tuple[str, Any]] = {}
    notes = []
    ours, theirs = _floats(first), _floats(second)
    for name, value in ours.items():
        other = _counterpart(name, theirs, ours)
        if other is None or other in formulas:
            continue
        values = value, theirs[other]
        if values[0] != values[1] and not {name, other} & (first.sampled | second.sampled):
            names = name if name == other else f"{name}, {other}"
            notes.append(f"their defaults differ: {names} is {values[0]:g} and {values[1]:g}")
        same[name] = other, next((v for v in values if v not in (0, 1, -1)), values[0])
    return same, sorted(notes)


def _counterpart(name: str, theirs: Iterable[str], ours: Iterable[str]) -> str | None:
    """The setting of the same name, else the only one of the same letter."""
    if name in theirs:
        return name
    letter = Notation().setting
    alike = [k for k in theirs if letter(k) == letter(name) and k not in ours]
    rivals = [k for k in ours if letter(k) == letter(name)]
    return alike[0] if len(alike) == len(rivals) == 1 else None


def _texts(map: Any) -> dict[str, str]:
    if not isinstance(map, Mapping):
        raise TypeError(f"map is a dict; got {map!r}. Write for example {EXAMPLE}.")
    for name, value in map.items():
        formula = not isinstance(value, bool) and (
            isinstance(value, str | int | float) or hasattr(value, "free_symbols")
        )
        if not isinstance(name, str) or not formula:
            raise TypeError(
                "map is a dict from names to text, numbers or SymPy expressions; got "
                f"{name!r}: {value!r}. Write for example {EXAMPLE}."
            )
    return {name: str(value) for name, value in map.items()}


def formula(text: str, known: Mapping[str, Any]) -> Any:
    """The value of a formula in `+ - * / **` of names.

    Raises:
      ValueError: it is no such formula, or names something else.
    """
    try:
        return _value(ast.parse(text.strip(), mode="eval").body, text, known)
    except SyntaxError as error:
        raise ValueError(f"cannot read {text!r}: {error.msg}") from None


def _names(text: str) -> set[str]:
    try:
        return {x.id for x in ast.walk(ast.parse(text.strip())) if isinstance(x, ast.Name)}
    except SyntaxError as error:
        raise ValueError(f"cannot read {text!r}: {error.msg}") from None


def _value(node: ast.AST, text: str, known: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name):
            if name not in known:
                there = ", ".join(sorted(known)) or "nothing"
                raise ValueError(f"cannot read {name!r} in {text!r}; there are {there}.")
            return known[name]
        case ast.UnaryOp(op=ast.USub(), operand=x):
            return -_value(x, text, known)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            a, b = (_value(x, text, known) for x in (left, right))
            return _OPERATORS[type(operator)](a, b)
    raise ValueError(f"cannot read {text!r}: write it with + - * / ** of names and numbers.")


_OPERATORS: dict[Any, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b, ast.Pow: lambda a, b: a**b,
}  # fmt: skip


def _number(name: str, text: str, known: Mapping[str, Any]) -> Any:
    strange = _names(text) - known.keys() - STATES
    if strange:
        there = ", ".join(known)
        raise ValueError(f"cannot read {min(strange)!r} in {text!r}; there are {there}.")
    if _names(text) & STATES:
        raise ValueError(
            f"map gives {name} as {text}, which is no number. A setting of the second is written "
            f"in the settings of the first: {', '.join(known)}."
        )
    return formula(text, known)


def other_numbers(
    numbers: Mapping[str, float], decays: Iterable[str]
) -> Iterable[dict[str, float]]:
    """Further values of settings: much smaller and much larger ones."""
    unit = set(decays)
    for factor in (1e-3, 1e3):
        yield {
            k: (1 - (1 - v) / 10 if factor > 1 else v / 10) if k in unit else v * factor
            for k, v in numbers.items()
        }


def generic_numbers(numbers: Mapping[str, float], decays: Iterable[str]) -> dict[str, float]:
    """Values from which a product of settings can be told: no two alike."""
    unit = set(decays)
    shares = itertools.cycle((0.83, 0.947, 0.713, 0.891))
    sizes = itertools.cycle((0.137, 1.31e-3, 0.0419, 0.227))
    return {k: next(shares) if k in unit else next(sizes) for k in sorted(numbers)}
