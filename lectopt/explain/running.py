"""Programs run on symbols: the letters of an optimizer, and what it computes as terms."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from lectopt.explain.arrays import Array, array, is_key, symbol
from lectopt.explain.flat import Flat, Given, folded, run_step
from lectopt.explain.interpreting import equation, of_value, unknown
from lectopt.explain.known import Known
from lectopt.explain.letters import Notation
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.marks import is_loss
from lectopt.explain.numbering import ALL, NONE
from lectopt.explain.readings import Slot, stands
from lectopt.explain.slots import labels
from lectopt.explain.spreads import FOLD_NAMES, Joined, Spread, of_all
from lectopt.explain.tracing import Programs
from lectopt.state_search import names

SHORT = 64  # entries of a table of which a program computes others


class Runner:
    """Runs the programs of an optimizer on symbols.

    Args:
      programs: from `tracing.traced`.
      notation: which letters to use.
    """

    def __init__(self, programs: Programs, notation: Notation):
        self.programs, self.notation = programs, notation
        self.maker = programs.subject.maker
        leaves = labels(programs.params)
        self.labels = tuple(leaves.values())
        self.paths = {names(path): label for path, label in leaves.items()}
        self.shapes = [tuple(x.shape) for x in jax.tree.leaves(programs.params)]
        self.symbols = {k: notation.symbol(k) for k in ("params", "gradient", "value", "update")}
        self.taken = {"t", *self.symbols.values()}
        numbers = programs.subject.numbers
        letters = {
            k: self.free(*notation.setting_choices(k, self.maker), k)
            for k in numbers
            if k in programs.numbers
        }
        self._constants: dict[int, Any] = {}
        self.values: dict[int, Array] = {}  # of the program that was run last
        self.states: list[Slot] = []
        self.settings = {letter: name for name, letter in letters.items()}
        self.order = [letters[name] for name in sorted(letters)]  # as JAX gives them
        counts = [x if x not in self.taken else f"{x}_weights" for x in ("n", "N")]
        self.counts = (counts[0], counts[1])
        self.extra = {
            name: self.symbols.get(name) or self.free(name, f"{name}_given")
            for name in sorted(programs.extra)
            if name != "grad"
        }
        decays = programs.subject.decays
        self.facts = Known(
            unit={letters[k] for k in decays if k in letters},
            positive={letters[k] for k in letters if k not in decays and float(numbers[k]) > 0},
        )

    def free(self, *choices: str) -> str:
        """The first of these letters that means nothing yet."""
        numbered = (f"{choices[-1]}{k}" for k in itertools.count(2))
        letter = next(x for x in itertools.chain(choices, numbered) if x not in self.taken)
        self.taken.add(letter)
        return letter

    def stands(self, group: Sequence[int]) -> int:
        """The leaf that stands for a group."""
        return stands(self.shapes, group)

    def rates(self) -> list[Array]:
        """A symbol for each setting, in the order in which JAX gives them."""
        like = self.programs.numbers
        return [symbol(letter, like[self.settings[letter]]) for letter in self.order]

    def leaves(self, kind: str, time: str) -> list[Array]:
        """One array of symbols for each leaf."""
        flat_params = jax.tree.leaves(self.programs.params)
        pairs = zip(self.labels, flat_params, strict=True)
        return [symbol(name_of(self.symbols[kind], time, label), x) for label, x in pairs]

    def inputs(self, time: str) -> list[Array]:
        """The inputs of a program, before or after the update."""
        states = [symbol(s.name(time), s.aval) for s in self.states]
        inputs = [*self.rates(), *self.leaves("gradient", "t"), *states]
        inputs += self.leaves("params", time)
        for name in sorted(self.programs.extra):
            if name == "grad":
                inputs += self.leaves("gradient", "t")
            else:
                inputs.append(symbol(name_of(self.extra[name], "t"), self.programs.extra[name]))
        return inputs

    def run(
        self,
        program: Flat,
        numbered: Mapping[int, tuple[int, int]],
        inputs: Sequence[Array],
        draws: Mapping[int, Any] | None = None,
        classes: Sequence[Sequence[int]] = (),
    ) -> list[Array]:
        """The outputs of a program as arrays of terms."""
        known: dict[int, Array] = dict(zip(program.inputs, inputs, strict=True))
        owner = {ref: leaf for ref, (_, leaf) in numbered.items()}
        chains = folded(program, owner, ALL) if classes else {}
        joined, constants = Joined(), self._constants
        constants.clear()

        def get(ref: Any) -> Array:
            return of_value(ref.value) if isinstance(ref, Given) else known[ref]

        for step in program.steps:
            if draws and step.outs[0] in draws:
                name, _, leaf = draws[step.outs[0]]
                known[step.outs[0]] = symbol(name, program.avals[step.outs[0]])
                continue
            values = self._computed(step, program)
            if values is not None:
                constants.update(zip(step.outs, values, strict=True))
                known.update(zip(step.outs, map(of_value, values), strict=True))
                continue
            ins = [get(x) for x in step.ins]
            outs = unknown(step.eqn, ins) if is_loss(step.eqn) else equation(step.eqn, ins)
            if classes and owner.get(step.outs[0]) == ALL:
                outs = [array(x.shape, x.dtype, of_all(x)) for x in outs]
            known.update(zip(step.outs, outs, strict=True))
            parts = joined.over(step, ins, numbered) if classes else None
            name, chain = step.eqn.primitive.name, chains.get(step.outs[0])
            if chain is not None:
                numbers = ((0, NONE) if isinstance(x, Given) else numbered[x] for x in chain)
                parts = [(n, leaf, get(x)) for (n, leaf), x in zip(numbers, chain, strict=True)]
            if parts is not None:
                spread = Spread(self, FOLD_NAMES[name], parts)
                known[step.outs[0]] = array((), outs[0].dtype, spread.at)
        self.values = known
        return [get(ref) for ref in program.outputs]

    def _computed(self, step: Any, program: Flat) -> list[Any] | None:
        """What a step makes of short tables alone, None if it is of something else."""
        constants = self._constants
        values = (x.value if isinstance(x, Given) else constants.get(x) for x in step.ins)
        ins = [x for x in values if x is not None]
        if not ins or len(ins) < len(step.ins) or step.eqn.effects:
            return None
        avals = [program.avals[x] for x in step.outs]
        if not all(isinstance(d, int) for v in avals for d in v.shape):
            return None
        sizes = [math.prod(v.shape) for v in avals] + [int(np.size(x)) for x in ins]
        rows = any(v.shape for v in avals) or any(np.ndim(x) for x in ins)
        if max(sizes) > SHORT or not rows or any(map(is_key, (*ins, *avals))):
            return None
        return run_step(step, ins)
