"""The command: print the equations of an optimizer, or what differs between two.

python -m lectopt.explain optax.adamw learning_rate=1e-3
python -m lectopt.explain optax.adam --letters cmu11785 --latex
python -m lectopt.explain optax.adamw weight_decay=0.1 --diff lectopt.dialects.keras.AdamW
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


def found(path: str) -> Any:
    """The object with a dotted path, `optax.adam`.

    Raises:
      ValueError: there is none.
    """
    example = "write the path to import it by, optax.adam for example"
    parts = path.split(".")
    if not all(part.isidentifier() for part in parts):
        raise ValueError(f"{path!r} is no path; {example}")
    for end in range(len(parts), 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status is 1 if two optimizers differ, 2 if the arguments are wrong
    or an optimizer cannot be explained."""
    parser = argparse.ArgumentParser(
        prog="python -m lectopt.explain",
        description="Print the equations that an optimizer runs.",
    )
    parser.add_argument("optimizer", help="where to import it from: optax.adamw")
    parser.add_argument(
        "settings",
        nargs="*",
        help="its settings: learning_rate=1e-3; with --diff "
        "they are also the other one's, where it has them",
    )
    parser.add_argument("--latex", action="store_true", help="print LaTeX")
    parser.add_argument("--letters", help="a lecture's notation: cmu11785, liege, isi, ...")
    parser.add_argument("--diff", metavar="OTHER", help="print what differs from another one")
    given = parser.parse_args(arguments)
    try:
        settings = dict(map(setting, given.settings))
        if given.diff is None:
            one = explained(given.optimizer, settings, given.letters)
            if one.obstacle:
                return _wrong(f"{one.title} is not explained: {one.obstacle}")
            print(one.latex if given.latex else one)
            return 0
        first, other, outcome = compared(given.optimizer, given.diff, settings, given.letters)
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        return _wrong("\n".join([str(error), *getattr(error, "__notes__", [])]))
    if first.obstacle or other.obstacle:
        return _wrong(str(outcome))
    before, after = ((e.latex if given.latex else e.text).splitlines() for e in (first, other))
    print("\n".join(difflib.ndiff(before, after)))
    print(outcome)
    return 0 if outcome else 1


def _wrong(reason: str) -> int:
    print(f"python -m lectopt.explain: {reason}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
