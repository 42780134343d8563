"""A program of JAX as one list of steps: calls are written out, and branches are chosen per output.

So one pass over the list sees which leaf of the parameters every value belongs to, also of what an
optimizer computes in a `jit` of its own or in both branches of a `cond`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax

from lectopt.explain.interpreting import CALLS, called


@dataclass(frozen=True)
class Given:
    """A value that stands in the program: a number, a table, a random key."""

    value: Any


@dataclass(frozen=True)
class Step:
    """An operation, on values by number or `Given`, and the numbers of what it makes."""

    eqn: Any
    ins: tuple[Any, ...]
    outs: tuple[int, ...]


@dataclass
class Flat:
    """The steps of a program; `avals` are the types of values by number, `titles` the names that
    calls give to their results."""

    steps: list[Step] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    avals: list[Any] = field(default_factory=list)
    titles: list[tuple[str, int]] = field(default_factory=list)

    def new(self, aval: Any) -> int:
        """The number of a new value."""
        self.avals.append(aval)
        return len(self.avals) - 1

    def aval(self, ref: Any) -> Any:
        """The type of a value."""
        return ref.value if isinstance(ref, Given) else self.avals[ref]


def flat(
    program: Any,
    whole: Callable[[Any], bool] = lambda eqn: False,
    title: Callable[[Any], str | None] = lambda eqn: None,
    instead: Callable[[Any], Any] = lambda eqn: None,
) -> Flat:
    """Write out a program that has its constants with it (a closed jaxpr).

    Args:
      program: of `jax.make_jaxpr`.
      whole: the calls that are to stay one step.
      title: the name that a call gives to its result, if any.
      instead: the program to read in the place of a call, if another.
    """
    out = Flat()
    out.inputs = [out.new(v.aval) for v in program.jaxpr.invars]
    out.outputs = _inlined(out, program, list(out.inputs), Asked(whole, title, instead))
    return out


class Asked(NamedTuple):
    """What `flat` was asked about calls."""

    whole: Callable[[Any], bool]
    title: Callable[[Any], str | None]
    instead: Callable[[Any], Any]


def _inlined(out: Flat, program: Any, args: Sequence[Any], asked: Asked) -> list[Any]:
    jaxpr = getattr(program, "jaxpr", program)
    env: dict[Any, Any] = dict(zip(jaxpr.invars, args, strict=True))
    env |= {
        v: Given(c) for v, c in zip(jaxpr.constvars, getattr(program, "consts", ()), strict=True)
    }

    def get(v: Any) -> Any:
        return Given(v.val) if hasattr(v, "val") else env[v]

    for eqn in jaxpr.eqns:
        ins, name = [get(v) for v in eqn.invars], eqn.primitive.name
        inner = called(eqn.params) if name in CALLS and not asked.whole(eqn) else None
        if inner is not None:
            outs = _inlined(out, asked.instead(eqn) or inner, ins, asked)
            if (given := asked.title(eqn)) and len(outs) == 1 and not isinstance(outs[0], Given):
                out.titles.append((given, outs[0]))
        elif name == "cond":
            branches = [_inlined(out, b, ins[1:], asked) for b in eqn.params["branches"]]
            outs = [
                _chosen(out, [ins[0], *cases], v.aval)
                for v, *cases in zip(eqn.outvars, *branches, strict=True)
            ]
        else:
            outs = [out.new(v.aval) for v in eqn.outvars]
            out.steps.append(Step(eqn, tuple(ins), tuple(outs)))
        env.update(zip(eqn.outvars, outs, strict=True))
    return [get(v) for v in jaxpr.outvars]


def _chosen(out: Flat, ins: list[Any], aval: Any) -> Any:
    if all(x is ins[1] or (x == ins[1] and isinstance(x, int)) for x in ins[2:]):
        return ins[1]
    eqn = SimpleNamespace(
        primitive=SimpleNamespace(name="select_n"),
        params={},
        outvars=[SimpleNamespace(aval=aval)],
        effects=(),
    )
    new = out.new(aval)
    out.steps.append(Step(eqn, tuple(ins), (new,)))
    return new


def run_step(step: Step, ins: Sequence[Any]) -> list[Any]:
    """What a step makes of these arrays."""
    if not hasattr(step.eqn, "invars"):  # what `flat` chose between branches
        return [jax.lax.select_n(*ins)]
    bound = step.eqn.primitive.get_bind_params(step.eqn.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)  # before JAX 0.9
    outs = step.eqn.primitive.bind(*functions, *ins, **params)
    return list(outs) if step.eqn.primitive.multiple_results else [outs]


FOLDS = ("add", "add_any", "max", "min", "and", "or", "mul")


def folded(program: Flat, owner: Mapping[int, int], several: int) -> dict[int, list[Any]]:
    """For the end of every chain `((a + b) + c) + ...` over leaves, what is added up; also of
    products, maxima, "and" and "or".

    Args:
      program: the steps.
      owner: the leaf that a value is made of alone, `several` if of more than one.
      several: see `owner`.
    """
    made = {step.outs[0]: step for step in program.steps if step.eqn.primitive.name in FOLDS}
    parts: dict[int, list[Any]] = {}
    for number, step in made.items():
        aval = program.avals[number]
        if owner.get(number) != several or aval.shape:
            continue
        found: list[Any] = []
        for x in step.ins:
            same = isinstance(x, int) and x in parts
            if same and made[x].eqn.primitive.name == step.eqn.primitive.name:
                found += parts[x]
            else:
                found.append(x)
        parts[number] = found
    return parts
