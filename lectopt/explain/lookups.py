"""What is looked up in an explanation by its name: as terms, and as SymPy expressions."""

from collections.abc import Mapping
from typing import Any

from lectopt.explain.arrays import generic
from lectopt.explain.expressions import Writable
from lectopt.explain.letters import symbol as name_of
from lectopt.explain.letters import untagged
from lectopt.explain.naming import Lines
from lectopt.explain.rewriting import rewrite
from lectopt.explain.terms import Term, add
from lectopt.explain.wording import Wording

PARAMETERS = ("theta", "params", "parameters")


class Lookups(Wording):
    """An explanation to compute with."""

    @property
    def leaves(self) -> dict[str, Lines]:
        """The equations of every leaf."""
        groups = (member for group in self.groups for member in group.members or (group,))
        return {leaf: group for group in groups for leaf in group.leaves}

    def symbol(self, name: str) -> Any:
        """The symbol of a setting, of a statistic before the update, of "theta", "g" or "t".

        Raises:
          KeyError: there is no such name.
        """
        found = self.vocabulary().get(name)
        if found is None:
            raise KeyError(f"{name!r}; there are {', '.join(self.vocabulary())}")
        return self._exported(found, self.groups[0])

    def vocabulary(self) -> dict[str, Term]:
        """Names in plain letters and their symbols; statistics are those before the update."""
        reading = self.reading

        def symbol(name: str) -> Term:
            return Term("sym", name, (), "real")

        words = {name: symbol(letter) for letter, name in reading.settings.items()}
        words |= {name: symbol(name_of(letter, "t")) for name, letter in reading.extra.items()}
        for slot in reading.states:
            if slot.role == "slot":
                words[slot.key] = symbol(name_of(slot.base, "t-1"))
        letters = {x.args[0].partition("[")[0]: x for x in words.values()}
        weights = symbol(name_of(reading.symbols["params"], "t-1"))
        params = dict.fromkeys(PARAMETERS, weights)
        gradient = symbol(name_of(reading.symbols["gradient"], "t"))
        return letters | words | params | {"g": gradient, "t": symbol("t")}

    def parse(self, text: str) -> Any:
        """A SymPy expression from text in these names, `"b1*mu + (1 - b1)*g"` for example.

        Raises:
          ValueError: the text is no formula, or holds a name that is not there.
        """
        from lectopt.explain.exchange import parsed

        known = {name: self._exported(x, self.groups[0]) for name, x in self.vocabulary().items()}
        return parsed(text, known)

    def __getitem__(self, key: str | tuple[str, str]) -> Any:
        match key:
            case str() as name:
                leaf = None
            case str() as name, str() as leaf:
                pass
            case _:
                raise TypeError(
                    f'write ["theta"], or ["theta", "kernel"] for one leaf; got {key!r}'
                )
        return self._exported(self.value(name, leaf), self._group(name, leaf))

    def _group(self, name: str, leaf: str | None) -> Lines:
        labels = list(self.leaves)
        if leaf is None and len(self.groups) > 1:
            raise KeyError(f"{name!r} depends on the leaf; write [{name!r}, {labels[0]!r}]")
        if leaf is not None and leaf not in labels:
            raise KeyError(f"no leaf {leaf!r}; there are {', '.join(labels)}")
        return self.groups[0] if leaf is None else self.leaves[leaf]

    def value(self, name: str, leaf: str | None = None) -> Term:
        """As `explanation[name, leaf]`, as a term.

        Raises:
          KeyError: there is no such name, or it depends on the leaf.
        """
        reading = self.reading
        group = self._group(name, leaf)
        definitions = {**self.shared.equations, **group.equations}
        for slot in reading.states:
            if slot.role == "slot" and name in (slot.key, slot.base):
                wanted = name_of(slot.base, "t")
                for symbol, term in definitions.items():
                    if untagged(symbol.args[0]) == wanted:
                        return self.unfolded(term, definitions)
        if name not in ("update", *PARAMETERS, reading.symbols["params"]):
            keys = dict.fromkeys(s.key for s in reading.states if s.role == "slot")
            raise KeyError(f"no {name!r}; there are {', '.join([*keys, 'theta', 'update'])}")
        update = self.unfolded(group.update, definitions)
        if name == "update":
            return update
        at = generic(reading.shapes[group.stands])
        return add(Term("sym", name_of(reading.symbols["params"], "t-1"), at, "real"), update)

    def unfolded(self, term: Term, definitions: Mapping[Term, Term]) -> Term:
        """The term with all definitions put in: by the settings, the old state, the gradient."""
        by_name = {s.args[0]: (s, t) for s, t in definitions.items()}
        memo: dict[Term, Term] = {}

        def change(x: Term) -> Term | None:
            if x.op != "sym" or x.args[0] not in by_name:
                return None
            symbol, meaning = by_name[x.args[0]]
            return rewrite(meaning, change, memo) if x.args[1] == symbol.args[1] else None

        return rewrite(term, change, memo)

    def _lines(self, slot: Any) -> Lines:
        if slot.leaf < 0 or len(self.reading.labels) == 1:
            return self.groups[0] if len(self.reading.labels) == 1 else self.shared
        return self.leaves[self.reading.labels[slot.leaf]]

    def _exported(self, term: Term, lines: Lines | None) -> Any:
        from lectopt.explain.exchange import Export

        reading = self.reading
        rank = len(reading.shapes[lines.stands]) if lines is not None and lines.stands >= 0 else 0
        facts = reading.facts
        export = Export(facts.positive | facts.unit | set(reading.counts), facts.nonnegative)
        return export(
            Writable(self.calls, rank, self.homes(lines), len(reading.labels), self.alone)(term)
        )
