"""The rules of a transformation as a `torch.optim.Optimizer`."""

from lectopt.explain.coding.layout import (
    WIDTH,
    constants,
    docstring,
    folded,
    header,
    several,
    spelled,
)
from lectopt.explain.coding.local import Slot
from lectopt.explain.coding.operations import OVER
from lectopt.explain.coding.planning import Plan, is_array
from lectopt.explain.coding.spelling import TORCH, Speller
from lectopt.explain.coding.writing import OVER_LEAVES, PASS, Writer, remarks
from lectopt.explain.known import T
from lectopt.explain.terms import ZERO, Term, walk

RATE = {"learning_rate": "lr"}  # as PyTorch's schedulers find it


def optimizer(plan: Plan) -> str:
    """The text of a module with the class `Optimizer`."""
    return _Torch(plan).module()


class _Torch(Writer):
    language = TORCH

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self.place = PASS
        self.named = any(self.rules.chosen(k)[0] == "names" for k in self.groups())
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

    def summed(self, speller: Speller, x: Term, where: str) -> str:
        if self.own(x):
            if self.is_size(x):
                return "p.numel()"
            return OVER[x.args[0]].torch.format(speller.text(x.args[1]))
        body = "p.numel()"
        if not self.is_size(x):
            body = OVER[x.args[0]].torch.format(self.speller(OVER_LEAVES).text(x.args[1]))
        end = self.condition(x.args[2][0][1])
        loop = f"for p in params if {end}" if end else "for p in params"
        return OVER[x.args[0]].number.format(f"{body} {loop}")

    def condition(self, leaves: tuple[str, ...]) -> str:
        """Whether `p` is one of these leaves, "" if all are."""
        how, which = self.rules.chosen(leaves)
        what = {"names": "names[p]", "ranks": "p.ndim", "shapes": "tuple(p.shape)"}
        if how == "all":
            return ""
        if len(which) == 1:
            return f"{what[how]} == {spelled(which[0])}"
        return f"{what[how]} in {self.listed(several(which))}"

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
        body = self.several() if self.plan.several else self.alone()
        if self.plan.several:
            lines.append("        (group,) = self.param_groups")
            lines += [f"        {x}" for x in [*values, *body]]
        else:
            lines.append("        for group in self.param_groups:")
            lines += [f"            {x}" for x in [*values, *body]]
        lines.append("        return loss")
        return "\n".join(folded(lines))

    def alone(self) -> list[str]:
        """The body of the loop over groups, if every parameter is by itself."""
        spell = self.speller(PASS)
        lines = ['for p in group["params"]:', "    if p.grad is None:", "        continue"]
        lines += ["    g, state = p.grad, self.state[p]", "    if not state:"]
        lines += [f"        {x}" for x in self.started(self.rules.local.slots, self.rules.counted)]
        lines += ['    t = state["t"] + 1'] if self.rules.counted else []
        for stage in self.plan.stages:
            for x in [*stage.numbers, *stage.passes[0]]:
                lines.append(f"    {self.names.variables[x]} = {spell.written(x)}")
        lines += [f"    {x}" for x in self.ended(0, list(self.rules.local.slots), spell)]
        if not self.rules.local.slots and not self.rules.counted:
            k = lines.index("    if not state:")
            del lines[k : k + 2]
            lines[k - 1] = "    g = p.grad"
        return lines

    def started(self, slots: object, counted: bool, leaf: str | None = None) -> list[str]:
        """The assignments of the first state."""
        spell, lines = self.speller(PASS), ['state["t"] = 0'] if counted else []
        for slot in self.rules.local.slots:
            if slot not in slots:  # pyright: ignore[reportOperatorIssue]
                continue
            x = slot.start[leaf] if leaf is not None else next(iter(slot.start.values()))
            name = self.names.slots[slot.name]
            lines.append(f'state["{name}"] = {self._first(slot, x, spell)}')
        return lines or ["pass"]

    def _first(self, slot: Slot, x: Term, spell: Speller) -> str:
        text = spell.text(x)
        if slot.array:
            if is_array(x):
                return f"{text}.clone()" if x.op == "sym" else text
            if slot.sort == "bool":
                return f"torch.full_like(p, {text}, dtype=torch.bool)"
            return "torch.zeros_like(p)" if x is ZERO else f"torch.full_like(p, {text})"
        return f"torch.tensor({text}, dtype=torch.float64)" if slot.sort == "real" else text

    def ended(self, k: int, slots: list[Slot], spell: Speller) -> list[str]:
        """The end of an update of a parameter: the new state, and the step."""
        leaf = self.rules.treatments[k][0]
        items = ["t=t"] if self.rules.counted and not self.plan.several else []
        for s in slots:
            x = s.next.get(leaf, s.next.get("", ZERO))
            text = spell.root(x) if s.array else spell.text(x)
            text = f"{text}.clone()" if s.array and x.op == "sym" and text in ("g", "p") else text
            items.append(f"{self.names.slots[s.name]}={text}")
        move = spell.root(self.rules.local.moves[leaf])
        lines = [f"updates = {move}"]
        return [*lines, *([f"state.update({', '.join(items)})"] if items else []), "p += updates"]

    def several(self) -> list[str]:
        """The body, if parameters depend on each other."""
        lines = ['params = [p for p in group["params"] if p.grad is not None]']
        if self.named:
            lines.append('names = dict(zip(group["params"], group["names"]))')
        shared = self.rules.shared()
        if shared or self.rules.counted:
            lines += ['shared = self.state["shared"]', "if not shared:"]
            first = self.started(shared, self.rules.counted)
            lines += [f"    {x.replace('state[', 'shared[', 1)}" for x in first]
        lines += ['t = shared["t"] + 1'] if self.rules.counted else []
        lines += self.first_states()
        kept = list(dict.fromkeys(self.names.variables[x] for x in self.keeping()))
        if kept:
            lines.append(f"{', '.join(kept)} = {', '.join(['{}'] * len(kept))}")
        numbers = self.speller(OVER_LEAVES)
        for k, stage in enumerate(self.plan.stages):
            lines += [f"{self.names.variables[x]} = {numbers.written(x)}" for x in stage.numbers]
            if k == self.plan.last or any(stage.passes):
                lines += self.one_pass(k, k == self.plan.last)
        items = ["t=t"] if self.rules.counted else []
        items += [f"{self.names.slots[s.name]}={numbers.text(s.next[''])}" for s in shared]
        return [*lines, *([f"shared.update({', '.join(items)})"] if items else [])]

    def keeping(self) -> list[Term]:
        """What is kept between passes."""
        done = [x for s in self.plan.stages for row in s.passes for x in row]
        return [x for x in dict.fromkeys(done) if x in self.plan.kept]

    def heads(self) -> set[Term]:
        return set()  # new statistics go into the state at once

    def first_states(self) -> list[str]:
        """The first state of every parameter."""
        if not self.rules.leafwise():
            return []
        lines = ["for p in params:", "    state = self.state[p]", "    if not state:"]
        return lines + self.by_treatment(
            [self.started(self.plan.own(k), False, g[0]) for k, g in enumerate(self.groups())],
            " " * 8,
        )

    def one_pass(self, k: int, last: bool) -> list[str]:
        """A loop over the parameters."""
        spell, bodies = self.speller(PASS), []
        for j, row in enumerate(self.plan.stages[k].passes):
            body = [f"{spell.text(x)} = {spell.written(x)}" for x in row]
            bodies.append(body + (self.ended(j, self.plan.own(j), spell) if last else []))
        head = ["for p in params:", "    g, state = p.grad, self.state[p]"]
        return head + self.by_treatment(bodies, "    ")

    def by_treatment(self, bodies: list[list[str]], indent: str) -> list[str]:
        """A body, or one for each treatment."""
        if len(bodies) == 1:
            return [indent + x for x in bodies[0]]
        lines = []
        for j, (leaves, body) in enumerate(zip(self.groups(), bodies, strict=True)):
            lines.append(f"{indent}{'el' if j else ''}if {self.condition(leaves)}:")
            lines += [f"{indent}    {x}" for x in body or ["pass"]]
        error = "KeyError(names[p])" if self.named else "ValueError(tuple(p.shape))"
        return [*lines, f"{indent}else:", f"{indent}    raise {error}"]

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The leaves that are treated alike."""
        return self.rules.treatments

    def point(self) -> str:
        """The method that says where gradients are taken."""
        terms = self.point_terms()
        settings = [k for k, _ in self.settings_in(terms)]
        lines = ["    @torch.no_grad()", "    def point(self):"]
        lines += [
            '        """Where to take the gradient of the next update."""',
            "        found = {}",
        ]
        lines.append("        for group in self.param_groups:")
        lines += [f'            {k} = group["{k}"]' for k in settings]
        if self.named:
            lines.append('            names = dict(zip(group["params"], group["names"]))')
        lines.append('            for p in group["params"]:')
        lines += ["                state = self.state[p]"]
        if self.plan.several:
            lines.append('                shared = self.state["shared"]')
        counter = "shared" if self.plan.several else "state"
        if T in walk(*terms, inside=True):
            lines.append(f'                t = {counter}.get("t", 0) + 1')
        lines += ["                if not state:", "                    found[p] = p.clone()"]
        lines += ["                    continue"]
        spell = self.speller(PASS)
        lines += self.by_treatment(
            [[f"found[p] = {spell.text(self.rules.local.points[g[0]])}"] for g in self.groups()],
            " " * 16,
        )
        return "\n".join(folded([*lines, "        return found"]))
