"""The command `lectopt`: what it does is its first word.

lectopt explain optax.adamw learning_rate=1e-3
lectopt picture wolfe
"""

import sys
from collections.abc import Callable, Sequence


def _explain(arguments: Sequence[str]) -> int:
    from lectopt.explain.__main__ import main

    if "" not in sys.path:  # a script has not; the optimizer may be where the command is run
        sys.path.insert(0, "")
    return main(arguments, "lectopt explain")


def _picture(arguments: Sequence[str]) -> int:
    from lectopt.pictures.__main__ import main

    return main(arguments, "lectopt picture")


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {"explain": _explain, "picture": _picture}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first word names; exit status 2 if there is none."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in COMMANDS:
        return COMMANDS[words[0]](words[1:])
    asked = words in (["-h"], ["--help"])
    usage = f"usage: lectopt {{{','.join(COMMANDS)}}} ...   lectopt COMMAND --help says more"
    print(usage, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    sys.exit(main())
