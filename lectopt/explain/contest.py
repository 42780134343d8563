"""Two transformations on one tree of parameters.

What JAX does on an input has the last word. A proof is tried where no input was found on which the
two part; where a proof fails, z3's counterexamples are tried in JAX.
"""

import functools as ft
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lectopt.explain import histories
from lectopt.explain.arrays import generic, is_key
from lectopt.explain.asking import Asked, asked
from lectopt.explain.careful import Careful, is_careful
from lectopt.explain.elsewhere import elsewhere
from lectopt.explain.finiteness import asks, settled
from lectopt.explain.interpreting import INSTEAD
from lectopt.explain.mapping import PARAMETERS, mapped
from lectopt.explain.models import from_models
from lectopt.explain.proof import Proof
from lectopt.explain.readable import Reading
from lectopt.explain.relations import Run
from lectopt.explain.scope import written
from lectopt.explain.sides import Sides, generic_numbers
from lectopt.explain.systems import (
    System,
    Traced,
    alike,
    one_program,
    programs,
    read,
    symbolic_like,
)
from lectopt.explain.terms import ONE, Term, sub
from lectopt.explain.trees import Tree
from lectopt.explain.trials import Example, History, Race, finite
from lectopt.explain.verdicts import ONE_PROGRAM, Comparison
from lectopt.numerics import precision

PREFIXES = ("A", "B")
ENDLESS = ("while", "svd", "eigh", "eig", "schur")


class Contest:
    """Two transformations on one tree of parameters: run beside each other, and proved equal.

    Args:
      both: the two.
      reading: on what they can be read.
      tree: one of its trees.
      fixed: numbers for settings that are no letters.
    """

    def __init__(self, both: Sides, reading: Reading, tree: Tree, fixed: Mapping[str, float]):
        self.both, self.reading, self.tree, self.fixed = both, reading, tree, fixed
        self.numbers = {k: both.numbers[k] for k in reading.letters}
        self.generic = generic_numbers(self.numbers, both.decays)
        self.makes = tuple(
            (lambda h, side=side: side.make({**fixed, **h})) for side in (both.first, both.second)
        )
        self.race = Race(self.makes, reading.extra)
        # Then the two take other weights, and their updates are not to be equal.
        self.moved = any(name in both.states for name in PARAMETERS)

    def check_map(self) -> None:
        """Raise if the map of the user speaks of what is not there.

        Raises:
          ValueError: see above.
        """
        a, b = self._systems()
        numbers, letters = self.both.numbers, self.reading.letters
        given = mapped(self.both.states, numbers, letters, a, b, self.both.second.title).given
        for relation in given:
            relation.word(generic(relation.entry.shape))

    def outcome(self) -> Comparison:
        """The verdict on this tree."""
        found = self._elsewhere()
        if found is not None:
            return found
        traced = [self._traced(make) for make in self.makes]
        if not self.both.states and one_program(*traced):
            sizes = not self.tree.given and self._of_all_sizes()
            return self._narrow(self._proved(sizes, ONE_PROGRAM, frozenset()))
        systems = self._systems()
        params = self.tree.params
        first = [histories.random_history(params), *histories.plain_histories(params)]
        found = self._first(first, "plain inputs")
        if found is not None:
            return found
        proof, finite = self._proof(systems)
        numbers, steps = proof.asked(self.numbers)
        steps |= histories.turns(x for one in traced for x in one.consts if not is_key(x))
        more = [
            *histories.asked_histories(params, numbers),
            *histories.late_histories(params, steps),
        ]
        found = self._first(more, "the numbers of the programs")
        if found is None and proof.open:
            found = self._refuted(proof)
        if found is not None:
            return found
        if proof.open:
            return self._unknown(proof)
        sizes = all(s.sizes for s in systems)
        found, ends = (None, set()) if self.moved else self._odd()
        if found is not None:
            return found
        proved = self._proved(sizes, proof.layer, proof.needs | ends)
        return proved if self.moved else self._narrow(self._endless(proved, finite))

    def _proof(self, systems: tuple[System, System]) -> tuple[Proof, bool]:
        """The proof, and whether it takes nothing to be NaN or infinite."""
        run, facts = self._run(systems), self.both.facts(self.reading.letters)

        def proof(a: System, b: System) -> Proof:
            numbers, letters = self.both.numbers, self.reading.letters
            second = mapped(self.both.states, numbers, letters, a, b, self.both.second.title)
            return Proof(a, second, run, facts)

        if any(is_careful(s.text) for s in systems):
            token = INSTEAD.set(Careful(facts))
            try:
                plain = proof(*(s.changed(settled) for s in self._systems()))
            finally:
                INSTEAD.reset(token)
            if not plain.open:
                return plain, True
        free = proof(*systems)
        tired = free.induction.work.over
        if not free.open or tired or not any(asks(x) for s in systems for x in s.terms()):
            return free, False
        a, b = systems
        finite = proof(a.changed(settled), b.changed(settled))
        return (free, False) if finite.open else (finite, True)

    def _run(self, systems: Sequence[System]) -> Run:
        """A run of both, from which relations are guessed."""
        values: dict[str, np.ndarray] = {}
        history = histories.random_history(self.tree.params, 7)
        for runner, system in zip(self.race.runners, systems, strict=True):
            _, states = runner.run(history, self.generic)
            values |= {e.symbol: v for e, v in zip(system.entries, states, strict=True)}
        return Run(values, self.generic)

    def _traced(self, make: Any, params: Any = None) -> Traced:
        on = self.tree.params if params is None else params
        return programs(make, on, self.numbers, self.reading.extra)

    @ft.cached_property
    def _asked(self) -> Asked:
        """What both ask of sizes; of parameters that the user gave, nothing is left."""
        if self.tree.given:
            return Asked()
        return asked(self.makes, self.tree.params, self.reading.extra)

    def _elsewhere(self) -> Comparison | None:
        """Where the two part on what their code speaks of; of parameters that the user gave there
        are no others."""
        if self.tree.given or self.moved:
            return None
        settings = self.both.numbers.items()
        whole = {k: v for k, v in settings if isinstance(v, int) and k not in self.numbers}
        found = elsewhere(
            self.makes, self.tree.params, self.numbers, self.reading.extra, self._asked, whole
        )
        return None if found is None else self._differ(*found)

    def _of_all_sizes(self) -> bool:
        """Whether they are one program for sizes that are letters too."""
        try:
            like = symbolic_like(self.tree.params)
            return one_program(*(self._traced(make, like) for make in self.makes))
        except Exception:  # they compare sizes, or ask for one
            return False

    def _odd(self) -> tuple[Comparison | None, set[Term]]:
        """Where they part for a decay of 0, 1 or less, of which no proof here speaks; and what is 0
        where only one of them is no number then. Makers that refuse it are not asked."""
        tried = [histories.random_history(self.tree.params, seed) for seed in (11, 12)]
        needs: set[Term] = set()
        for name in sorted(set(self.numbers) & self.both.decays):
            decay = Term("sym", name, (), "real")
            ends = {0.0: decay, 1.0: sub(ONE, decay), -self.numbers[name] / 2: None}
            for value, zero in ends.items():
                numbers = {**self.numbers, name: value}
                for history in tried if self._accepted(numbers) else ():
                    example = self.race.part(history, numbers)
                    if example is not None and finite(example.updates):
                        found = self._differ(example, "a setting out of its usual range")
                        return found, needs
                    if example is not None and zero is not None:
                        needs.add(zero)
        return None, needs

    def _systems(self) -> tuple[System, System]:
        def both(symbolic: bool) -> list[System]:
            return [
                read(make, self.tree.params, prefix, self.numbers, self.reading.extra, symbolic)
                for make, prefix in zip(self.makes, PREFIXES, strict=True)
            ]

        a, b = both(not self.tree.given)
        if a.sizes != b.sizes:
            a, b = both(False)
        return a, b

    def _first(
        self, tried: Sequence[History], found_by: str, wide: bool = False
    ) -> Comparison | None:
        for history in () if self.moved else tried:
            example = self.race.part(history, self.numbers, wide)
            if example is not None:
                return self._differ(example, found_by)
        return None

    def _differ(self, example: Example, found_by: str) -> Comparison:
        shown = replace(example, settings={**self.fixed, **example.settings})
        return Comparison(
            "differ", layer=found_by, example=shown, names=self.both.names, notes=self.both.notes
        )

    def _refuted(self, proof: Proof) -> Comparison | None:
        """What z3 says that is wrong, and what shows in 64 bits, tried in JAX."""
        if self.moved:
            return None
        params = self.tree.params
        for history, numbers in from_models(params, proof.models, self.numbers):
            example = self.race.part(history, numbers) if self._accepted(numbers) else None
            if example is not None:
                return self._differ(example, "z3")
        found = self._first(list(histories.long_histories(params)), "many steps")
        return found or self._fine()

    def _accepted(self, numbers: Mapping[str, float]) -> bool:
        """Whether both makers take these settings."""
        try:
            for make in self.makes:
                make(numbers)
        except Exception:  # a range, or whatever else a stranger's maker checks
            return False
        return True

    def _fine(self) -> Comparison | None:
        """Differences that float32 hides: of the formulas, and of both programs in 64 bits."""
        params = self.tree.params
        for seed, size in ((8, 1.0), (9, 0.1), (10, 10.0)):
            if self.race.apart(histories.random_history(params, seed, size), self.numbers):
                with precision(True):
                    wide = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float64)), params)
                    history = histories.random_history(wide, seed, size)
                found = self._first([history], "64 bits", wide=True)
                if found is not None:
                    return found
        return None

    def _unknown(self, proof: Proof) -> Comparison:
        what = "; ".join(dict.fromkeys(proof.open))
        said = f"no input was found on which they differ, and not decided: {what}"
        return Comparison("unknown", open=said, names=self.both.names, notes=self.both.notes)

    def _endless(self, proved: Comparison, finite: bool) -> Comparison:
        """What they do with NaN and infinities, and with what overflows if that was excluded."""
        params = self.tree.params
        # On a NaN a loop may not end, and LAPACK does not.
        tried = [] if self._loops() else list(histories.endless_histories(params))
        large = list(histories.huge_histories(params)) if finite else []
        for history in [*tried, *large]:
            example = self.race.part(history, self.numbers, large=finite)
            if example is not None:
                return replace(proved, verdict="proved for finite inputs", example=example)
        return replace(proved, verdict="proved for finite inputs") if finite else proved

    def _loops(self) -> bool:
        return any(f"{x}[" in s.text for s in self._systems() for x in ENDLESS)

    def _proved(self, sizes: bool, layer: str, needs: frozenset[Term]) -> Comparison:
        letters = self.reading.letters
        scope = written(self.tree, sizes, letters, self.both.facts(letters), needs, self._asked)
        return Comparison("proved", scope, layer, names=self.both.names, notes=self.both.notes)

    def _narrow(self, proved: Comparison) -> Comparison:
        """What they do in bfloat16, if either is another program there."""
        wide, narrow = self.tree.params, self.tree.as_type(jnp.bfloat16).params
        try:
            both = [[self._traced(make, tree) for tree in (wide, narrow)] for make in self.makes]
            if all(alike(a, b) for a, b in both):
                return proved
            example = self.race.part(histories.random_history(narrow), self.numbers, coarse=True)
        except Exception:  # it takes no bfloat16
            return proved
        return proved if example is None else self._differ(example, "bfloat16")
