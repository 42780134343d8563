"""`Transformation`: an Optax gradient transformation that knows what it is made of.

A `Core` is what compositions are made of; a `Transformation` is a core with its outer skin: the
Optax interface, the one step counter, and the one place where the dtype of the updates changes.
With `lifting.py`, which makes cores from rules for one weight, this is all the machinery there is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from lectopt import settings as _settings
from lectopt.trees import aligned, dtype_of, foreign_state, widened

State = dict[str, Any]
LINE = 88  # a composition that prints longer than this is broken into one member per line


class Now(NamedTuple):
    """What a member of a composition is told about the update in progress."""

    count: Any  # how many updates came before this one; None if nobody asked for it
    params: Any
    extra: Mapping[str, Any]

    def step(self) -> Any:
        """The number of this update, counted from 1 as in the bias corrections of the lectures."""
        return self.count + 1


@dataclass(frozen=True, eq=False, repr=False)
class Core:
    """A transformation without its skin: `start` and `step` work on wide floats and are told the
    count.

    `keys` are the entries of the state record that it owns, `parts` its members, `label` the
    keyword it was given in a chain, `foreign` the Optax transformation that it wraps. Two cores
    are equal if they are the same composition with the same settings.
    """

    name: str
    start: Callable[[Any], State]
    step: Callable[[Any, State, Now], tuple[Any, State]]
    keys: tuple[str, ...] = ()
    counted: bool = False
    point: Callable[[Any, State, Any], Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple["Core", ...] = ()
    label: str | None = None
    maker: Callable[..., "Transformation"] | None = None
    foreign: Any = None

    def but(self, **settings: Any) -> "Transformation":
        """The same primitive with some settings changed."""
        assert self.maker is not None, f"{self.name} is a combination, it has no settings"
        return self.maker(**{**self.settings, **settings})

    def _identity(self) -> tuple[Any, ...]:
        values = tuple((k, _settings.frozen(v)) for k, v in sorted(self.settings.items()))
        return (self.name, self.label, values, self.parts, self.foreign)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Core) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        parts = ["..."] if self.foreign else [repr(part) for part in self.parts]
        values = [
            f"{k}={_settings.shown(v)}"
            for k, v in self.settings.items()
            if k not in self.defaults or _settings.frozen(v) != _settings.frozen(self.defaults[k])
        ]
        head = f"{self.label}=" if self.label else ""
        line = f"{head}{self.name}({', '.join(parts + values)})"
        if len(line) <= LINE or not self.parts:
            return line
        lines = [item.replace("\n", "\n    ") for item in parts + values]
        return f"{head}{self.name}(\n    " + ",\n    ".join(lines) + ",\n)"


@jax.tree_util.register_static
class Transformation(optax.GradientTransformationExtraArgs):
    """An Optax gradient transformation that knows what it is made of.

    `init(params)` and `update(updates, state, params, **extra)` are Optax's. In addition
    `repr(tx)` is the composition, `==` and `hash` compare structure and settings (equal optimizers
    passed as static arguments compile once), and `point` says where the gradient is wanted.

    The state is a plain dict with Optax's field names (`mu`, `nu`, `trace`), plus one `count` for
    the whole composition if anything in it depends on the step. Arithmetic and slots are at least
    float32; updates come back in the dtype of the gradient.
    """

    core: Core

    def __new__(cls, core: Core) -> "Transformation":
        """Give `core` its skin."""

        def init(params: Any) -> State:
            count = {"count": jnp.zeros([], jnp.int32)} if core.counted else {}
            return count | core.start(params)

        def update(
            updates: Any, state: State, params: Any = None, **extra: Any
        ) -> tuple[Any, State]:
            if core.counted and (not isinstance(state, Mapping) or "count" not in state):
                raise ValueError(foreign_state("count", state))
            if params is not None:
                aligned(updates, {"params": params}, "params")
            wide = widened(updates)
            count = state["count"] if core.counted else None
            out, new = core.step(wide, state, Now(count, params, extra))
            if core.counted:
                new = {"count": optax.safe_increment(state["count"])} | new
            return jax.tree.map(lambda o, u: o.astype(dtype_of(u)), out, updates), new

        self = super().__new__(cls, init, update)  # pyright: ignore[reportArgumentType]
        self.core = core
        return self

    @property
    def members(self) -> tuple["Transformation", ...]:
        """The members of a chain in order, or the two sides of a ratio or product."""
        return tuple(map(Transformation, self.core.parts))

    def point(self, params: Any, state: State) -> Any:
        """Where to take the gradient of the next update: `params`, but for look-ahead methods."""
        if self.core.point is None:
            return params
        return self.core.point(params, state, state.get("count"))

    def __repr__(self) -> str:
        return repr(self.core)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transformation) and self.core == other.core

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.core)

    def __getnewargs__(self) -> tuple[Core]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return (self.core,)
