"""For what a proof holds, in words."""

from collections.abc import Iterable, Mapping, Sequence

import jax

from lectopt.explain.asking import Asked
from lectopt.explain.facts import Facts
from lectopt.explain.terms import Term
from lectopt.explain.trees import Tree

SHOWN = 6  # shapes, or things that must not be 0


def written(
    tree: Tree,
    sizes: bool,
    letters: Sequence[str],
    facts: Facts,
    needs: Iterable[Term],
    asked: Asked,
) -> str:
    """The scope of a proof.

    Args:
      tree: the parameters that were read.
      sizes: whether it holds for all sizes, and not for these shapes only.
      letters: the settings that may be any number.
      facts: what is taken of them.
      needs: what must not be 0, and the conditions `not x < 0` that must hold.
      asked: what the programs ask of sizes.
    """
    unit = [k for k in letters if k in facts.unit]
    plus = [k for k in letters if k in facts.positive]
    kinds = ((unit, " in (0, 1)"), (plus, " > 0"))
    words = [", ".join(names) + kind for names, kind in kinds if names]
    words += [k for k in letters if k not in (*unit, *plus)]
    settings = f" and every {', '.join(words)}" if words else ""
    leaves = jax.tree.leaves(tree.params)
    types = ", ".join(sorted({str(x.dtype) for x in leaves}))
    shapes = list(dict.fromkeys(str(tuple(x.shape)) for x in leaves))
    every = sizes and not asked.somehow
    extent = " of every size" if every else f" of the shapes {_some(shapes)}"
    if every and asked.sizes:
        extent += f" but {_some(map(str, sorted(asked.sizes)))}"
    extent = "" if tree.groups else extent
    needs = set(needs)
    roots = {x.args[0].args[0] for x in needs if x.sort == "bool"}  # of `not x < 0`
    zeros = {x for x in needs if x.sort != "bool"}
    kept = _listed(zeros, ", where not 0: ") + _listed(roots, ", where not negative: ")
    return (
        f"for all gradients and weights{settings}, in {types} {tree.words}{extent}{tree.place}, "
        f"in real numbers, fewer than 2^30 updates{kept}"
    )


def _some(words: Iterable[str]) -> str:
    shown = list(words)
    return ", ".join([*shown[:SHOWN], *(["..."] if len(shown) > SHOWN else [])])


def _listed(terms: Iterable[Term], before: str) -> str:
    shown = sorted(set(map(str, terms)))
    more = ["..."] if len(shown) > SHOWN else []
    return before + "; ".join([*shown[:SHOWN], *more]) if shown else ""


def numbers(fixed: Sequence[Mapping[str, float]], kept: Mapping[str, float]) -> str:
    """The settings that are no letters, with the numbers for which both were compared; and those
    that were `kept` as they are."""
    tried = [", ".join(f"{k} = {v:g}" for k, v in one.items()) for one in fixed if one]
    others = ", ".join(f"{k} = {v:g}" for k, v in kept.items())
    return (f", for {'; '.join(tried)}" if tried else "") + (f", with {others}" if others else "")
