"""`Subject`: what is checked, and what is found out about it by running it."""

import functools as ft
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lectopt.look_ahead import take_gradients_as_given
from lectopt.testing import trees
from lectopt.testing.precision import double, stepwise
from lectopt.testing.probing import loss_of, moves, reduces, zeros
from lectopt.testing.registry import CHECKS, brief

Tree = Any
# The field `optax` hides the module from the annotations in the class.
Transformation: TypeAlias = optax.GradientTransformationExtraArgs
Maker = Callable[..., optax.GradientTransformation]
# What an update may need beside the parameters, the least first.
_NEEDS = ((), ("value",), ("value", "value_fn"), ("value", "grad", "value_fn"))


class Path(NamedTuple):
    """A short training: every update, and the state at its end."""

    updates: list[Tree]
    params: Tree
    state: Tree


@dataclass(frozen=True, eq=False)
class Subject:
    """A transformation to be checked: `make(**settings)`, any `optax.GradientTransformation`.

    What a check needs to know beyond that is found out by running it: whether `update` wants
    `value=` or `value_fn=`, whether weights move without a gradient, whether it reduces.

    Args:
      make: the maker, such as `optax.adam`.
      settings: its arguments. Floats are what is traced, swept and injected; whole numbers,
        strings, booleans and None are not.
      twin: the same rule in plain NumPy, `twin(g, n, **settings)`: from the gradients `g` of all
        `n` updates, of shape `(n, size)`, it yields the `n` updates. It is given the settings,
        defaults of `make` among them, that it names, and the first parameters if it names `params`.
        A setting that is a schedule arrives as that schedule.
      optax: a maker that gives the same numbers when it is called with the same settings.
      slots: at most so many numbers of state for every weight of a 100 x 100 leaf.
      skip: `{name of a check: reason}`, or pairs of both.
      name: what the subject is called in reports; from `make` if not given.

    Raises:
      ValueError: `skip` has no reason for something, or names a check that does not exist.
    """

    make: Maker
    settings: Mapping[str, Any] = field(default_factory=dict)
    twin: Callable[..., Iterable[Any]] | None = None
    optax: Maker | None = None
    slots: float | None = None
    skip: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or _name(self.make))
        _ = self.skipped  # whatever is wrong with it is said now

    @ft.cached_property
    def skipped(self) -> dict[str, str]:
        """The reason for every check that is skipped."""
        pairs = list(self.skip.items() if isinstance(self.skip, Mapping) else self.skip)
        for pair in pairs:
            reason = pair[1] if isinstance(pair, tuple | list) and len(pair) == 2 else None
            if not isinstance(reason, str) or not reason.strip():
                raise ValueError(
                    f"{self.name}: skip={pair!r} has no reason. "
                    'Write skip={"the name of the check": "why it cannot hold"}.'
                )
            if pair[0] not in CHECKS:
                raise ValueError(f"There is no check {pair[0]!r}; there are {', '.join(CHECKS)}.")
        return {str(name): str(reason) for name, reason in pairs}

    def build(self, **changes: Any) -> Transformation:
        """The transformation, with some settings changed, so that it may be given any keyword."""
        tx = take_gradients_as_given(self.make(**{**self.settings, **changes}))
        return optax.with_extra_args_support(tx)

    def needs_trees(self) -> bool:
        """Whether an update needs keywords about its trees, which wrappers would have to convert:
        a mask takes leaves out of the gradients, and not out of `grad=`."""
        return bool({"grad", "value_fn"} & set(self.needs))

    @ft.cached_property
    def floats(self) -> dict[str, Any]:
        """The settings that are numbers, which may be traced: floats, and scalar arrays of them."""

        def is_float(value: Any) -> bool:
            is_array = isinstance(value, np.ndarray | np.generic | jax.Array)
            return isinstance(value, float) or (
                is_array and value.ndim == 0 and jnp.issubdtype(value.dtype, jnp.floating)
            )

        return {k: v for k, v in self.settings.items() if is_float(v)}

    @ft.cached_property
    def needs(self) -> tuple[str, ...]:
        """The keyword arguments that `update` cannot do without, found by trying."""
        first: Exception | None = None
        for names in _NEEDS:

            def attempt(grads: Tree, params: Tree, names: tuple[str, ...] = names) -> Any:
                tx, extra = self.build(), loss_of(names, grads, params)
                return tx.update(grads, tx.init(params), params, **extra)

            try:
                jax.eval_shape(attempt, trees.gradients(), trees.params())
                return names
            except Exception as error:
                first = first or error
        assert first is not None
        raise AssertionError(
            f"init and update cannot be traced on a tree of matrices ({brief(first)}), "
            f"nor with the keywords {', '.join(_NEEDS[-1])}"
        ) from first

    def extra(self, grads: Tree, params: Tree) -> dict[str, Any]:
        """The keyword arguments of an update: of a loss that has `grads` at `params`."""
        return loss_of(self.needs, grads, params)

    def update(self, tx: Any, grads: Tree, state: Tree, params: Tree) -> tuple[Tree, Tree]:
        """One update, given all that it needs."""
        return tx.update(grads, state, params, **self.extra(grads, params))

    def run(
        self,
        tx: Any,
        steps: int = 3,
        params: Tree = None,
        gradients: Callable[[int], Tree] = trees.gradients,
    ) -> Path:
        """`steps` updates from `params`, with the gradients of each step."""
        params = trees.params() if params is None else params
        state, updates = tx.init(params), []
        for t in range(steps):
            update, state = self.update(tx, gradients(t), state, params)
            params = optax.apply_updates(params, update)
            updates.append(update)
        return Path(updates, params, state)

    @ft.cached_property
    def bare(self) -> Path:
        """Three updates without a wrapper, which those inside wrappers are compared with."""
        return self.run(self.build())

    @ft.cached_property
    def exact(self) -> Path:
        """The same in double precision, operation by operation."""
        with double(), stepwise():
            return self.run(self.build(), 3, trees.params("float64"), trees.gradients64)

    @ft.cached_property
    def idle(self) -> int:
        """The number of updates before the first that moves, 12 at most."""
        updates = self.bare.updates if moves(self.bare.updates) else self.run(self.build(), 12)[0]
        return next((t for t, update in enumerate(updates) if moves(update)), len(updates))

    @ft.cached_property
    def moves_without_gradient(self) -> bool:
        """Whether weights move although their gradients are zero: by decay, or by noise."""
        return moves(self.run(self.build(), gradients=lambda t: zeros(trees.params())).updates)

    @ft.cached_property
    def reduces(self) -> bool:
        """Whether a weight's update looks at other weights, of its leaf or of others."""
        tx, params = self.build(), trees.params()
        closed = jax.make_jaxpr(lambda g, s, p: self.update(tx, g, s, p))(
            trees.gradients(), tx.init(params), params
        )
        return reduces(closed.jaxpr)


def _name(make: Any) -> str:
    while isinstance(make, ft.partial):
        make = make.func
    return getattr(make, "__name__", type(make).__name__).strip("<>")
