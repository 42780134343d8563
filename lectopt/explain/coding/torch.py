"""The rules of a transformation as a `torch.optim.Optimizer`."""

from collections.abc import Sequence

from lectopt.explain.coding.layout import WIDTH, constants, docstring, folded, header
from lectopt.explain.coding.local import Slot
from lectopt.explain.coding.planning import Plan, is_array
from lectopt.explain.coding.spelling import TORCH, Speller
from lectopt.explain.coding.writing import OVER_LEAVES, PASS, Writer, indented, remarks
from lectopt.explain.operations import AGGREGATES
from lectopt.explain.terms import ZERO, Term

RATE = {"learning_rate": "lr"}  # as PyTorch's schedulers find it


def optimizer(plan: Plan) -> str:
    """The text of a module with the class `Optimizer`."""
    return _Torch(plan).module()


class _Torch(Writer):
    language = TORCH
    names_leaves = {"names": "names[p]", "ranks": "p.ndim", "shapes": "tuple(p.shape)"}

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self.place = PASS
        self.named = any(self.rules.chosen(k)[0] == "names" for k in self.rules.treatments)
        for name, letter in RATE.items():
            if name in self.names.settings and letter not in self.names.taken:
                self.names.settings[name] = letter

    def gradient(self, where: str) -> str:
        return "p.grad" if where == OVER_LEAVES else "g"

    def parameter(self, where: str) -> str:
        return "p"

    def entry(self, slot: Slot, where: str) -> str:
        name = f'"{self.names.slots[slot.name]}"'
        if not slot.leafwise and self.plan.several:
            return f"shared[{name}]"
        return f"self.state[p][{name}]" if where == OVER_LEAVES else f"state[{name}]"

    def leaf_of(self, variable: str) -> str:
        return f"{variable}[p]"

    def heads(self) -> set[Term]:
        return set()  # new statistics go into the state at once

    def missing(self) -> str:
        return f"raise {'KeyError(names[p])' if self.named else 'ValueError(tuple(p.shape))'}"

    def summed(self, speller: Speller, x: Term, where: str) -> str:
        row, inner = AGGREGATES[x.args[0]], speller if self.own(x) else self.speller(OVER_LEAVES)
        body = row.torch.format(inner.text(x.args[1])) if is_array(x.args[1]) else ""
        body = "p.numel()" if self.is_size(x) else body or inner.text(x.args[1])
        if self.own(x):
            return body
        end = self.condition(x.args[2][0][1])
        return row.number.format(f"{body} for p in params{' if ' if end else ''}{end}")

    def loop(self, body: list[str]) -> list[str]:
        return ["for p in params:", *indented(["g, state = p.grad, self.state[p]", *body])]

    def ended(self, k: int, spell: Speller) -> list[str]:
        leaf = self.rules.treatments[k][0]
        slots = self.plan.own(k) if self.plan.several else self.rules.local.slots
        items = ["t=t"] if self.rules.counted and not self.plan.several else []
        for s in slots:
            x = s.next.get(leaf, s.next.get("", ZERO))
            text = self.value(x, spell, s.array)
            text = f"{text}.clone()" if s.array and x.op == "sym" and text in ("g", "p") else text
            items.append(f"{self.names.slots[s.name]}={text}")
        move = self.value(self.rules.local.moves[leaf], spell, True)
        after = [f"state.update({', '.join(items)})"] if items else []
        return [f"updates = {move}", *after, "p += updates"]

    # The parts of the class.

    def module(self) -> str:
        settings = self.settings_in(
            [*self.update_terms(), *self.start_terms(), *self.point_terms()]
        )
        said = remarks(self.plan, "as a PyTorch optimizer")
        if self.named:
            said.append("Give it model.named_parameters().")
        if self.plan.several:
            said.append("It takes one group of parameters.")
        parts = [
            docstring(said),
            "import torch",
            "\nclass Optimizer(torch.optim.Optimizer):",
        ]
        methods = [self.constructor(settings), self.step(settings)]
        if self.rules.looks_ahead:
            methods.append(self.point())
        body = "\n\n".join(methods)
        parts[1] = ("import math\n\n" if "math." in body else "") + parts[1]
        head = [*parts[:2], *constants(self.lists)]
        return "\n\n".join([*head, f"{parts[2]}\n{body}"]) + "\n"

    def constructor(self, settings: list[tuple[str, float | None]]) -> str:
        pairs = [f"{k}={k}" for k, _ in settings]
        params = "named_parameters" if self.named else "params"
        lines = [header("__init__", ["self", params], settings, "    ")]
        if self.named:
            lines.append("        names, params = zip(*named_parameters)")
        short = f"        super().__init__(params, dict({', '.join(pairs)}))"
        if len(short) > WIDTH:
            lines += [
                "        defaults = dict(",
                *(f"            {x}," for x in pairs),
                "        )",
            ]
            short = "        super().__init__(params, defaults)"
        lines.append(short)
        if self.named:
            lines.append('        self.param_groups[0]["names"] = names')
        return "\n".join(lines)

    def step(self, settings: list[tuple[str, float | None]]) -> str:
        head = header("step", ["self", *self.arguments(), "closure=None"], [], "    ")
        lines = ["    @torch.no_grad()", head, '        """Make one update."""']
        lines += ["        loss = None", "        if closure is not None:"]
        lines += ["            with torch.enable_grad():", "                loss = closure()"]
        used = {k for k, _ in self.settings_in([*self.update_terms(), *self.start_terms()])}
        values = [f'{k} = group["{k}"]' for k, _ in settings if k in used]
        if self.plan.several:
            lines += indented(["(group,) = self.param_groups", *values, *self.several()], 8)
        else:
            lines.append("        for group in self.param_groups:")
            lines += indented([*values, *self.alone()], 12)
        lines.append("        return loss")
        return "\n".join(folded(lines))

    def alone(self) -> list[str]:
        """The body of the loop over groups, if every parameter is by itself."""
        spell, slots = self.speller(PASS), self.rules.local.slots
        lines = ["if p.grad is None:", "    continue"]
        if slots or self.rules.counted:
            lines += ["g, state = p.grad, self.state[p]", "if not state:"]
            lines += indented(self.started(slots, self.rules.counted))
        else:
            lines.append("g = p.grad")
        lines += ['t = state["t"] + 1'] if self.rules.counted else []
        lines += [*self.one_by_one(spell), *self.ended(0, spell)]
        return ['for p in group["params"]:', *indented(lines)]

    def started(
        self, slots: Sequence[Slot], counted: bool, leaf: str = "", where: str = "state"
    ) -> list[str]:
        """The assignments of the first state."""
        spell, lines = self.speller(PASS), [f'{where}["t"] = 0'] if counted else []
        for slot in slots:
            x = slot.start[leaf] if leaf else next(iter(slot.start.values()))
            lines.append(
                f'{where}["{self.names.slots[slot.name]}"] = {self._first(slot, x, spell)}'
            )
        return lines or ["pass"]

    def _first(self, slot: Slot, x: Term, spell: Speller) -> str:
        text = spell.text(x)
        if slot.array:
            if is_array(x):
                return f"{text}.clone()" if x.op == "sym" else text
            if slot.sort == "bool":
                return f"torch.full_like(p, {text}, dtype=torch.bool)"
            return "torch.zeros_like(p)" if x is ZERO else f"torch.full_like(p, {text})"
        if slot.sort != "real":
            return text
        make = "tensor" if x.op == "num" else "as_tensor"  # what is computed may be a tensor
        return f"torch.{make}({text}, dtype=torch.float64)"

    def several(self) -> list[str]:
        """The body, if parameters depend on each other."""
        lines = ['params = [p for p in group["params"] if p.grad is not None]']
        if self.named:
            lines.append('names = dict(zip(group["params"], group["names"]))')
        shared, counted = self.rules.shared(), self.rules.counted
        if shared or counted:
            lines += ['shared = self.state["shared"]', "if not shared:"]
            lines += indented(self.started(shared, counted, where="shared"))
        lines += ['t = shared["t"] + 1'] if counted else []
        if self.rules.leafwise():
            bodies = [
                self.started(self.plan.own(k), False, leaves[0])
                for k, leaves in enumerate(self.rules.treatments)
            ]
            first = ["state = self.state[p]", "if not state:"]
            lines += ["for p in params:", *indented([*first, *indented(self.by_treatment(bodies))])]
        if kept := self.kept():
            lines.append(f"{', '.join(kept)} = {', '.join(['{}'] * len(kept))}")
        lines += self.in_passes()
        items = ["t=t"] if counted else []
        numbers = self.speller(OVER_LEAVES)
        items += [f"{self.names.slots[s.name]}={numbers.text(s.next[''])}" for s in shared]
        return [*lines, *([f"shared.update({', '.join(items)})"] if items else [])]

    def point(self) -> str:
        """The method that says where gradients are taken."""
        terms, spell = self.point_terms(), self.speller(PASS)
        names = ['names = dict(zip(group["params"], group["names"]))'] if self.named else []
        counter = "shared" if self.plan.several else "state"
        inner = ["state = self.state[p]"]
        inner += ['shared = self.state["shared"]'] if self.plan.several else []
        inner += [f't = {counter}.get("t", 0) + 1'] if self.plan.counts(terms) else []
        inner += ["if not state:", "    found[p] = p.clone()", "    continue"]
        places = (self.rules.local.points[k[0]] for k in self.rules.treatments)
        inner += self.by_treatment([[f"found[p] = {spell.text(x)}"] for x in places])
        group = [f'{k} = group["{k}"]' for k, _ in self.settings_in(terms)]
        group += [*names, 'for p in group["params"]:', *indented(inner)]
        body = ['"""Where to take the gradient of the next update."""', "found = {}"]
        body += ["for group in self.param_groups:", *indented(group), "return found"]
        lines = ["    @torch.no_grad()", "    def point(self):", *indented(body, 8)]
        return "\n".join(folded(lines))
