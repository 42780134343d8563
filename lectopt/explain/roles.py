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
from lectopt.explain.known import Known, T, names_in
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.letters import untagged
from lectopt.explain.readings import Slot
from lectopt.explain.resolving import Resolver
from lectopt.explain.running import Runner
from lectopt.explain.slots import keys
from lectopt.explain.terms import (
    INF,
    ONE,
    Term,
    add,
    rewrite,
    walk,
)  # fmt: skip


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
        ids: dict[str, int] = {}
        slots = []
        for k, ((key, label), (_, leaf), aval) in enumerate(
            zip(described, owners, avals, strict=True)
        ):
            random = is_key(aval) or (aval.dtype == np.uint32 and aval.shape == (2,))
            role = "key" if random else "constant" if k in kept else "slot"
            slots.append(Slot(key, leaf, label, aval, f"§{ids.setdefault(key, len(ids))}", role))
        return slots

    def known(self, pairs: Mapping[int, tuple[Term, Term]]) -> Resolver:
        """Find the roles of the slots, name them, and put in what is known."""
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
        kept = {name: term for name, term in known.items()}
        bases: dict[str, str] = {}
        renamed: dict[str, str] = {}
        states = []
        for slot in self.states:
            formula = kept.get(self._like(slot).name("t-1")) if slot.role == "slot" else None
            if formula is not None:
                states.append(replace(slot, role="known", formula=formula))
                continue
            if slot.key not in bases:
                choices = self.notation.statistic_choices(slot.key, self.maker)
                bases[slot.key] = self.free(*choices, slot.key)
            named = replace(slot, base=bases[slot.key])
            for time in ("t-1", "t", "0", ""):
                old = name_of(slot.base, "" if slot.role == "constant" else time, slot.label)
                renamed[old] = named.name(time)
                renamed[untagged(old)] = untagged(named.name(time))  # of every leaf, in sums
            states.append(named)
        self.states = states
        for names_ in (self.facts.nonnegative, self.facts.positive, self.facts.infinite):
            slots = {untagged(x) for x in raw}
            missing = {untagged(renamed.get(x, x)) for x in raw if x not in names_}
            found = {renamed.get(x, x) for x in names_}
            found |= {untagged(x) for x in found if untagged(x) not in missing} if slots else set()
            names_.clear()
            names_ |= found
        self.facts.counters = {renamed.get(x, x): n for x, n in self.facts.counters.items()}
        return Renaming(kept, self.facts, renamed, self.records)

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


class Renaming(Resolver):
    """A resolver that gives slots their letters too."""

    def __init__(
        self,
        values: Mapping[str, Term],
        facts: Known,
        renamed: Mapping[str, str],
        tables: Mapping[str, Any],
    ):
        super().__init__(values, facts, tables=tables)
        self.renamed = renamed
        later = {
            name.replace("[t-1]", "[t]"): rewrite(x, lambda y: _next(y), {})
            for name, x in values.items()
        }
        self.values = {**values, **later}

    def _change(self, x: Term) -> Term | None:
        name = x.args[0].replace("@=", "@") if x.op == "sym" else ""
        if name in self.renamed:
            new = self.renamed[name]
            new = new if name == x.args[0] else new.replace("@", "@=")
            return Term("sym", new, x.args[1], x.args[2])
        return super()._change(x)


def _next(x: Term) -> Term | None:
    return add(T, ONE) if x is T else None
