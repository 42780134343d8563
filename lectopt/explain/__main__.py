"""The command: print the equations of an optimizer, or what differs between two.

python -m lectopt.explain optax.adamw learning_rate=1e-3
python -m lectopt.explain optax.adam --letters cmu11785 --latex
python -m lectopt.explain optax.adamw weight_decay=0.1 --diff lectopt.dialects.keras.AdamW
python -m lectopt.explain their_package.optimizers:make_optimizer --markdown
python -m lectopt.explain optax.lion --code torch
"""

import argparse
import ast
import difflib
import functools as ft
import importlib
import inspect
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lectopt.explain import explain, same_update

if TYPE_CHECKING:
    from lectopt.explain.explanation import Explanation


PROGRAM = "python -m lectopt.explain"


def found(path: str) -> Any:
    """The object with a dotted path, `optax.adam`, or `package.module:name`.

    Raises:
      ValueError: there is none.
    """
    example = "write the path to import it by, optax.adam for example"
    module, colon, rest = path.partition(":")
    parts = [*module.split("."), *rest.split(".")] if colon else path.split(".")
    if not all(part.isidentifier() for part in parts):
        raise ValueError(f"{path!r} is no path; {example}")
    ends = [module.count(".") + 1] if colon else range(len(parts), 0, -1)
    for end in ends:
        name = ".".join(parts[:end])
        try:
            thing: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not name.startswith(str(error.name)):
                raise  # the module is there, and lacks another one
            continue
        try:
            for name in parts[end:]:
                thing = getattr(thing, name)
        except AttributeError:
            break
        return thing
    raise ValueError(f"there is no {path}; {example}")


def setting(text: str) -> tuple[str, Any]:
    """`name=value`, with a Python literal, a dotted path or plain text for the value.

    Raises:
      ValueError: there is no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"a setting is written name=value, learning_rate=1e-3; got {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, found(value) if "." in value else value


def explained(path: str, settings: Mapping[str, Any], letters: str | None) -> "Explanation":
    """The explanation of the optimizer with a dotted path."""
    thing = found(path)
    try:
        return explain(thing, letters=letters, **settings)
    except Exception as error:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if not frame.f_globals["__name__"].startswith("lectopt."):  # ours say what to write
            given = ", ".join(f"{k}={v!r}" for k, v in settings.items())
            error.add_note(
                f"That is what {path}({given}) raises. Give other settings; or build it in a "
                "module of your own, and give the path to what is built."
            )
        raise


def compared(path: str, other: str, settings: Mapping[str, Any], letters: str | None) -> Any:
    """The explanations of two optimizers with these settings, and whether they are the same."""
    makers = [found(path), found(other)]
    shared = [settings, {k: v for k, v in settings.items() if _takes(makers[1], k)}]
    given = [ft.partial(m, **x) if x else m for m, x in zip(makers, shared, strict=True)]
    both = [explained(x, own, letters) for x, own in zip((path, other), shared, strict=True)]
    return *both, same_update(given[0], given[1])


def _takes(maker: Any, name: str) -> bool:
    return callable(maker) and name in inspect.signature(maker).parameters


def parser(program: str) -> argparse.ArgumentParser:
    """The arguments of the command."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Print the equations that an optimizer runs.",
    )
    parser.add_argument(
        "optimizer", help="where to import it from: optax.adamw, their_package.module:name"
    )
    parser.add_argument(
        "settings",
        nargs="*",
        help="its settings: learning_rate=1e-3; with --diff "
        "they are also the other one's, where it has them",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--latex", action="store_true", help="print LaTeX")
    form.add_argument("--markdown", action="store_true", help="print a page in Markdown")
    form.add_argument(
        "--code", metavar="LANGUAGE", help="print a program: numpy, torch, javascript"
    )
    parser.add_argument("--letters", help="a lecture's notation: cmu11785, liege, isi, ...")
    parser.add_argument("--diff", metavar="OTHER", help="print what differs from another one")
    return parser


def main(arguments: Sequence[str] | None = None, program: str = PROGRAM) -> int:
    """Run the command; its exit status is 1 if two optimizers differ, 2 if the arguments are wrong
    or an optimizer cannot be explained."""
    given = parser(program).parse_args(arguments)
    try:
        if given.diff is not None and (given.markdown or given.code):
            raise ValueError("--diff prints text or LaTeX; leave out --markdown and --code")
        settings = dict(map(setting, given.settings))
        if given.diff is None:
            one = explained(given.optimizer, settings, given.letters)
            if given.code is not None:
                print(one.code(given.code), end="")
            elif given.markdown:
                print(one.markdown(), end="")
            elif one.obstacle:
                return _wrong(f"{one.title} is not explained: {one.obstacle}")
            else:
                print(one.latex if given.latex else one)
            return 0
        first, other, outcome = compared(given.optimizer, given.diff, settings, given.letters)
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        return _wrong("\n".join([str(error), *getattr(error, "__notes__", [])]))
    for one in (first, other):
        if one.obstacle:
            return _wrong(f"{one.title} is not explained: {one.obstacle}")
    before, after = ((e.latex if given.latex else e.text).splitlines() for e in (first, other))
    print("\n".join(difflib.ndiff(before, after)))
    print(outcome)
    return 0 if outcome else 1


def _wrong(reason: str) -> int:
    print(f"{PROGRAM}: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
