"""What a row of another library makes of a recipe: the call, and what stands around it."""

import inspect
from collections.abc import Mapping
from typing import Any

from lectopt import values as _values
from lectopt.combinators import chain, masked
from lectopt.dialects.porting.arithmetic import Unwritten, number_at
from lectopt.dialects.porting.program import with_imports
from lectopt.dialects.porting.recipe import Recipe
from lectopt.dialects.porting.rows import Row, rows
from lectopt.dialects.porting.scaling import Scaled
from lectopt.dialects.porting.schedules import product
from lectopt.dialects.porting.torch_program import PROGRAMS
from lectopt.dialects.porting.writing import VERDICTS, Draft
from lectopt.dialects.spelling import absent
from lectopt.primitives import add_decayed_weights, shrink_weights
from lectopt.transformation import Transformation

SAME = "The same settings mean the same there."
# Which settings a rule may let follow the count.
FOLLOWING: dict[str, Any] = dict(
    torch=lambda name: name == "momentum", keras=lambda name: False, optax=lambda name: True
)
CLIPS = dict(
    clip_by_norm="clipnorm", clip_by_value="clipvalue", clip_by_global_norm="global_clipnorm"
)
ELSEWHERE = dict(
    torch="The gradients are changed first, by a hook",
    optax="The gradients are changed first, by members of optax.chain",
    keras="The gradients are changed first, in optimizer.apply",
)
GATHERING = dict(
    torch="One of {calls} calls makes an update: call optimizer.step() after so many backward(), "
    "each of a loss that is divided by {calls}",
    optax="One of {calls} calls makes an update: write optax.MultiSteps(optimizer, {calls})",
)
GROUPS = dict(
    torch="decayed and others are the parameters that the mask picks, and the others",
    keras="others are the variables that the mask does not pick",
    optax="",
)


class Translation:
    """A draft in the words of one row: the arguments, and what stands around the call."""

    def __init__(self, to: str, row: Row, draft: Draft, recipe: Recipe, arguments: dict[str, Any]):
        self.to, self.row, self.draft, self.recipe = to, row, draft, recipe
        self.rate = "lr" if to == "torch" else "learning_rate"
        self.before: list[Transformation] = list(recipe.before)
        self.after: list[Transformation] = []
        self.plateau: Transformation | None = None
        self.factors: dict[str, float] = {}
        self.numbers(arguments)
        self.decaying(arguments)
        self.around(arguments)
        self.given = self.told(arguments)
        if row.besides is not None:
            draft.note(row.besides[1])
        divides = absent(draft.settings.get("eps", 1.0)) and recipe.family != "polyak_sgd"
        if divides and absent(draft.settings.get("eps_root")):
            draft.note(
                "With an epsilon of 0 it divides 0 by 0 there, where a weight has never had a "
                "gradient and stands still here"
            )
        if recipe.dtype is not None:
            said = f"The moments are kept in {recipe.dtype}, and here in the dtype of the weights"
            draft.note(said, "impossible")

    @property
    def cost(self) -> Any:
        """The best has the best verdict, the fewest reasons, the fewest arguments."""
        moving = sum(map(callable, self.given.values()))
        undecayed = self.row.recipe.decay == "none" and self.draft.decay != "none"
        reasons = len(self.draft.reasons) + moving + 10 * (self.row.text is not None) + undecayed
        own = self.row.maker.__name__
        return VERDICTS.index(self.draft.verdict), reasons, len(self.given), -len(own)

    def numbers(self, arguments: dict[str, Any]) -> None:
        """Keras' settings are numbers, but for the rate."""
        for name, value in arguments.items():
            if self.to == "keras" and name != self.rate and callable(value):
                self.draft.note(
                    f"{name} changes with the count, and can only be a number here", "impossible"
                )
                arguments[name] = number_at(value, 0)

    def decaying(self, arguments: dict[str, Any]) -> None:
        """The mask of the decay, and the decay itself where the call has none."""
        draft, mask = self.draft, self.recipe.mask
        none = draft.decay == "none" or absent(draft.weight_decay)
        self.beside = self.row.recipe.decay == "none" and not none
        if mask is not None and GROUPS[self.to]:
            draft.note(GROUPS[self.to])
        if not self.beside:
            parameters = inspect.signature(self.row.maker).parameters
            for name in ("mask", "weight_decay_mask"):
                if mask is not None and name in parameters:
                    arguments[name] = mask
            if (
                mask is not None
                and self.to == "optax"
                and not {*arguments} & {"mask", "weight_decay_mask"}
            ):
                draft.note("The decay has no mask here", "impossible")
            return
        if self.to != "optax":
            draft.note("There is no weight decay here", "impossible")
            self.beside = False
        elif draft.decay == "coupled":
            draft.note("The L2 penalty is optax.add_decayed_weights, before the alias")
        else:
            draft.note("The decay is optax.add_decayed_weights, after the alias")

    def around(self, arguments: dict[str, Any]) -> None:
        """What is before and after the algorithm: a setting here, or something beside the call."""
        draft, before = self.draft, self.before
        decays = any(m.name == "add_decayed_weights" for m in before)  # whose sign stays
        if self.to == "torch" and not decays and any(m.name == "negate" for m in before):
            arguments["maximize"] = sum(m.name == "negate" for m in before) % 2 == 1
            before[:] = [m for m in before if m.name != "negate"]
        if self.to == "keras" and before and before[-1].name in CLIPS:
            clip = before.pop()
            (arguments[CLIPS[clip.name]],) = clip.settings.values()
        if self.to == "keras" and [m.name for m in before] == ["dialects.keras.unscale"]:
            (arguments["loss_scale_factor"],) = before.pop().settings.values()
        self.gathering(arguments)
        if before:
            draft.note(ELSEWHERE[self.to])
        for member in self.recipe.after:
            scheme = member.settings.get("scheme")
            if (
                self.to == "keras"
                and getattr(scheme, "name", "") == "dialects.keras.moving_average"
            ):
                arguments |= dict(use_ema=True, ema_momentum=scheme.settings["momentum"])  # pyright: ignore[reportOptionalMemberAccess]
                if "frequency" in member.settings:
                    arguments["ema_overwrite_frequency"] = member.settings["frequency"]
                continue
            self.after.append(member)
            if member.name == "average_params":
                draft.note("The average of the parameters is kept beside the optimizer")
            elif member.name == "reduce_on_plateau" and self._is_torchs(member):
                draft.note("scheduler.step(value) comes before the update that it slows down")
                self.plateau = member
            elif member.name == "scale_by_path" and self._is_grouped(member):
                self.factors = dict(member.settings["factors"].items)
                draft.note(self._groups())
            else:
                draft.note(f"{member.name} has to be done beside the optimizer", "impossible")

    def gathering(self, arguments: dict[str, Any]) -> None:
        """Several calls to an update: a setting in Keras."""
        calls, rate = self.recipe.calls, arguments.get(self.rate)
        if calls == 1:
            return
        if self.to != "keras":
            self.draft.note(GATHERING[self.to].format(calls=calls), "impossible")
            return
        arguments["gradient_accumulation_steps"] = calls
        if getattr(rate, "name", "") == "dialects.keras.by_call":
            arguments[self.rate] = rate.settings["schedule"]  # pyright: ignore[reportOptionalMemberAccess]

    def _is_torchs(self, plateau: Transformation) -> bool:
        s = plateau.settings
        plain = s["convention"] == "torch" and s["accumulate"] == 1
        return self.to == "torch" and plain and not callable(self.draft.rate)

    def _is_grouped(self, member: Transformation) -> bool:
        """Whether a factor of the updates is one of the rate of a group, alone of its kind."""
        moving = any(callable(factor) for _, factor in member.settings["factors"].items)
        alone = len(self.recipe.after) == 1 and not moving
        if self.to == "optax":
            return alone
        linear = self.recipe.family not in ("adafactor", "asgd", "lbfgs", "rprop")
        return self.to == "torch" and alone and linear and self.recipe.mask is None

    def _groups(self) -> str:
        if self.to == "optax":
            return "The factors are a member of optax.chain, after the alias"
        groups = (f"group_{i} those that match {p!r}" for i, p in enumerate(self.factors))
        return f"Of the parameters, {', '.join(groups)} and others are the others"

    def told(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that are not the defaults, in the order of the maker."""
        parameters = inspect.signature(self.row.maker).parameters
        whole = self.row.text is not None

        def default(name: str) -> bool:
            usual = parameters[name].default
            return name != self.rate and _values.key_of(arguments[name]) == _values.key_of(usual)

        kept = (name for name in parameters if name in arguments and (whole or not default(name)))
        return {name: arguments[name] for name in kept}

    @property
    def printed(self) -> dict[str, Any]:
        """The arguments of the call."""
        return self.given | (self.row.besides[0] if self.row.besides is not None else {})

    def text(self) -> str | None:
        """The program, None if a function in it cannot be written down."""
        mask = self.recipe.mask
        given = self.printed
        program = PROGRAMS[self.to](
            self.row.name,
            given,
            self.rate,
            self.before,
            mask,
            self.plateau,
            self.factors,
        )
        if self.row.text is not None:
            kind = "scale_by_stddev" if given.get("centered") else "scale_by_rms"
            program.chained = self.row.text.replace("{centered}", kind)
        try:
            if self.beside and self.draft.decay == "coupled":
                program.coupled = program.decay(self.draft.weight_decay)
            elif self.beside:
                program.after = program.decay(self._shrinking())
            text = program.text()
            if program.foreign:
                self.draft.note("schedule is the function of the count that was given")
            if program.unnamed:
                self.draft.note("mask is the function of the parameters that was given")
            return with_imports(text)
        except Unwritten as error:
            why = f"A schedule has to be written by hand, as {error}"
            self.draft.note(why, "impossible")
            return None

    def _shrinking(self) -> Any:
        """What is added to the updates, as a multiple of the parameters."""
        rate, decay = self.recipe.decay_rate, self.recipe.weight_decay
        if callable(rate) or callable(decay):
            return product(rate, decay, -1.0)
        return -rate * decay

    def optimizer(self) -> Transformation:
        """What the program makes, in this library."""
        given, mask, recipe = dict(self.given), self.recipe.mask, self.recipe
        members: list[Transformation] = [*self.before]
        shrinking: list[Transformation] = []
        beside = self.beside
        if mask is not None and self.to != "optax":  # whose dialects have no mask
            given["weight_decay"] = 0
            beside = True
        decay = self.draft.weight_decay
        if beside and self.draft.decay == "coupled":
            members.append(masked(add_decayed_weights(decay), mask))
        elif beside:
            rate, own = recipe.decay_rate, recipe.weight_decay
            shrinking.append(masked(shrink_weights(rate, own), mask))
        members += [self.row.maker(**given), *shrinking, *self.after]
        return chain(*members) if len(members) > 1 else members[0]

    def sentence(self) -> str:
        """All reasons."""
        reasons = self.draft.reasons
        if not reasons:
            return SAME
        return ". ".join(dict.fromkeys(reasons)) + "."


def translations(scaled: Scaled, to: str) -> list["Translation"]:
    """What each row of a library that has the algorithm makes of it."""
    found = []
    for row in rows(to):
        draft = row.draft(scaled.recipe, FOLLOWING[to])
        arguments = None if draft is None else row.arguments(draft)
        if draft is None or arguments is None:
            continue
        for reason, verdict in scaled.notes:
            draft.note(reason, verdict)
        found.append(Translation(to, row, draft, scaled.recipe, arguments))
    return found
