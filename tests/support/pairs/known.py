"""What is known of a pair of optimizers, and how programs of one weight become optimizers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.support.pairs.trees import VECTOR

Maker = Callable[..., optax.GradientTransformation]


@dataclass(frozen=True)
class Witness:
    """Inputs for which the two make different updates, found by construction.

    Attributes:
      params: the weights at the start; they move by the updates of the first optimizer.
      gradients: one tree for each update.
      extra: one dict of further arguments for each update, if there are any.
    """

    params: Any
    gradients: Sequence[Any]
    extra: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class KnownPair:
    """Two optimizers of which it is known whether they make the same updates.

    `same` speaks of real numbers: for all trees, gradients, weights and numbers of updates up to
    2^30 the formulas have the same value. A float32 program is then the same up to rounding.

    Attributes:
      first, second: make them; with `settings`, they are makers that take these.
      finite_only: True: the two are the same for all numbers, and differ for NaN or infinity, as
        the witness shows; False: they are the same there, too; None: they were rewritten by rules
        of real numbers, which say nothing of these.
      undefined: where they differ as one of them is 0/0 there, if nowhere else.
      witness: of a pair that differs.
      settings: numbers by name, if the pair speaks of makers.
      tree: the parameters to compare them on, if the usual trees would not do.
      in_float32: part of one of them is in float32 whatever the weights are.
      told: names of numbers that an update is given besides.
      compiled: to be run as one program, as it holds a `cond` that would be compiled every time.
    """

    first: Maker
    second: Maker
    same: bool
    name: str = ""
    family: str = ""
    finite_only: bool | None = None
    undefined: str = ""
    witness: Witness | None = None
    settings: Mapping[str, Any] | None = None
    tree: Any = None
    in_float32: bool = False
    compiled: bool = False
    told: tuple[str, ...] = ()

    def extra_of(self, steps: int) -> list[Any]:
        """Some values for the numbers that an update is told."""
        return [{name: k + 0.7**j for j, name in enumerate(self.told)} for k in range(steps)]

    def subjects(self) -> tuple[Any, Any]:
        """What is asked about: two makers if there are settings, else two optimizers."""
        return (self.first, self.second) if self.settings is not None else self.built()

    def built(self, **settings: Any) -> tuple[Any, Any]:
        """Two optimizers, with these settings or those of the pair."""
        settings = dict(self.settings or {}) | settings
        made = self.first(**settings), self.second(**settings)
        return tuple(map(_as_one_program, made)) if self.compiled else made


Family = Callable[[np.random.Generator], KnownPair]
FAMILIES: dict[str, Family] = {}


def family(make: Family) -> Family:
    """Enter a function that draws pairs of one kind."""
    FAMILIES[make.__name__.strip("_").replace("_", " ")] = make
    return make


def drawn(name: str, seed: Sequence[int]) -> KnownPair:
    """A pair of a family."""
    pair = FAMILIES[name](np.random.default_rng(seed))
    title = f"{name} {'-'.join(map(str, seed))}" + (f": {pair.name}" if pair.name else "")
    return replace(pair, family=name, name=title)


def same(first: Any, second: Any, name: str = "", **known: Any) -> KnownPair:
    """Two that are the same by construction."""
    return KnownPair(_maker(first), _maker(second), True, name, **known)


def apart(first: Any, second: Any, witness: Witness, name: str = "", **known: Any) -> KnownPair:
    """Two that differ, by a witness."""
    return KnownPair(_maker(first), _maker(second), False, name, witness=witness, **known)


def _as_one_program(tx: Any) -> Any:
    update = optax.with_extra_args_support(tx).update
    return optax.GradientTransformationExtraArgs(tx.init, jax.jit(update))


def _maker(subject: Any) -> Maker:
    return (lambda: subject) if hasattr(subject, "update") else subject


def witness(gradients: Sequence[Any], weight: Any = 1.0, like: Any = VECTOR) -> Witness:
    """The same gradient at every place of a tree, a number or an array for each update."""

    def filled(value: Any) -> Any:
        return jax.tree.map(lambda x: jnp.broadcast_to(jnp.asarray(value, x.dtype), x.shape), like)

    values = {id(g): filled(g) for g in gradients}  # a long history is one tree, many times
    return Witness(filled(weight), [values[id(g)] for g in gradients])


def noise(random: np.random.Generator, steps: int, like: Any = VECTOR) -> Witness:
    """Ordinary gradients, where two different formulas differ."""

    def normal(x: Any) -> Any:
        return jnp.asarray(random.normal(size=x.shape), x.dtype)

    def tree() -> Any:
        return jax.tree.map(normal, like)

    return Witness(tree(), [tree() for _ in range(steps)])


def decimal(random: np.random.Generator, low: float, high: float, digits: int = 2) -> float:
    """A short number."""
    return float(f"%.{digits}g" % random.uniform(low, high))


def pick(random: np.random.Generator, *choices: Any) -> Any:
    return choices[random.integers(len(choices))]


def whole(random: np.random.Generator, low: int, high: int) -> int:
    return int(random.integers(low, high + 1))


def drawn_or(
    random: np.random.Generator,
    forms: Sequence[Any],
    faults: Sequence[Any],
    at: Witness,
    **known: Any,
) -> KnownPair:
    """Two of several forms of one thing, or one of them and one of its faults."""
    i, j = map(int, random.permutation(len(forms))[:2])
    if random.random() < 0.6:
        return same(forms[i], forms[j], f"form {i} / form {j}", **known)
    k = int(random.integers(len(faults)))
    known.pop("finite_only", None)
    return apart(forms[i], faults[k], at, f"form {i} / fault {k}", **known)


# --- Optimizers from programs of one leaf.

by_weight = optax.stateless_with_tree_map  # of a function of a gradient and its weight


def by_leaf(step: Callable[..., Any], *starts: float, dtype: Any = None) -> Any:
    """An optimizer that treats every leaf alike.

    Args:
      step: from a gradient, its weight, the number of the update from 1, and the states of the
        leaf, to the update and the new states.
      *starts: the first value of each state.
      dtype: of the states, by default that of the weights.
    """

    def init(params: Any) -> Any:
        first = [jax.tree.map(lambda p, x=x: jnp.full_like(p, x, dtype), params) for x in starts]
        return {"count": jnp.zeros([], jnp.int32), "states": first}

    def update(updates: Any, state: Any, params: Any = None) -> Any:
        t = optax.safe_increment(state["count"])
        leaves, tree = jax.tree.flatten(updates)
        columns = [jax.tree.leaves(x) for x in (params, *state["states"])]
        rows = [step(g, p, t, *s) for g, p, *s in zip(leaves, *columns, strict=True)]
        moves, *states = [
            jax.tree.unflatten(
                tree,
                [x.astype(g.dtype) if k == 0 else x for x, g in zip(column, leaves, strict=True)],
            )
            for k, column in enumerate(zip(*rows, strict=True))
        ]
        return moves, {"count": t, "states": states}

    return optax.GradientTransformation(init, update)


def by_count(rate: Callable[[Any], Any]) -> Any:
    """The gradients times a number for each update, by how many came before it."""

    def update(updates: Any, count: Any, params: Any = None) -> Any:
        factor = rate(count)
        moves = jax.tree.map(lambda g: g * jnp.asarray(factor, g.dtype), updates)
        return moves, optax.safe_increment(count)

    return optax.GradientTransformation(lambda params: jnp.zeros([], jnp.int32), update)


def everywhere(f: Any) -> Any:
    """An optimizer without state, from a function of all gradients and all weights."""
    return optax.stateless(lambda updates, params: f(updates, params))


def times(factor: Any, updates: Any) -> Any:
    return jax.tree.map(lambda g: (factor * g).astype(g.dtype), updates)


def norm(updates: Any) -> Any:
    return jnp.sqrt(sum(jnp.sum(jnp.square(g)) for g in jax.tree.leaves(updates)))
