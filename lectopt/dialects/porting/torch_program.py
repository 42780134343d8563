"""What is printed for PyTorch: a call, a scheduler, and a hook before every step."""

from collections.abc import Mapping
from typing import Any

from lectopt.dialects.porting.arithmetic import number_at
from lectopt.dialects.porting.program import Keras, Optax, Program, call_of, named_in
from lectopt.dialects.torch.cycles import CycledMomentum
from lectopt.schedules import Schedule
from lectopt.transformation import Transformation
from lectopt.values import shown


class Torch(Program):
    """A call of `torch.optim`, a scheduler, and a hook before every step."""

    library = "torch"

    def text(self) -> str:
        """The program."""
        given, moving = dict(self.given), dict[str, str]()
        rate, scheduler = given[self.rate], None
        named = named_in(rate, "torch") and _first(rate) is not None and _has_names(rate)
        cycle = rate if named and not self.factors else None  # of which some move all groups alike
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
        if self.factors:
            rates = (shown(factor * given[self.rate]) for factor in self.factors.values())
            groups = [f"dict(params=group_{i}, lr={r})" for i, r in enumerate(rates)]
            params = f"[{', '.join([*groups, 'dict(params=others)'])}]"
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


def _first(schedule: Schedule) -> Any:
    """The rate that a scheduler of PyTorch multiplies, which all inside it share; None if they do
    not, or if it is no number."""
    settings = schedule.settings
    if settings.get("steps_per_epoch", 1) != 1 and not schedule.name.endswith("OneCycleLR"):
        return None
    if "schedulers" in settings:
        rates = [_begun(each) for each in settings["schedulers"]]
        return rates[0] if all(rate == rates[0] for rate in rates) else None
    rate = next(settings[k] for k in ("lr", "base_lr", "max_lr") if k in settings)
    return None if callable(rate) else rate


def _begun(schedule: Schedule) -> Any:
    """`_first`, where a cycle changes it for all others: `OneCycleLR` sets the `initial_lr`."""
    settings, first = schedule.settings, _first(schedule)
    one = schedule.name.endswith("OneCycleLR") and first is not None
    return first / settings["div_factor"] if one else first


def _has_names(schedule: Schedule) -> bool:
    """Whether the functions in it can be named: a lambda cannot."""
    settings = schedule.settings
    inside = settings.get("schedulers", ())
    functions = (settings.get(name) for name in ("lr_lambda", "scale_fn"))
    named = all(f is None or getattr(f, "__name__", "f").isidentifier() for f in functions)
    return named and all(map(_has_names, inside))


def _scheduler(schedule: Schedule) -> str:
    home = "swa_utils" if schedule.name.endswith("SWALR") else "lr_scheduler"
    return f"torch.optim.{home}.{call_of(schedule, 'torch', _scheduler)}"


def _plateau(tx: Transformation, rate: Any) -> str:
    names = ("mode", "factor", "patience", "threshold", "cooldown")
    settings = {name: tx.settings[name] for name in names}
    settings["min_lr"] = tx.settings["min_scale"] * rate
    settings["threshold_mode"] = "abs" if tx.settings["threshold_mode"] == "absolute" else "rel"
    texts = ", ".join(f"{k}={shown(v)}" for k, v in settings.items())
    return f"torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, {texts}, eps=0.0)"


PROGRAMS: dict[str, Any] = dict(torch=Torch, keras=Keras, optax=Optax)
