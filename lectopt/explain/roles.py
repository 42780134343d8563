"""The roles of the slots of a state: counters, what never moves, and what has a letter."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from lectopt.explain.arrays import is_key, sort_of
from lectopt.explain.counting import counted, counters, signed
from lectopt.explain.flat import Flat
from lectopt.explain.grouping import owned
from lectopt.explain.known import T, names_in
from lectopt.explain.letters import untagged
from lectopt.explain.readings import Slot
from lectopt.explain.resolving import Resolver
from lectopt.explain.rewriting import rewrite, walk
from lectopt.explain.running import Runner
from lectopt.explain.slots import keys
from lectopt.explain.terms import INF, ONE, Term, add


class Roles(Runner):
    """Finds out what the slots of an optimizer are."""

    standing: dict[int, int]
    records: dict[str, Any]

    def slots(self, update: Flat, count: int) -> list[Slot]:
        """The arrays of the state with their keys, leaves and letters."""
        programs = self.programs
        described = keys(programs.state, self.paths)
        owners = owned(programs.state, programs.params)
        avals = jax.tree.leaves(programs.state)
        first = len(self.settings) + count
        kept = {
            k for k in range(len(avals)) if update.outputs[count + k] == update.inputs[first + k]
        }
        bases: dict[str, str] = {}
        slots = []
        for k, ((key, label), (_, leaf), aval) in enumerate(
            zip(described, owners, avals, strict=True)
        ):
            random = is_key(aval) or (aval.dtype == np.uint32 and aval.shape == (2,))
            role = "key" if random else "constant" if k in kept else "slot"
            if key not in bases:
                bases[key] = self.free(*self.notation.statistic_choices(key, self.maker), key)
            slots.append(Slot(key, leaf, label, aval, bases[key], role))
        return slots

    def known(self, pairs: Mapping[int, tuple[Term, Term]]) -> Resolver:
        """Find the roles of the slots, and put in what is known."""
        raw = {self.states[k].name("t-1"): k for k in pairs}
        single = {
            name: pairs[k]
            for name, k in raw.items()
            if self.states[k].aval.shape == () and self._counts(self.states[k])
        }
        known = counters(single, self.facts)
        self.facts.infinite = {name for name, k in raw.items() if INF in set(walk(pairs[k][0]))}
        real = {
            name: pairs[k]
            for name, k in raw.items()
            if sort_of(self.states[k].aval.dtype) == "real"
        }
        whole = {name: pairs[k] for name, k in raw.items() if self._counts(self.states[k])}
        whole = {name: pair for name, pair in whole.items() if pair[1].sort != "bool"}
        counted(whole, self.facts, known)
        signed(real, self.facts, Resolver(known, self.facts))
        while True:  # what never moves
            resolve = Resolver(known, self.facts)
            more = {
                name: resolve(pairs[k][0])
                for name, k in raw.items()
                if name not in known
                and self._still(name, resolve(pairs[k][1]), resolve(pairs[k][0]))
            }
            if not more:
                break
            known = known | more
        states = []
        for slot in self.states:
            formula = known.get(self._like(slot).name("t-1")) if slot.role == "slot" else None
            role = slot.role if formula is None else "known"
            states.append(replace(slot, role=role, formula=formula))
        self.states = states
        for names_ in (self.facts.nonnegative, self.facts.positive, self.facts.infinite):
            # In the formulas of a leaf its slots have no label.
            missing = {untagged(x) for x in raw if x not in names_}
            names_ |= {untagged(x) for x in names_} - missing
        later = {
            name.replace("[t-1]", "[t]"): rewrite(x, lambda y: add(T, ONE) if y is T else None, {})
            for name, x in known.items()
        }
        return Resolver({**known, **later}, self.facts, tables=self.records)

    def _like(self, slot: Slot) -> Slot:
        """The slot of the leaf that stands for the leaf of a slot."""
        leaf = self.standing.get(slot.leaf, slot.leaf)
        if leaf == slot.leaf:
            return slot
        return next(s for s in self.states if s.leaf == leaf and s.key == slot.key)

    def _counts(self, slot: Slot) -> bool:
        kind = sort_of(slot.aval.dtype)
        return kind == "bool" or (
            kind == "int" and slot.aval.dtype.itemsize >= 4 and slot.aval.dtype.kind == "i"
        )

    def _still(self, name: str, after: Term, start: Term) -> bool:
        """Whether a slot stays at a first value that is a number or a setting."""
        old = after.op == "sym" and after.args[0] == name
        fixed = not start.indices and not names_in([start]) - self.settings.keys()
        return fixed and (old or after is start)
