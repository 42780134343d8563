"""Combinators: a combination of transformations is again a transformation.

`chain` is composition (each member gets the output of the one before), `ratio` and `product` feed
every member the same gradient and combine what comes out, `root` takes the square root of a second
moment and puts epsilon in its place, `debiased` corrects a moving average for its start, `masked`
leaves some leaves out. "Smoothing over normalising" is `ratio(ema, root(mean_square))`: the two
terms of the update that the CMU lecture separates.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp

from lectopt import numerics
from lectopt.compositions import Chain, Parallel
from lectopt.corrections import bias_correction, identity, square_root
from lectopt.settings import EpsPlacement, NonNegative
from lectopt.signatures import checked
from lectopt.transformation import Transformation
from lectopt.wrapping import AnyTransformation, Masked, Named, as_transformation

__all__ = [
    "chain",
    "debiased",
    "deviation",
    "masked",
    "parallel",
    "product",
    "ratio",
    "root",
    "total",
    "variance",
]


def chain(*members: AnyTransformation, **named: AnyTransformation) -> Transformation:
    """Feed each member the output of the one before.

    A chain inside a chain is the same as the longer chain. The state of a member stands in the
    common record under its own field names (`mu`, `nu`, `trace`); a member given by keyword keeps
    its state under that name. So a stateless member can be put anywhere without changing the
    layout.

    Args:
      *members: lectopt or Optax transformations, in order.
      **named: further members, each with the name of its entry in the state.

    Returns:
      Their composition, with one step counter for all of them.

    Raises:
      ValueError: two members would keep their state under the same name.
      TypeError: a member is not a gradient transformation.
    """
    parts: list[Transformation] = []
    for member in map(as_transformation, members):
        parts += member.parts if member.name == "chain" and isinstance(member, Chain) else [member]
    parts += [Named.of(name, as_transformation(member)) for name, member in named.items()]
    return Chain.of(parts)


def parallel(
    name: str, combine: Callable[..., Any], **members: AnyTransformation
) -> Transformation:
    """Feed every member the same gradient and combine what comes out, leaf by leaf.

    The same object in two members is one moment: it is computed and kept once, in the first.

    Args:
      name: of the combination, and of its entry in the state; `members` are the names below it.
      combine: a function of one leaf of each member's output.
      **members: lectopt or Optax transformations.

    Raises:
      ValueError: members share a moment that they are not rules for one weight all the way to, or
        that they feed different updates.
    """
    return Parallel.of(name, combine, {k: as_transformation(tx) for k, tx in members.items()})


def ratio(numerator: AnyTransformation, denominator: AnyTransformation) -> Transformation:
    """Divide one transformation of the gradient by another, weight by weight.

    Args:
      numerator: for example `ema(b1)`, or `identity()` for the gradient itself.
      denominator: for example `root(mean_square(b2), eps)`.
    """
    return parallel("ratio", _over, numerator=numerator, denominator=denominator)


def product(first: AnyTransformation, second: AnyTransformation) -> Transformation:
    """Multiply two transformations of the same gradient, weight by weight."""
    return parallel("product", _times, first=first, second=second)


def total(first: AnyTransformation, second: AnyTransformation) -> Transformation:
    """Add two transformations of the same gradient, weight by weight."""
    return parallel("total", _plus, first=first, second=second)


def variance(mean_square: AnyTransformation, mean: AnyTransformation) -> Transformation:
    """The variance `max(nu - |mu|^2, 0)` from a mean square `nu` and a mean `mu` of the same
    gradient.

    Rounding makes `nu - |mu|^2` negative for a nearly constant gradient; without the maximum its
    root is NaN.
    """
    return parallel("variance", _centred, mean_square=mean_square, mean=mean)


def deviation(mean: AnyTransformation) -> Transformation:
    """What the gradient is away from a mean of it: `g - mu`, with the newest `mu`.

    Args:
      mean: for example `ema(b1)`. Given to another member of the same combination too, the same
        object is one moment.

    Source: Zhuang et al. 2020, AdaBelief.
    """
    members = {"mean": as_transformation(mean), "gradient": identity()}
    return Parallel.of("deviation", _away, members, written=1)


def _over(a: Any, b: Any) -> Any:
    return a / b


def _times(a: Any, b: Any) -> Any:
    return a * b


def _plus(a: Any, b: Any) -> Any:
    return a + b


def _away(mean: Any, gradient: Any) -> Any:
    return gradient - mean


def _centred(nu: Any, mu: Any) -> Any:
    return jnp.maximum(nu - numerics.abs_sq(mu), 0)


def debiased(moment: Transformation) -> Transformation:
    """A moving average without the pull of its zero start: `moment / (1 - decay^t)`, `t` from 1.

    Args:
      moment: `ema(b1)`, `mean_square(b2)`, or a chain with one of them; the decay is read off the
        last member that has one.

    Raises:
      TypeError: `moment` has no decay.
    """
    correction = bias_correction(decay_of(moment))
    return Chain.of([*_in_turn(moment), correction], "debiased", ((moment,), {}))


def decay_of(moment: Transformation) -> Any:
    """The decay of a moving average.

    Raises:
      TypeError: `moment` is none.
    """
    for part in reversed([*_innermost(moment)]):
        if "decay" in part.settings:
            return part.settings["decay"]
    raise TypeError(f"debiased: {moment!r} has no decay. Write for example debiased(ema(0.9)).")


def _in_turn(tx: AnyTransformation) -> list[Transformation]:
    """The members of a chain, of those with names of their own too; else itself."""
    member = as_transformation(tx)
    if not isinstance(member, Chain):
        return [member]
    return [part for inner in member.parts for part in _in_turn(inner)]


def _innermost(tx: AnyTransformation) -> Iterator[Transformation]:
    """The members of a chain, those too that have a name in the state."""
    for part in _in_turn(tx):
        yield from _innermost(part.parts[0]) if isinstance(part, Named) else (part,)


@checked
def root(
    moment: AnyTransformation,
    eps: NonNegative = 0.0,
    eps_placement: EpsPlacement = "outside",
) -> Transformation:
    """The square root of a second moment `v`, with epsilon where the source puts it.

    Args:
      moment: `mean_square(b2)`, `debiased(mean_square(b2))`, `sum_of_squares()`, ...
      eps: epsilon; 0 is legal, `ratio` then gives 0 where nothing has been accumulated.
      eps_placement: `"outside"`: `sqrt(v) + eps` (Kingma and Ba, PyTorch, Liège, STAT 479).
        `"inside"`: `sqrt(v + eps)` (CMU, ISI). `"uncorrected"`: `(sqrt(v) + eps) / sqrt(1 - b^t)`,
        epsilon joins the root before the bias correction (Keras' "epsilon hat"); with no bias
        correction it is `"outside"`.
    """
    parts = _in_turn(moment)
    written = (
        (as_transformation(moment),),
        dict(eps=eps) | ({} if eps_placement == "outside" else dict(eps_placement=eps_placement)),
    )
    if eps_placement == "uncorrected" and parts[-1].name == "bias_correction":
        correction = bias_correction(parts[-1].settings["decay"], of_root=True)
        return Chain.of([*parts[:-1], square_root(eps), correction], "root", written)
    rooted = square_root(eps, eps_inside=eps_placement == "inside")
    return Chain.of([*parts, rooted], "root", written)


def masked(tx: AnyTransformation, mask: Any = None) -> Transformation:
    """A transformation of some leaves; the others pass unchanged, and no state is kept for them.

    Args:
      tx: any transformation.
      mask: tree of booleans like the parameters, or a prefix of one, or a function of the
        parameters: which leaves it sees. None: all.

    Raises:
      ValueError: from `init` or `update`, the mask holds anything but booleans, or does not fit.
    """
    member = as_transformation(tx)
    return member if mask is None else Masked.of(member, mask)
