"""Terms with other terms in the place of some, and all parts of a term."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from lectopt.explain.terms import LEAVES, MAKE, Term


def rewrite(term: Term, change: Callable[[Term], Term | None], memo: dict[Term, Term]) -> Term:
    """The term with `change(x)` in the place of every part for which it is not None, also inside
    sums and functions of whole arrays; outer parts are asked first.

    Deep terms need no deep stack.
    """
    if term in memo:
        return memo[term]
    stack, asked = [term], set()
    while stack:
        x = stack[-1]
        if x not in asked and x not in memo:
            asked.add(x)
            changed = change(x)
            if changed is None and x.op not in LEAVES:
                waiting = [y for y in _pieces(x) if y not in memo]
                if waiting:
                    stack += waiting
                    continue
            memo[x] = changed if changed is not None else _rebuilt(x, memo)
        elif x not in memo:
            memo[x] = _rebuilt(x, memo)
        stack.pop()
    return memo[term]


def _pieces(x: Term) -> Iterator[Term]:
    """All terms among the arguments."""
    for y in x.args:
        if isinstance(y, Term):
            yield y
        elif x.op == "opq" and isinstance(y, tuple):
            yield from y


def _rebuilt(x: Term, memo: Mapping[Term, Term]) -> Term:
    """The term with its new parts."""
    if x.op in LEAVES:
        return x
    opaque = x.op == "opq"
    args = [
        memo[y]
        if isinstance(y, Term)
        else tuple(memo[z] for z in y)
        if opaque and isinstance(y, tuple)
        else y
        for y in x.args
    ]
    return MAKE[x.op](*args) if x.op in MAKE else Term(x.op, *args)


def assumed(term: Term, condition: Term, value: bool) -> Term:
    """The term where a condition is known, which it is not inside sums and whole arrays."""

    def change(x: Term) -> Term | None:
        if x is condition:
            return Term("bool", value)
        return x if x.op in ("agg", "opq") else None

    return rewrite(term, change, {})


def walk(*terms: Term, inside: bool = False) -> Iterator[Term]:
    """All parts of the terms, each once, arguments first; with `inside` those of the bodies of
    sums and functions of whole arrays too."""
    seen: set[Term] = set()
    stack = [(term, False) for term in terms]
    while stack:
        term, done = stack.pop()
        if done:
            yield term
        elif term not in seen:
            seen.add(term)
            stack.append((term, True))
            stack.extend((x, False) for x in _parts(term, inside))


def _parts(term: Term, inside: bool) -> Iterable[Term]:
    if term.op in LEAVES:
        return ()
    if term.op in ("agg", "opq"):
        bodies = (term.args[1],) if term.op == "agg" else term.args[2]
        return bodies if inside else ()
    return (x for x in term.args if isinstance(x, Term))
