"""The command `lectopt`: what it does is its first word.

lectopt explain optax.adamw learning_rate=1e-3
lectopt picture wolfe
lectopt sweep digits.toml --directory runs/digits
"""

import sys
from collections.abc import Callable, Sequence


def _explain(arguments: Sequence[str]) -> int:
    from lectopt.explain.__main__ import main

    return main(arguments, "lectopt explain")


def _picture(arguments: Sequence[str]) -> int:
    from lectopt.pictures.__main__ import main

    return main(arguments, "lectopt picture")


def _sweep(arguments: Sequence[str]) -> int:
    from lectopt._sweep.command import main

    return main(arguments)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "explain": _explain,
    "picture": _picture,
    "sweep": _sweep,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first word names; exit status 2 if there is none."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        if "" not in sys.path:  # a script has not; what is named may be where the command is run
            sys.path.insert(0, "")
        return COMMANDS[words[0]](words[1:])
    asked = words in (["-h"], ["--help"])
    usage = f"usage: lectopt {{{','.join(COMMANDS)}}} ...   lectopt COMMAND --help says more"
    print(usage, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
