"""Two optimizers side by side: the same settings, the same parameters, one set of symbols."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from lectopt.explain.algebra.names import Notation, own
from lectopt.explain.exchange import inner, plain
from lectopt.explain.explaining import explained
from lectopt.explain.explanation import PARAMETERS, Explanation
from lectopt.explain.reading.subjects import Subject, parts, subject, with_numbers
from lectopt.explain.reading.templates import TWO, template
from lectopt.explain.reading.tracing import double

ALONE = " of the second"  # in the name of a setting that has no counterpart


@dataclass(frozen=True)
class Pair:
    """Two explanations, and `b` in terms of `a`.

    `words` says what the settings and old statistics of `b` and its parameters are in the symbols
    of `a`; `missing` are statistics of `b` of which that is not known. `notes` are what a reader
    should know of the settings.
    """

    a: Explanation
    b: Explanation
    words: Mapping[Any, Any]
    missing: tuple[str, ...]
    settings: tuple[str, ...]
    notes: tuple[str, ...]
    mapped: bool

    @property
    def theta(self) -> Any:
        """The parameters of `b` in the symbols of `a`."""
        return self.words[own(self.b.system.parameter(self.leaves[0]), self.leaves[0])]

    @property
    def leaves(self) -> list[str]:
        """The leaves of the parameters."""
        return list(self.a.system.updates)


def pair(a: Any, b: Any, map: Mapping[str, Any], params: Any) -> Pair:
    """Explain both with the settings that both have at the same values.

    Args:
      a: a transformation or a maker of them.
      b: the other one.
      map: names of `b` in terms of `a`.
      params: a tree of arrays, or None.

    Raises:
      TypeError: `map` is no mapping from names to formulas.
      ValueError: `map` names something that `b` does not have, or its formulas cannot be read.
    """
    _check(map)
    notation = Notation()
    with double():
        first, second = (subject(x, {}, notation.setting) for x in (a, b))
        same, notes = _common(first, second, map)
        first = subject(a, _given(first, {k: v for k, (_, v) in same.items()}), notation.setting)
    sized = params is None
    if sized:
        params = next((p for p in (template(a, {}), template(b, {})) if p is not None), None)
    one = explained(first, notation, params, sized)
    if one.obstacle:
        return Pair(one, one, {}, (), (), (), False)
    given = dict(same.values())
    given |= {k: _number(one, k, v) for k, v in map.items() if k in _numbers(second)}
    with double():
        second = subject(b, _given(second, given), notation.setting)
    other = explained(second, notation, params, sized)
    if params is None and not other.obstacle and one.leaves.keys() != other.leaves.keys():
        one, other = (explained(x, notation, TWO, sized) for x in (first, second))
    if one.obstacle or other.obstacle:
        return Pair(one, other, {}, (), (), (), False)
    words, missing = _words(one, other, map)
    numbers = other.system.programs.subject.numbers
    notes += [
        f"{name} of the second corresponds to no setting of the first; it is {numbers[name]:g}"
        for symbol, name in other.system.settings.items()
        if str(words[symbol]).endswith(ALONE) and symbol in other.used
    ]
    notes += dict.fromkeys(note for x in (one, other) for note in _fixed(x))
    return Pair(one, other, words, missing, tuple(one.symbols.values()), tuple(notes), bool(map))


def _check(map: Any) -> None:
    example = 'map={"momentum": "decay"}, the names of the second in terms of the first'
    if not isinstance(map, Mapping):
        raise TypeError(f"map is a dict; got {map!r}. Write for example {example}.")
    for name, value in map.items():
        formula = isinstance(value, str | int | float | sp.Basic) and not isinstance(value, bool)
        if not isinstance(name, str) or not formula:
            raise TypeError(
                "map is a dict from names to text, numbers or SymPy expressions; got "
                f"{name!r}: {value!r}. Write for example {example}."
            )


def _fixed(explanation: Explanation) -> list[str]:
    """Of the settings that are no letters, because the program is another for each value."""
    letters = explanation.system.settings.values()
    numbers = explanation.system.programs.subject.numbers.items()
    return [f"they are compared for {k} = {v:g} only" for k, v in numbers if k not in letters]


def _common(
    first: Subject, second: Subject, map: Mapping[str, Any]
) -> tuple[dict[str, tuple[str, Any]], list[str]]:
    """For the settings that both have, by name or by letter: the name in the second and the value
    that both are to have; and notes on defaults that differ."""
    same: dict[str, tuple[str, Any]] = {}
    notes = []
    ours, theirs = _numbers(first), _numbers(second)
    for name, value in ours.items():
        other = _counterpart(name, theirs, ours)
        if other is None or other in map:
            continue
        values = value, theirs[other]
        if values[0] != values[1] and not {name, other} & (first.sampled | second.sampled):
            names = name if name == other else f"{name}, {other}"
            notes.append(f"their defaults differ: {names} is {values[0]:g} and {values[1]:g}")
        if name != other or values[0] != values[1]:
            same[name] = other, next((v for v in values if v not in (0, 1, -1)), values[0])
    return same, sorted(notes)


def _numbers(about: Subject) -> dict[str, Any]:
    """All plain numbers among the settings, 0 and 1 too."""
    settings = parts(about.values).items()
    return {k: v for k, v in settings if isinstance(v, int | float) and not isinstance(v, bool)}


def _given(about: Subject, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they are given to a maker, tuples whole."""
    whole = with_numbers(about.values, numbers)
    return {name: whole[name] for name in {n.partition("[")[0] for n in numbers}}


def _counterpart(name: str, theirs: Iterable[str], ours: Iterable[str]) -> str | None:
    """The setting of the same name, else the only one of the same letter."""
    if name in theirs:
        return name
    letter = Notation().setting
    alike = [k for k in theirs if letter(k) == letter(name) and k not in ours]
    rivals = [k for k in ours if letter(k) == letter(name)]
    return alike[0] if len(alike) == len(rivals) == 1 else None


def _number(explanation: Explanation, name: str, value: Any) -> Any:
    """The value of a setting that is written in those of `a`.

    Raises:
      ValueError: it is written in something else.
    """
    system = explanation.system
    numbers = system.programs.subject.numbers
    known = {s: sp.Float(numbers[name]) for s, name in system.settings.items()}
    found = plain(_expression(explanation, value)).xreplace(known).evalf()
    if not found.is_Float and not found.is_Integer:
        raise ValueError(
            f"map gives {name} as {value}, which is no number. A setting of the second is written "
            f"in the settings of the first: {', '.join(system.settings.values())}."
        )
    return float(found)


def _expression(explanation: Explanation, value: Any) -> Any:
    return explanation.parse(value) if isinstance(value, str) else inner(sp.sympify(value))


def _words(
    a: Explanation, b: Explanation, map: Mapping[str, Any]
) -> tuple[dict[Any, Any], tuple[str, ...]]:
    """The symbols of `b` in those of `a`, and the statistics of `b` that have no counterpart."""
    names = {("theta" if k in PARAMETERS else k): v for k, v in map.items()}
    known = a.vocabulary()
    words: dict[Any, Any] = {}
    missing: list[str] = []
    statistics = {state.key: state for state in a.system.states}

    def word(name: str, symbol: Any) -> Any:
        if name in names:
            return _expression(a, names.pop(name))
        like = _counterpart(name, a.symbols.values(), b.symbols.values())
        if like is not None:
            return known[like]
        return sp.Symbol(f"{name}{ALONE}", **symbol.assumptions0)

    for symbol, name in b.system.settings.items():
        words[symbol] = word(name, symbol)
    for name, symbol in b.system.extra.items():
        words[symbol] = a.system.extra.get(name, symbol)
    for state in b.system.states:
        if state.role == "known":
            names.pop(state.key, None)
            continue
        old = own(state.value("t-1").expr, state.name.leaf)
        if old in words:
            continue
        if state.key in names:
            words[old] = _expression(a, names.pop(state.key))
        elif state.key in statistics:
            like = statistics[state.key]
            words[old] = own(like.value("t-1").expr, like.name.leaf)
        else:
            missing.append(state.key)
    for leaf in b.system.updates:
        for time in ("t-1", "0"):
            symbol = own(b.system.parameter(leaf, time), leaf)
            words[symbol] = own(a.system.parameter(leaf, time), leaf)
        words[own(b.system.gradient(leaf), leaf)] = own(a.system.gradient(leaf), leaf)
    if "theta" in names:
        leaf = next(iter(b.system.updates))
        words[own(b.system.parameter(leaf), leaf)] = _expression(a, names.pop("theta"))
    unused = [k for k in names if k not in _numbers(b.system.programs.subject)]
    if unused:
        raise ValueError(
            f"map names {', '.join(unused)}, which {b.title} does not have as a number. It has "
            f"{', '.join(b.vocabulary())}; a key of map is a name of the second optimizer."
        )
    return words, tuple(dict.fromkeys(missing))
