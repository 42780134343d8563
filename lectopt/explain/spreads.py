"""Sums over leaves, with the same part for leaves that are alike; and formulas of one leaf."""

import functools as ft
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lectopt.explain.arrays import FOLD, Array, array
from lectopt.explain.flat import Given
from lectopt.explain.interpreting import equation
from lectopt.explain.numbering import NONE
from lectopt.explain.primitives import POINTWISE
from lectopt.explain.rewriting import rewrite
from lectopt.explain.terms import ONE, ZERO, Term

if TYPE_CHECKING:
    from lectopt.explain.running import Runner


def of_all(x: Array) -> Callable[[Any], Term]:
    """The entries of an array that is made of several leaves: its symbols keep their labels, also
    in the formulas of one of them."""
    memo: dict[Term, Term] = {}

    def change(y: Term) -> Term | None:
        if y.op == "sym" and "@" in y.args[0] and "@=" not in y.args[0]:
            return Term("sym", y.args[0].replace("@", "@="), y.args[1], y.args[2])
        return None

    return lambda index: rewrite(x.at(index), change, memo)


def of_leaf(
    label: str, sizes: Mapping[Term, Term] | None = None, whole: bool = True
) -> Callable[[Term], Term]:
    """Terms as those of a leaf: the label of that leaf taken off, and sizes by their letters."""
    memo: dict[Term, Term] = {}
    end = f"@{label}"

    def change(x: Term) -> Term | None:
        if sizes and x in sizes:
            return sizes[x]
        if x.op == "sym" and "@" in x.args[0]:
            name = x.args[0].removesuffix(end) if label else x.args[0]
            name = name.replace("@=", "@") if whole else name
            return Term("sym", name, x.args[1], x.args[2]) if name != x.args[0] else None
        return None

    return lambda term: rewrite(term, change, memo)


def of_one_weight(term: Term) -> Term:
    """The term of a vector as that of one weight."""

    def change(x: Term) -> Term | None:
        if x.op == "sym" and x.args[0] == "n":
            return ONE
        if x.op == "sym" and len(x.args[1]) == 1:
            return Term("sym", x.args[0], (), x.args[2])
        if x.op == "fn" and x.args[0].startswith("leaves "):
            return x
        return of_one_weight(x.args[1]) if x.op == "agg" and len(x.args[2]) == 1 else None

    return rewrite(term, change, {})


FOLD_NAMES = {
    "add": "sum", "add_any": "sum", "max": "max", "min": "min", "and": "and", "or": "or",
    "mul": "prod", **{f"reduce_{kind}": kind for kind in ("sum", "max", "min", "and", "or")},
}  # fmt: skip


Part = tuple[Any, int, Array]  # a number, a leaf, and what it contributes


class Joined:
    """Numbers of single leaves that a program puts in a row, to look at them all."""

    def __init__(self) -> None:
        self.known: dict[int, list[Part]] = {}

    def over(self, step: Any, ins: Sequence[Array], numbered: Any) -> list[Part] | None:
        """What a step gathers of numbers in a row, None if it does something else."""
        name, refs = step.eqn.primitive.name, step.ins
        if name == "concatenate" and all(x.shape == (1,) for x in ins):
            numbers = ((0, NONE) if isinstance(r, Given) else numbered[r] for r in refs)
            self.known[step.outs[0]] = [
                (number, leaf, _first(x)) for (number, leaf), x in zip(numbers, ins, strict=True)
            ]
        rows = [r for r in refs if isinstance(r, int) and r in self.known]
        if len(rows) != 1 or len(step.outs) != 1:
            return None
        parts = self.known[rows[0]]
        if name in FOLD_NAMES and name.startswith("reduce_"):
            return parts
        if name in POINTWISE or name == "convert_element_type":
            if all(x.shape == () for r, x in zip(refs, ins, strict=True) if r != rows[0]):
                each = [
                    [p[2] if r == rows[0] else x for r, x in zip(refs, ins, strict=True)]
                    for p in parts
                ]
                out = SimpleNamespace(shape=(), dtype=step.eqn.outvars[0].aval.dtype)
                eqn = SimpleNamespace(
                    primitive=step.eqn.primitive, params=step.eqn.params, effects=(),
                    outvars=[SimpleNamespace(aval=out)],
                )  # fmt: skip
                self.known[step.outs[0]] = [
                    ((p[0], step.outs[0]), p[1], equation(eqn, xs)[0])
                    for p, xs in zip(parts, each, strict=True)
                ]
        return None


def _first(x: Array) -> Array:
    return array((), x.dtype, lambda _: x.at((ZERO,)))


class Spread:
    """A sum over leaves (or a product, a maximum, ...) that has the same part for leaves that are
    alike: the part once, and for which leaves."""

    def __init__(self, reader: "Runner", kind: str, parts: Sequence[Part]):
        self.reader, self.kind = reader, kind
        self.alone: list[Array] = []
        self.classes: dict[Any, dict[int, Array]] = {}
        for number, leaf, part in parts:
            if leaf < 0 or leaf in self.classes.get(number, {}):
                self.alone.append(part)
            else:
                self.classes.setdefault(number, {})[leaf] = part

    def _with_scalars(self) -> list[dict[int, Array]]:
        """The parts by leaf, for leaves that are alike; a scalar is a vector of one weight."""
        found = [dict(owners) for owners in self.classes.values()]
        ranks = [max(len(self.reader.shapes[k]) for k in owners) for owners in found]
        for scalars in [x for x, rank in zip(found, ranks, strict=True) if rank == 0]:
            for vectors in found:
                leaf = self.reader.stands(list(vectors))
                if len(self.reader.shapes[leaf]) == 1:
                    other = next(iter(scalars))
                    bodies = (
                        of_leaf(self.reader.labels[k], whole=False)(owners[k].at(()))
                        for k, owners in ((leaf, vectors), (other, scalars))
                    )
                    vector, scalar = bodies
                    if of_one_weight(vector) is scalar:
                        vectors |= scalars
                        return [x for x in found if x is not scalars]
        return found

    def at(self, index: Any) -> Term:
        """The whole as a term."""
        del index
        count, terms = len(self.reader.labels), []
        for owners in self._with_scalars():
            leaf = self.reader.stands(list(owners))
            part = of_all(owners[leaf])(())  # of a leaf of its own, also where it stands for others
            if len(owners) > 1:
                part = owners[leaf].at(())
                body = of_leaf(self.reader.labels[leaf], whole=False)(part)
                over = "all" if len(owners) == count else ",".join(map(str, sorted(owners)))
                rank = len(self.reader.shapes[leaf])
                part = Term("fn", f"leaves {self.kind} {over} {rank}", part.sort, body)
            terms.append(part)
        return ft.reduce(FOLD[self.kind], [*terms, *(of_all(x)(()) for x in self.alone)])
