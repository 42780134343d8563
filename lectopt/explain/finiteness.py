"""What conditions on NaN and infinity are where nothing is one and nothing overflows.

A proof leaves them open first. Where it fails they are taken as settled, and the verdict is "proved
for finite inputs"; very large inputs, NaN and infinities are then run.
"""

from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.terms import FALSE, INF, TRUE, Term, neg

FINITE = frozenset({"num", "sym", "add", "mul", "sqrt", "exp", "ite", "agg", "floor"})
ASKING = ("is_finite", "is_number")


def asks(term: Term) -> bool:
    """Whether a condition on NaN or infinity occurs in a term."""
    return any(_settled(x) is not None for x in walk(term, inside=True))


def settled(term: Term) -> Term:
    """The term where all such conditions are what they are for numbers, the inner ones first."""
    found = rewrite(term, _settled, {})
    return term if found is term else settled(found)


def _settled(x: Term) -> Term | None:
    if x.op == "fn" and x.args[0] in ASKING:
        return TRUE if _a_number(x.args[2]) else None
    if x.op == "lt":
        low, high = x.args
        if high is INF or low is neg(INF):
            return TRUE if _a_number(low if high is INF else high) else None
        if low is INF or high is neg(INF):
            return FALSE if _a_number(high if low is INF else low) else None
    if x.op == "eq" and (INF in x.args or neg(INF) in x.args):
        other = next(y for y in x.args if y not in (INF, neg(INF)))
        return FALSE if _a_number(other) else None
    return None


def _a_number(term: Term) -> bool:
    """Whether a term is finite for all finite symbols: it divides by nothing, and casts nothing to
    a type that overflows soon."""
    plain = FINITE | {"lt", "eq", "not", "and", "bool"}
    return INF not in (parts := set(walk(term, inside=True))) and all(x.op in plain for x in parts)
