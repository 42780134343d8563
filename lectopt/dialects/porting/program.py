"""What is printed: a program in another library's words that runs alone.

A call in most cases; a schedule is a scheduler there, or a function; what stands around the
algorithm is a hook, a subclass or a member of a chain.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from lectopt.dialects.porting.arithmetic import Unwritten, function_text, number_at
from lectopt.dialects.torch.cycles import CycledMomentum
from lectopt.schedules import Schedule
from lectopt.transformation import Transformation
from lectopt.values import key_of, shown

Members = list[Transformation]
# What is done to a list of gradients first, where it is no setting.
CHANGES = {
    "negate": "[-g for g in grads]",
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
    ):
        self.name, self.given, self.rate = name, dict(given), rate
        self.before, self.mask, self.plateau = before, mask, plateau
        self.lines: list[str] = []
        self.foreign = False  # whether it calls a function that was given
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
            lines.append(f"grads = {text.format(bound=bound)}")
        return lines


class Torch(Program):
    """A call of `torch.optim`, a scheduler, and a hook before every step."""

    library = "torch"

    def text(self) -> str:
        """The program."""
        given, moving = dict(self.given), dict[str, str]()
        rate, scheduler = given[self.rate], None
        cycle = rate if _named(rate, "torch") and _first(rate) is not None else None
        for name, value in given.items():
            if name != self.rate:
                given[name] = self._fixed(name, value, cycle, moving)
        if cycle is not None:
            given[self.rate], scheduler = _first(rate), _scheduler(rate)
        elif callable(rate):
            function = self.function("rate", rate)
            given[self.rate] = 1.0
            scheduler = f"torch.optim.lr_scheduler.LambdaLR(optimizer, {function})"
        if self.plateau is not None:
            scheduler = _plateau(self.plateau, given[self.rate])
        shown_ = ", ".join(f"{k}={shown(v)}" for k, v in given.items())
        params = "params"
        if self.mask is not None:
            params = "[dict(params=decayed), dict(params=others, weight_decay=0.0)]"
        call = f"torch.optim.{self.name}({params}, {shown_})"
        hook = self._hook(moving)
        if not (self.lines or scheduler or hook):
            return call
        made = [f"optimizer = {call}"] + ([f"scheduler = {scheduler}"] if scheduler else [])
        return "\n".join([*self.lines, *made, *hook])

    def _fixed(self, name: str, value: Any, cycle: Any, moving: dict[str, str]) -> Any:
        """An argument as a number; the text of what it follows goes into `moving`."""
        if isinstance(value, tuple):
            parts: dict[str, str] = {}
            numbers = tuple(self._fixed(f"{name}{i}", v, cycle, parts) for i, v in enumerate(value))
            if parts:
                texts = (parts.get(f"{name}{i}", shown(v)) for i, v in enumerate(numbers))
                moving[name] = f"({', '.join(texts)})"
            return numbers
        if not callable(value):
            return value
        if isinstance(value, CycledMomentum) and cycle is not None and value.cycle == cycle:
            return number_at(value, 0)  # which the scheduler moves
        moving[name] = f"{self.function(name, value)}(count)"
        return number_at(value, 0)

    def _hook(self, moving: Mapping[str, str]) -> list[str]:
        changes = self.changes()
        if not (moving or changes):
            return []
        body = ['params = [p for group in optimizer.param_groups for p in group["params"]]'] * bool(
            changes
        )
        if changes:
            body += ["params = [p for p in params if p.grad is not None]"]
            body += ["grads = [p.grad for p in params]", *changes]
            body += ["for p, grad in zip(params, grads):", "    p.grad = grad"]
        if moving:
            body += ["count = next(counts)", "for group in optimizer.param_groups:"]
            body += [f'    group["{name}"] = {text}' for name, text in moving.items()]
        counts = ["counts = itertools.count()"] * bool(moving)
        head = "def before(optimizer, args, kwargs):"
        lines = [*counts, head, *(f"    {line}" for line in body)]
        return [*lines, "optimizer.register_step_pre_hook(before)"]


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
            if _named(rate, "keras"):
                texts[self.rate] = f"keras.optimizers.schedules.{_call(rate, 'keras')}"
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
            texts[name] = self.function(name, value) if moving[name] else shown(value)
        if self.chained is not None:
            call = self.chained.format(**texts)
        else:
            maker = f"optax.{self.name}"
            if follows:
                static = ', static_args=("mask",)' if "mask" in self.given else ""
                maker = f"optax.inject_hyperparams({maker}{static})"
            call = f"{maker}({', '.join(f'{k}={v}' for k, v in texts.items())})"
        around = [*map(self.member, self.before), self.coupled, call, self.after]
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
            case "clip_by_norm":
                norm = "jnp.sqrt(jnp.sum(g * g))"
                leaf = f"jax.tree.map(lambda g: g * jnp.minimum(1, {bound} / {norm}), u)"
                return f"optax.stateless(lambda u, p: {leaf})"
            case name:
                return f"optax.{'clip' if name == 'clip_by_value' else name}({bound})"

    def decay(self, weight_decay: Any) -> str:
        """A decay beside an alias that has none; `weight_decay` may follow the count."""
        mask = "" if self.mask is None else f", mask={shown(self.mask)}"
        scheduled = callable(weight_decay)
        text = self.function("weight_decay", weight_decay) if scheduled else shown(weight_decay)
        return f"optax.add_decayed_weights({text}{mask})"


def _named(schedule: Any, library: str) -> TypeGuard[Schedule]:
    """Whether a library has a schedule of this name, with all inside it."""
    if not isinstance(schedule, Schedule) or not schedule.name.startswith(f"dialects.{library}."):
        return False
    inside = schedule.settings.get("schedulers", ())
    return all(_named(each, library) for each in inside)


def _first(schedule: Schedule) -> Any:
    """The rate that a scheduler of PyTorch multiplies, which all inside it share; None if they do
    not, or if it is no number."""
    settings = schedule.settings
    if settings.get("steps_per_epoch", 1) != 1 and not schedule.name.endswith("OneCycleLR"):
        return None
    if "schedulers" in settings:
        rates = [_first(each) for each in settings["schedulers"]]
        return rates[0] if all(rate == rates[0] for rate in rates) else None
    rate = next(settings[k] for k in ("lr", "base_lr", "max_lr") if k in settings)
    return None if callable(rate) else rate


def _scheduler(schedule: Schedule) -> str:
    home = "swa_utils" if schedule.name.endswith("SWALR") else "lr_scheduler"
    return f"torch.optim.{home}.{_call(schedule, 'torch')}"


def _call(schedule: Schedule, library: str) -> str:
    """A schedule as its library writes it."""
    settings = {k: v for k, v in schedule.settings.items() if k not in ("lr", "steps_per_epoch")}
    if schedule.name.endswith("OneCycleLR"):
        settings = dict(schedule.settings)
    texts = ["optimizer"] * (library == "torch" and not schedule.name.endswith("ChainedScheduler"))
    for name, value in settings.items():
        if name in schedule.defaults and key_of(value) == key_of(schedule.defaults[name]):
            continue
        inside = name == "schedulers"
        text = f"[{', '.join(map(_scheduler, value))}]" if inside else shown(value)
        texts.append(f"{name}={text}")
    return f"{schedule.name.rpartition('.')[2]}({', '.join(texts)})"


def _plateau(tx: Transformation, rate: Any) -> str:
    names = ("mode", "factor", "patience", "threshold", "cooldown")
    settings = {name: tx.settings[name] for name in names}
    settings["min_lr"] = tx.settings["min_scale"] * rate
    settings["threshold_mode"] = "abs" if tx.settings["threshold_mode"] == "absolute" else "rel"
    texts = ", ".join(f"{k}={shown(v)}" for k, v in settings.items())
    return f"torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, {texts}, eps=0.0)"


PROGRAMS: dict[str, Any] = dict(torch=Torch, keras=Keras, optax=Optax)
