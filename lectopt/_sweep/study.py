"""What a sweep trains: the programs' groups, each a problem and a maker of traced settings."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import jax

from lectopt._sweep.asking import Asked, asked
from lectopt._sweep.compiling import context, known
from lectopt._sweep.marks import mark
from lectopt._sweep.space import Configuration
from lectopt.training.arguments import steps_and_every
from lectopt.training.blocks import KEY, Blocks, Values
from lectopt.training.problem import Problem
from lectopt.training.streams import random_streams
from lectopt.transformation import is_transformation

MOST_PROGRAMS = 32


@dataclass(frozen=True, eq=False)
class Group:
    """The configurations of one program.

    Args:
        key: What tells it from others.
        example: One of them.
        blocks: Its programs, of one lane.
        steps: The updates of a training.
        every: Between two points of the curves.
        keyed: Whether the optimizer asks for a key.
        mark: What its programs are made of, beside shapes: equal marks, equal programs. None if
            that cannot be said.
    """

    key: str
    example: Configuration
    blocks: Blocks
    steps: int
    every: int
    keyed: bool
    mark: Hashable


@dataclass(frozen=True, eq=False)
class Study:
    """What is trained, without the configurations.

    Args:
        problem: A problem, or a function of settings that returns one.
        optimizers: By name, makers.
        steps: Updates of a training.
        epochs: The same in epochs; one of the two is None.
        eval_every: Updates between two points of the curves.
        factor: When a loss is a divergence.
    """

    problem: Problem | Callable[..., Problem]
    optimizers: Mapping[str, Any]
    steps: int | None
    epochs: float | None
    eval_every: Any
    factor: float

    def __getstate__(self) -> dict[str, Any]:
        """What travels; the rest is made again where it arrives."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @functools.cached_property
    def makers(self) -> dict[str, Asked]:
        """What the optimizers ask for."""
        return {name: _asked_maker(name, maker) for name, maker in self.optimizers.items()}

    @functools.cached_property
    def asking_problem(self) -> Asked | None:
        """What the problem asks for, if it is a function."""
        if isinstance(self.problem, Problem):
            return None
        if not callable(self.problem):
            raise ValueError(
                "wanted a lectopt.Problem, or a function of settings that returns one, got "
                f"{self.problem!r}"
            )
        return asked(self.problem, f"problem {getattr(self.problem, '__name__', 'function')!r}")

    @functools.cached_property
    def _groups(self) -> dict[str, Group]:
        return {}

    @functools.cached_property
    def _problems(self) -> dict[str, Problem]:
        return {}

    def group(self, configuration: Configuration) -> Group:
        """The group of a configuration.

        Raises:
            ValueError: The problem cannot be made of its settings.
        """
        key = configuration.group
        if key not in self._groups:
            self._groups[key] = self._group(configuration)
        return self._groups[key]

    def built(self, optimizer: str, settings: Mapping[str, Any]) -> tuple[Problem, Any, int]:
        """The problem, the optimizer as `fit` takes it, and the steps, of a configuration."""
        group, maker = self.group(Configuration(optimizer, settings)), self.makers[optimizer]
        problem = self._posed(settings)
        if is_transformation(maker.function):
            return problem, maker.function, group.steps
        return problem, functools.partial(maker.function, **maker.of(settings)), group.steps

    def check(self, configurations: Sequence[Configuration]) -> None:
        """Make every optimizer with every setting, and every problem.

        Raises:
            ValueError: One of them is refused, or there are too many programs; saying which.
        """
        groups = {one.group: one for one in configurations}
        if len(groups) > MOST_PROGRAMS:
            static = {name for one in groups.values() for name in one.static}
            raise ValueError(
                f"the space has {len(groups)} programs, and more than {MOST_PROGRAMS} would "
                f"compile for long: whole numbers, texts, bools, None, choice() are one each. Write"
                f" floats where a number may be traced, {sorted(static)}, or sweep in parts."
            )
        key = random_streams(0).optimizer
        made = set()
        for one in configurations:
            group, maker = self.group(one), self.makers[one.optimizer]
            settings = maker.of(one.settings)
            told = (one.optimizer, group.steps, repr(sorted(settings.items())))
            if told not in made:
                made.add(told)
                _made(one, maker, {**settings, **({KEY: key} if group.keyed else {})}, group.steps)

    def _group(self, configuration: Configuration) -> Group:
        settings, maker = configuration.settings, self.makers[configuration.optimizer]
        problem = self._checked_problem(configuration)
        steps, every = steps_and_every(problem, self.steps, self.epochs, self.eval_every)
        static = configuration.static

        def make(values: Values) -> Any:
            given = maker.of({**static, **values})
            return _made(configuration, maker, given, steps)

        def posed(values: Values) -> Problem:
            return self._posed({**static, **values})

        asking = self.asking_problem
        depends = asking is not None and any(name in asking for name in configuration.traced)
        keyed = maker.names(KEY) and KEY not in settings
        blocks = Blocks(problem, make, posed=posed if depends else None)
        named = (configuration.group, steps, self.steps, keyed)
        marked = mark(named, maker.function, self.problem if depends else functions_of(problem))
        return Group(configuration.group, configuration, blocks, steps, every, keyed, marked)

    def _checked_problem(self, configuration: Configuration) -> Problem:
        """The problem of a configuration; one for all that ask for the same."""
        asking = self.asking_problem
        settings = {} if asking is None else asking.of(configuration.settings)
        static = {name: x for name, x in settings.items() if name in configuration.static}
        name = repr((sorted(static.items()), sorted({*settings} - {*static})))
        if name not in self._problems:
            problem = self._posed(configuration.settings)
            if problem.streamed:
                raise ValueError(
                    "a sweep needs arrays: its lanes share the training data, which an iterable of "
                    "batches gives only once. Write a pair (x, y) of arrays."
                )
            marked = mark(functions_of(problem))
            key = None if marked is None else (marked, str(problem.example_batch()), context())
            known(key, problem.check)
            self._problems[name] = problem
        return self._problems[name]

    def _posed(self, settings: Mapping[str, Any]) -> Problem:
        asking = self.asking_problem
        if asking is None:
            assert isinstance(self.problem, Problem)
            return self.problem
        given = {k: plain(x) for k, x in asking.of(settings).items() if k != KEY or k in settings}
        steps = {"steps": self.steps} if asking.names("steps") and self.steps is not None else {}
        try:
            problem = asking.function(**{**steps, **given})
        except Exception as error:
            error.add_note(f"(while {asking.where} was made with {dict(given)})")
            raise
        if not isinstance(problem, Problem):
            raise ValueError(f"{asking.where} must return a lectopt.Problem, got {problem!r}")
        return problem


def functions_of(problem: Problem) -> dict[str, Any]:
    """What a problem is, beside its data."""
    return {name: x for name, x in vars(problem).items() if name != "data"}


def plain(value: Any) -> Any:
    """A value of a setting as it is given to a function."""
    return float(value) if isinstance(value, float) else value


def _asked_maker(name: str, maker: Any) -> Asked:
    where = f"optimizer {name!r}"
    if is_transformation(maker):
        return Asked(maker, where, frozenset(), frozenset(), False)
    if not callable(maker):
        raise ValueError(f"{where}: wanted a maker such as lectopt.adam, got {maker!r}")
    return asked(maker, where)


def _made(one: Configuration, maker: Asked, given: Mapping[str, Any], steps: int) -> Any:
    """The optimizer of settings, which may be traced."""
    if is_transformation(maker.function):
        return maker.function
    own = {"steps": steps} if maker.names("steps") and "steps" not in given else {}
    try:
        tx = maker.function(**own, **{name: plain(x) for name, x in given.items()})
    except (ValueError, TypeError) as error:
        if isinstance(error, jax.errors.JAXTypeError):
            raise
        raise ValueError(f"{one}: {error}") from error
    except Exception as error:
        error.add_note(f"(while {one} was made)")
        raise
    if not is_transformation(tx):
        raise ValueError(f"{one}: wanted a maker that returns an Optax transformation, got {tx!r}")
    return tx
