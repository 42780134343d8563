"""What is printed: a program in another library's words that runs alone.

A call in most cases; a schedule is a scheduler there, or a function; what stands around the
algorithm is a hook, a subclass or a member of a chain.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from lectopt.dialects.porting.arithmetic import Unwritten, function_text
from lectopt.schedules import Schedule
from lectopt.transformation import Transformation
from lectopt.values import key_of, shown

Members = list[Transformation]
# What is done to a list of gradients first, where it is no setting.
CHANGES = {
    "negate": "[-g for g in grads]",
    "add_decayed_weights": dict(
        torch="[g + {bound} * p.detach() for g, p in zip(grads, params)]",
        keras=(
            "[g + {bound} * v for g, v in "
            "zip(grads, trainable_variables or self._trainable_variables)]"
        ),
    ),
    "dialects.keras.unscale": "[g / {bound} for g in grads]",
    "clip_by_value": dict(
        torch="[g.clamp(-{bound}, {bound}) for g in grads]",
        keras="[keras.ops.clip(g, -{bound}, {bound}) for g in grads]",
    ),
    "clip_by_norm": dict(
        torch="[g * (float({bound}) / g.norm()).clamp(max=1.0) for g in grads]",
        keras=(
            "[g * keras.ops.minimum(1.0, {bound} / keras.ops.sqrt(keras.ops.sum(g * g))) "
            "for g in grads]"
        ),
    ),
    "clip_by_global_norm": dict(
        torch=(
            "[g * (float({bound}) / torch.stack([g.norm() for g in grads]).norm()).clamp(max=1.0) "
            "for g in grads]"
        ),
        keras=(
            "[g * keras.ops.minimum(1.0, {bound} / keras.ops.sqrt(sum(keras.ops.sum(g * g) "
            "for g in grads))) for g in grads]"
        ),
    ),
    "dialects.torch.clip_grad_norm_": dict(
        torch=(
            "[g * (float({bound}) / (torch.stack([g.norm({p}) for g in grads]).norm({p}) + 1e-6))"
            ".clamp(max=1.0) for g in grads]"
        ),
        keras="[g * keras.ops.minimum(1.0, {bound} / ({norm} + 1e-6)) for g in grads]",
    ),
}


class Program:
    """The text for one call, given by its arguments, and what stands around it.

    Args:
      name: of the maker.
      given: its arguments.
      rate: the name of that which is the learning rate.
      before: members before the algorithm that are no settings of it.
      mask: which leaves decay, None for all.
      plateau: what reduces the rate, None for nothing.
      factors: of the rate, by patterns of the parameters' paths.
    """

    library = ""

    def __init__(
        self,
        name: str,
        given: Mapping[str, Any],
        rate: str,
        before: Members,
        mask: Any = None,
        plateau: Transformation | None = None,
        factors: Mapping[str, float] | None = None,
    ):
        self.name, self.given, self.rate = name, dict(given), rate
        self.before, self.mask, self.plateau = before, mask, plateau
        self.factors = factors or {}
        self.lines: list[str] = []
        self.foreign = False  # whether it calls a function that was given
        self.unnamed = False  # whether its mask is a function that was given, without a name
        self.defined: dict[Any, str] = {}

    def function(self, name: str, schedule: Callable[[Any], Any]) -> str:
        """Define a function of the count, and give its name."""
        key = key_of(schedule)
        if key not in self.defined:
            name = name if name not in self.defined.values() else f"{name}_{len(self.defined)}"
            self.lines += self.definition(name, schedule)
            self.defined[key] = name
        return self.defined[key]

    def definition(self, name: str, schedule: Callable[[Any], Any]) -> list[str]:
        """The lines that define it; a function that was given is called if it cannot be read."""
        try:
            return function_text(name, schedule, self.library)
        except Unwritten:
            if isinstance(schedule, Schedule):
                raise
            self.foreign = True
            result = "float(schedule(count))" if self.library == "torch" else "schedule(count)"
            return [f"def {name}(count):", f"    return {result}"]

    def changes(self) -> list[str]:
        """The lines that change the gradients first."""
        lines = []
        for member in self.before:
            text: Any = CHANGES[member.name]
            text = text if isinstance(text, str) else text[self.library]
            bound = next(map(shown, member.settings.values()), "")
            p = member.settings.get("norm_type")
            text = text.format(bound=bound, p=_order(p), norm=_norm(p))
            lines.append(f"grads = {text}")
        return lines


class Keras(Program):
    """A call of `keras.optimizers`, of a subclass where the gradients are changed first."""

    library = "keras"

    def definition(self, name: str, schedule: Callable[[Any], Any]) -> list[str]:
        """A class of schedules, of which Keras wants an object."""
        _, *body = super().definition(name, schedule)
        return [
            f"class {name}(keras.optimizers.schedules.LearningRateSchedule):",
            "    def __call__(self, count):",
            "        count = keras.ops.cast(count, keras.backend.floatx())",
            *(f"    {line}" for line in body),
        ]

    def text(self) -> str:
        """The program."""
        texts = {k: shown(v) for k, v in self.given.items()}
        rate: Any = self.given.get(self.rate)
        if callable(rate):
            if named_in(rate, "keras"):
                texts[self.rate] = f"keras.optimizers.schedules.{call_of(rate, 'keras')}"
            else:
                texts[self.rate] = f"{self.function('Rate', rate)}()"
        home = f"keras.optimizers.{self.name}"
        if changes := self.changes():
            self.lines += [
                f"class Optimizer({home}):",
                "    def apply(self, grads, trainable_variables=None):",
                *(f"        {line}" for line in changes),
                "        super().apply(grads, trainable_variables)",
            ]
            home = "Optimizer"
        call = f"{home}({', '.join(f'{k}={v}' for k, v in texts.items())})"
        if self.mask is not None:
            after = ["optimizer.exclude_from_weight_decay(var_list=others)"]
            return "\n".join([*self.lines, f"optimizer = {call}", *after])
        return "\n".join([*self.lines, f"optimizer = {call}"]) if self.lines else call


class Optax(Program):
    """An alias of Optax, or a chain."""

    library = "optax"
    chained: str | None = None  # the text of a row that is a chain itself
    coupled: str | None = None  # a decay before the alias
    after: str | None = None  # and one behind it

    def text(self) -> str:
        """The program."""
        texts: dict[str, str] = {}
        moving = {
            k: callable(v) and k not in ("mask", "weight_decay_mask") for k, v in self.given.items()
        }
        follows = [k for k, moves in moving.items() if moves and k != self.rate]
        for name, value in self.given.items():
            text = self.mask_text if name in ("mask", "weight_decay_mask") else shown
            texts[name] = self.function(name, value) if moving[name] else text(value)
        if self.chained is not None:
            call = self.chained.format(**texts)
        else:
            maker = f"optax.{self.name}"
            if follows:
                static = ', static_args=("mask",)' if "mask" in self.given else ""
                maker = f"optax.inject_hyperparams({maker}{static})"
            call = f"{maker}({', '.join(f'{k}={v}' for k, v in texts.items())})"
        around = [*map(self.member, self.before), self.coupled, call, self.after, self.by_path()]
        members = [member for member in around if member]
        call = f"optax.chain({', '.join(members)})" if len(members) > 1 else call
        return "\n".join([*self.lines, f"optimizer = {call}"]) if self.lines else call

    def definition(self, name: str, schedule: Callable[[Any], Any]) -> list[str]:
        """A function of the count as a float."""
        head, *body = super().definition(name, schedule)
        return [head, "    count = jnp.asarray(count, float)", *body]

    def member(self, tx: Transformation) -> str:
        """One before the alias."""
        bound = next(map(shown, tx.settings.values()), "")
        match tx.name:
            case "negate":
                return "optax.scale(-1.0)"
            case "dialects.keras.unscale":
                return f"optax.scale(1 / {bound})"
            case "dialects.torch.clip_grad_norm_":
                p = _order(tx.settings["norm_type"])
                parts = f"jnp.stack([jnp.linalg.norm(g.ravel(), {p}) for g in jax.tree.leaves(u)])"
                share = f"jnp.minimum(1, {bound} / (jnp.linalg.norm({parts}, {p}) + 1e-6))"
                return f"optax.stateless(lambda u, p: jax.tree.map(lambda g: g * {share}, u))"
            case "clip_by_norm":
                norm = "jnp.sqrt(jnp.sum(g * g))"
                leaf = f"jax.tree.map(lambda g: g * jnp.minimum(1, {bound} / {norm}), u)"
                return f"optax.stateless(lambda u, p: {leaf})"
            case name:
                return f"optax.{'clip' if name == 'clip_by_value' else name}({bound})"

    def mask_text(self, mask: Any) -> str:
        """A mask; a function by its name, and one without a name by that of the argument."""
        if not callable(mask) or getattr(mask, "__name__", "").isidentifier():
            return shown(mask)
        self.unnamed = True
        return "mask"

    def by_path(self) -> str:
        """The member that scales the updates by their paths."""
        if not self.factors:
            return ""
        found = "(f for pattern, f in factors.items() if re.fullmatch(pattern, path))"
        self.lines += [
            "def by_path(path, update):",
            '    path = jax.tree_util.keystr(path, simple=True, separator="/")',
            f"    factors = {self.factors}",
            f"    return update * next({found}, 1.0)",
        ]
        return "optax.stateless(lambda u, p: jax.tree_util.tree_map_with_path(by_path, u))"

    def decay(self, weight_decay: Any) -> str:
        """A decay beside an alias that has none; `weight_decay` may follow the count."""
        mask = "" if self.mask is None else f", mask={self.mask_text(self.mask)}"
        scheduled = callable(weight_decay)
        text = self.function("weight_decay", weight_decay) if scheduled else shown(weight_decay)
        return f"optax.add_decayed_weights({text}{mask})"


def _norm(p: Any) -> str:
    """The norm of all gradients together, in Keras' words."""
    if p == float("inf"):
        return "keras.ops.max(keras.ops.stack([keras.ops.max(keras.ops.abs(g)) for g in grads]))"
    return f"sum(keras.ops.sum(keras.ops.abs(g) ** {p}) for g in grads) ** (1 / {p})"


def _order(p: Any) -> str:
    """The order of a norm, as text."""
    return 'float("inf")' if p == float("inf") else shown(p)


IMPORTS = {
    "itertools.": "import itertools",
    "math.": "import math",
    "re.fullmatch": "import re",
    "jax.tree": "import jax",
    "jnp.": "import jax.numpy as jnp",
}


def with_imports(text: str) -> str:
    """A program after the imports of what it uses, beside its library."""
    needed = [line for word, line in IMPORTS.items() if word in text]
    if needed and "\n" not in text:
        text = f"optimizer = {text}"
    return "\n".join([*needed, text])


def named_in(schedule: Any, library: str) -> TypeGuard[Schedule]:
    """Whether a library has a schedule of this name, with all inside it."""
    if not isinstance(schedule, Schedule) or not schedule.name.startswith(f"dialects.{library}."):
        return False
    inside = schedule.settings.get("schedulers", ())
    return all(named_in(each, library) for each in inside)


def call_of(schedule: Schedule, library: str, inside: Callable[[Schedule], str] = repr) -> str:
    """A schedule as its library writes it, those inside it written by `inside`."""
    settings = {k: v for k, v in schedule.settings.items() if k not in ("lr", "steps_per_epoch")}
    if schedule.name.endswith("OneCycleLR"):
        settings = dict(schedule.settings)
    texts = ["optimizer"] * (library == "torch" and not schedule.name.endswith("ChainedScheduler"))
    for name, value in settings.items():
        if name in schedule.defaults and key_of(value) == key_of(schedule.defaults[name]):
            continue
        nested = name == "schedulers"
        text = f"[{', '.join(map(inside, value))}]" if nested else shown(value)
        texts.append(f"{name}={text}")
    return f"{schedule.name.rpartition('.')[2]}({', '.join(texts)})"
