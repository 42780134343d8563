"""How a public function is called: its arguments are bound, checked and shown in one place."""

import functools as ft
import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, Self, TypeVar

from lectopt import settings as _settings
from lectopt import words as _words
from lectopt.display import show, signature_of
from lectopt.settings import Range

P = ParamSpec("P")
T = TypeVar("T")

MISSING: Any = inspect.Parameter.empty


class Signature:
    """The arguments of a function, and what each may be.

    `inspect.Signature.bind` takes longer than building an optimizer may; it is asked only for the
    words of an error.
    """

    def __init__(
        self,
        where: str,
        parameters: Callable[[], Iterable[inspect.Parameter]],
        hints: Callable[[], Mapping[str, Any]],
    ):
        """`hints` gives the annotations. Both are asked at the first call: most functions are
        imported and never called, and all names in the annotations exist then."""
        self.where, self.parameters, self.asked = where, parameters, hints

    @ft.cached_property
    def bare(self) -> inspect.Signature:
        """The arguments, without what the function returns."""
        return inspect.Signature(list(self.parameters()))

    @ft.cached_property
    def defaults(self) -> dict[str, Any]:
        """Every argument with its default."""
        return {k: p.default for k, p in self.bare.parameters.items()}

    @ft.cached_property
    def positional(self) -> tuple[str, ...]:
        """The arguments that may be passed by place."""
        named = inspect.Parameter.KEYWORD_ONLY
        return tuple(k for k, p in self.bare.parameters.items() if p.kind is not named)

    @ft.cached_property
    def required(self) -> set[str]:
        """The arguments without a default."""
        return {k for k, default in self.defaults.items() if default is MISSING}

    @ft.cached_property
    def plain(self) -> bool:
        """Whether none is positional only, `*args` or `**kwargs`."""
        plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return all(p.kind in plain for p in self.bare.parameters.values())

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Self:
        """That of a function with annotations."""
        return cls(
            function.__name__,
            lambda: signature_of(function).parameters.values(),
            lambda: typing.get_type_hints(function, include_extras=True),
        )

    @classmethod
    def foreign(cls, function: Callable[..., Any], where: str) -> Self:
        """That of anybody's function, whose annotations say nothing here."""
        found = signature_of(function)
        return cls(where, found.parameters.values, dict)

    def joined(self, other: "Signature") -> Self:
        """With the arguments of `other` after its own, which may be passed by place too; those of
        its own that have to be named come last."""

        def parameters() -> list[inspect.Parameter]:
            more = [
                p.replace(kind=p.POSITIONAL_OR_KEYWORD)
                for name, p in other.bare.parameters.items()
                if name not in self.defaults
            ]
            own = self.bare.parameters.values()
            last = [p for p in own if p.kind is p.KEYWORD_ONLY]
            first = [p for p in own if p.kind is not p.KEYWORD_ONLY]
            return [*first, *more, *last]

        return type(self)(self.where, parameters, lambda: {**other.hints, **self.hints})

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """All arguments by name, those that were given checked, the others their defaults.

        Raises:
          TypeError: an argument that does not exist, or is missing, or is no number.
          ValueError: one that is out of range.
        """
        given, values = self.filled(args, kwargs)
        for name in given:
            self.check(name, values[name])
        return values

    def filled(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[Iterable[str], dict[str, Any]]:
        """The names of the arguments that were given, and all by name; nothing is checked."""
        given = {**dict(zip(self.positional, args, strict=False)), **kwargs}
        values = self.defaults | given
        fits = len(given) == len(args) + len(kwargs) and len(values) == len(self.defaults)
        if self.plain and fits and given.keys() >= self.required:
            return given, values
        try:
            bound = self.bare.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(self.refusal(error, args, kwargs)) from None
        given = tuple(bound.arguments)
        bound.apply_defaults()
        return given, dict(bound.arguments)

    def some(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The given arguments by name, where others may be missing."""
        try:
            return dict(self.bare.bind_partial(**kwargs).arguments)
        except TypeError as error:
            raise TypeError(self.refusal(error, (), kwargs)) from None

    def call(self, function: Callable[..., T], values: Mapping[str, Any]) -> T:
        """Call `function`, which has this signature, with all arguments by name."""
        bound = inspect.BoundArguments(self.bare, dict(values))
        return function(*bound.args, **bound.kwargs)

    def refusal(self, error: TypeError, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """What is said of arguments that do not fit: a wrong word before a missing argument."""
        taken = self.positional[: len(args)]
        unknown = [name for name in kwargs if name not in self.defaults]
        twice = [name for name in taken if name in kwargs]
        missing = [k for k in self.defaults if k in self.required.difference(taken, kwargs)]
        if unknown:
            told = (_words.instead(self.where, k, kwargs[k], self.defaults) for k in unknown)
            said = [f"there is no {k}= here. {text}" for k, text in zip(unknown, told, strict=True)]
            what = " And ".join(said)
        elif len(args) > len(self.positional):
            what = (
                f"too many positional arguments, {len(args)} where there may be "
                f"{len(self.positional)}. Write the others with their names."
            )
        elif twice:
            what = f"{twice[0]} is given twice, by place and by name. Leave one of them out."
        elif missing:
            shown = ["..."] * bool(args or kwargs) + [f"{k}={self._example(k)}" for k in missing]
            what = (
                f"{' and '.join(missing)} must be given. "
                f"Write for example {self.where}({', '.join(shown)})."
            )
        else:
            what = f"{error}."
        return f"{self.where}: {what} {self.overview()}"

    def overview(self) -> str:
        """The arguments that there are, as a sentence."""
        return f"It is {self.where}{self}."

    def _example(self, name: str) -> str:
        hint = self.hints.get(name)
        ranges, choices = _settings.domains(hint)
        optimizer = hasattr(hint, "init") and hasattr(hint, "update")
        number = f"{ranges[0].example:g}" if ranges else "adam(0.001)" if optimizer else "..."
        return repr(choices[0]) if choices else number

    def check(self, name: str, value: Any) -> None:
        """Hold one argument against its annotation."""
        interval = self._intervals.get(name)
        if interval is None and name not in self._annotated:
            return
        if type(value) is float and interval is not None and value in interval:
            return
        default = self.defaults[name]
        _settings.check(self.where, name, value, self.hints.get(name), default)

    @ft.cached_property
    def hints(self) -> Mapping[str, Any]:
        """The annotations."""
        return self.asked()

    @ft.cached_property
    def _intervals(self) -> dict[str, Range]:
        ranges = {k: _settings.domains(hint)[0] for k, hint in self.hints.items()}
        return {k: found[0] for k, found in ranges.items() if found}

    @ft.cached_property
    def _annotated(self) -> set[str]:
        return {k for k, hint in self.hints.items() if any(_settings.domains(hint))}

    def __str__(self) -> str:
        bare = [p.replace(annotation=MISSING) for p in self.bare.parameters.values()]
        return str(inspect.Signature(bare))


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Hold every argument against its annotation before `function` runs.

    Raises:
      ValueError: a concrete number outside its `Range`, or a string that is not one of its
        `Literal`s.
      TypeError: something that is no number, or a keyword that does not exist (with Optax's name
        translated).
    """
    signature = Signature.of(function)

    @ft.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        signature.bind(args, kwargs)
        return function(*args, **kwargs)

    show(wrapper)
    say_that_it_makes(wrapper)
    return wrapper


def say_that_it_makes(function: Any) -> None:
    """Let a function that makes a transformation say so where one is wanted: Flax and Optax ask
    for `init` first, and a function has none."""
    made = function.__annotations__.get("return")
    if getattr(made, "__name__", "") != "Transformation":  # a class of a layer above
        return

    def init(params: Any) -> None:
        del params
        name = function.__name__
        raise TypeError(
            f"{name} is the function, and not the transformation that it makes. Write {name}(...), "
            "as in nnx.Optimizer(model, lectopt.adam(0.001), wrt=nnx.Param)."
        )

    function.init = init
