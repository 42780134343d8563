"""Ctrl-C in the middle of a sweep."""

import contextlib
import signal

from lectopt._sweep.directory import Directory


@contextlib.contextmanager
def stopped_after_a_tile(monkeypatch):
    """Within it a sweep hears Ctrl-C once it has kept its first tile. Its tests use `heard`."""
    add = Directory.add

    def interrupted(*arguments):
        add(*arguments)
        patch.undo()  # a second one would be raised
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Directory, "add", interrupted)
        yield
