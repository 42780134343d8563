"""What the updates keep, by induction: counters and signs; and schedules by their steps."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from lectopt.explain.known import MOST, Known, T, line, linear
from lectopt.explain.resolving import Resolver
from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.terms import FALSE, ONE, TRUE, Term, add, is_num, ite, negate, sub


def counters(candidates: Mapping[str, tuple[Term, Term]], facts: Known) -> dict[str, Term]:
    """Which slots are formulas in t before the update: counters, and flags of the first update.

    They are assumed to be; whatever then is something else after an update is none, and the others
    are tried again. What remains is right by induction.

    Args:
      candidates: for the names of single whole numbers and flags the start and the next value.
      facts: about signs.
    """
    found: dict[str, Term] = {}
    for name, (start, after) in candidates.items():
        if is_num(start):
            found[name] = line(Fraction(1), start.args[0] - 1)
        elif start is TRUE and after.sort == "bool":
            found[name] = Term("eq", *sorted((T, ONE), key=lambda x: x.id))
    while found:
        resolve = Resolver(found, facts)
        later = {
            name: rewrite(x, lambda y: add(T, ONE) if y is T else None, {})
            for name, x in found.items()
        }
        settle = Resolver({}, facts)
        right = {
            name: x
            for name, x in found.items()
            if settle(resolve(candidates[name][1])) is settle(later[name])
        }
        if len(right) == len(found):
            break
        found = right
    return found


def counted(
    slots: Mapping[str, tuple[Term, Term]], facts: Known, known: Mapping[str, Term]
) -> None:
    """Find the whole numbers that start at one and grow by 1 at most, by induction."""
    facts.counters |= dict.fromkeys(slots, 0)
    while True:
        resolve = Resolver(known, facts)
        weak = []
        for name in facts.counters.keys() & slots.keys():
            start, after = (facts.span(resolve(x)) for x in slots[name])
            small = start is not None and 0 <= start[0] and start[1] <= MOST
            if not small or after is None or after[0] < 0 or after[1] > MOST + 1:
                weak.append(name)
        if not weak:
            return
        for name in weak:
            del facts.counters[name]


def signed(
    slots: Mapping[str, tuple[Term, Term]], facts: Known, resolve: Callable[[Term], Term]
) -> None:
    """Find the slots that plainly stay at least 0, or above it, by names with their starts and next
    values."""
    known = {name: tuple(map(resolve, pair)) for name, pair in slots.items()}
    facts.nonnegative |= known.keys()
    while True:
        weak = [
            name
            for name, pair in known.items()
            if name in facts.nonnegative and not all(map(facts.plainly, pair))
        ]
        if not weak:
            break
        facts.nonnegative.difference_update(weak)
    known = {name: pair for name, pair in known.items() if name in facts.nonnegative}
    facts.positive |= known.keys()
    above = facts.above
    while True:
        weak = {
            name
            for name, pair in known.items()
            if name in facts.positive and not all(map(above, pair))
        }
        if not weak:
            break
        facts.positive -= weak


def piecewise(term: Term, facts: Known) -> Term:
    """A schedule as cases, the latest step first, if that is shorter than with numbers that are
    chosen by the step."""
    steps: dict[Term, Fraction] = {}
    for x in walk(term):
        if x.op == "ite" and x.args[0].op == "lt" and {*x.args[1:]} != {*x.args[0].args}:
            ends = linear(sub(*x.args[0].args))
            if ends is not None and ends[0]:
                steps[x.args[0]] = -ends[1] / ends[0]
    if not steps:
        return term
    last = max(steps, key=lambda c: steps[c])
    before = linear(sub(*last.args))
    assert before is not None
    cases = []
    for value in (TRUE, FALSE):
        known = {c: value for c in steps if c is last}
        if (value is TRUE) != (before[0] > 0):  # it is later than all these steps
            for c, step in steps.items():
                ends = linear(sub(*c.args))
                if c is not last and ends is not None and step <= steps[last]:
                    known[c] = FALSE if ends[0] > 0 else TRUE
        changed = rewrite(term, known.get, {})
        cases.append(piecewise(Resolver({}, facts)(changed), facts))
    return ite(last, *cases) if before[0] > 0 else ite(negate(last), *cases[::-1])
