"""What `help`, `dir`, notebooks and the stub files show of public names and their arguments."""

import inspect
import types
import typing
import weakref
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from lectopt import settings

WIDTH = 50  # a signature that is longer has one argument per line

# Asked for every name, so that `typing.get_origin` is too slow.
_ANNOTATED: Any = type(Annotated[int, 0])


# Both lifts ask for the signature of a rule several times, and `import lectopt` would take longer.
_SIGNATURES: "weakref.WeakKeyDictionary[Any, inspect.Signature]" = weakref.WeakKeyDictionary()


def signature_of(function: Any) -> inspect.Signature:
    """`inspect.signature`, of a function of Python only once."""
    if not inspect.isfunction(function) or "__signature__" in vars(function):
        return inspect.signature(function)
    if "__wrapped__" in vars(function):
        return signature_of(vars(function)["__wrapped__"])
    if function not in _SIGNATURES:
        _SIGNATURES[function] = inspect.signature(function)
    return _SIGNATURES[function]


class Written:
    """An annotation that prints as it was written: `Decay`, and not the range that this is."""

    def __init__(self, text: str, annotation: Any):
        self.text, self.__metadata__ = text, getattr(annotation, "__metadata__", ())

    def __repr__(self) -> str:
        return self.text


Parts = tuple[list[inspect.Parameter], Any]


class Readable(inspect.Signature):
    """A signature that prints in short lines: one argument per line if it is long."""

    made: Callable[[], Parts]

    @classmethod
    def later(cls, made: Callable[[], Parts]) -> "Readable":
        """That of the parameters and the return annotation that `made` gives. It is called when
        somebody looks: an import that wrote every signature would take a quarter longer."""
        self = cls.__new__(cls)
        self.made = made
        return self

    def __getattr__(self, name: str) -> Any:
        if name not in inspect.Signature.__slots__ or "made" not in vars(self):
            raise AttributeError(name)
        parameters, result = self.made()
        inspect.Signature.__init__(self, parameters, return_annotation=result)
        return getattr(self, name)

    def __str__(self) -> str:
        rows, before = [], None
        for p in self.parameters.values():
            if before is p.POSITIONAL_ONLY and p.kind is not before:
                rows.append("/")
            if p.kind is p.KEYWORD_ONLY and before not in (p.KEYWORD_ONLY, p.VAR_POSITIONAL):
                rows.append("*")
            rows.append(str(p))
            before = p.kind
        result = self.return_annotation
        arrow = "" if result is self.empty else f" -> {_text(result, {})}"
        line = f"({', '.join(rows)}){arrow}"
        return line if len(line) <= WIDTH else "(\n    " + ",\n    ".join(rows) + f"\n){arrow}"

    def format(self, **options: Any) -> str:
        """The same, for the `help` of Python 3.13, which knows no short names of classes."""
        del options
        return str(self)


def readable(
    signature: Callable[[], inspect.Signature], *functions: Callable[..., Any]
) -> Readable:
    """The signature with its annotations as they are written beside `functions`; a class that is
    returned stays the class. `signature` is asked when somebody looks."""

    def made() -> Parts:
        names = {**vars(settings)}
        for function in functions:
            names |= inspect.unwrap(function).__globals__
        aliases = {id(v.__metadata__[0]): k for k, v in names.items() if type(v) is _ANNOTATED}

        def written(annotation: Any) -> Any:
            if annotation is inspect.Signature.empty:
                return annotation
            return Written(_text(annotation, aliases), annotation)

        plain = signature()
        result = plain.return_annotation
        parameters = [
            p.replace(annotation=written(p.annotation)) for p in plain.parameters.values()
        ]
        return parameters, result if isinstance(result, type) else written(result)

    return Readable.later(made)


def show(function: Any) -> None:
    """Let `help` show a function in short lines."""
    wrapped = vars(function).get("__wrapped__")
    if wrapped is None:  # its own signature is to be found before it has another
        found = signature_of(function)
        function.__signature__ = readable(lambda: found, function)
    else:
        function.__signature__ = readable(lambda: signature_of(wrapped), function)


def offer(module: Any) -> None:
    """Let `dir` list what a module's `__all__` does, and `help` show its functions in short lines;
    the same of the modules among them."""
    names = module.__all__
    module.__dir__ = lambda: sorted({*names, *(k for k in vars(module) if k.startswith("__"))})
    for thing in (vars(module).get(name) for name in names):
        if inspect.ismodule(thing):
            offer(thing)
        elif inspect.isfunction(thing) and not hasattr(thing, "__signature__"):
            show(thing)


def _text(annotation: Any, aliases: Mapping[int, str]) -> str:
    if isinstance(annotation, str | Written):
        return str(annotation)
    if isinstance(annotation, list):  # the arguments of a Callable
        return f"[{', '.join(_text(a, aliases) for a in annotation)}]"
    if annotation in (None, types.NoneType):
        return "None"
    if annotation is ...:
        return "..."
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return aliases.get(id(annotation.__metadata__[0])) or _text(arguments[0], aliases)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(_text(a, aliases) for a in arguments)
    if origin is typing.Literal:
        return repr(annotation).removeprefix("typing.")
    if origin is not None and arguments:
        return f"{origin.__name__}[{', '.join(_text(a, aliases) for a in arguments)}]"
    return getattr(annotation, "__name__", None) or repr(annotation)
