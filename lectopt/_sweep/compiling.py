"""Programs by their text: two that read alike are compiled once in a process.

Those of a problem and an optimizer that are as before (see `marks`) are not even traced again.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

import jax

T = TypeVar("T")

_compiled: dict[tuple[str, str, Any, tuple[bool, str]], Future[Any]] = {}
_known: dict[Hashable, Any] = {}
_lock = threading.Lock()
MOST = 256  # programs that are kept, by text
GROUPS = 128  # by function


def default_device() -> Any:
    """What `jax.default_device` was given, or None."""
    config: Any = jax.config  # which declares this attribute from JAX 0.11 on
    return config.jax_default_device


class Program:
    """A function with the shapes of its arguments, compiled when it is first called.

    Args:
        function: It, of arrays.
        shapes: Of its arguments.
        donated: Which arguments may be used up.
    """

    def __init__(
        self, function: Callable[..., Any], *shapes: Any, donated: tuple[int, ...] = ()
    ) -> None:
        self.lowered: Any = jax.jit(function, donate_argnums=donated).lower(*shapes)
        self._future: Future[Any] | None = None
        # Arguments that are not used are none of the text, and how they are nested is neither.
        self._form = str(
            (jax.tree.map(lambda x: (x.shape, str(x.dtype)), shapes), self.lowered.out_tree)
        )
        self.device = default_device()
        self.out = self.lowered.out_info
        self.sha256 = hashlib.sha256(self.lowered.as_text().encode()).hexdigest()

    def compiled(self) -> Any:
        """For the default device where it was made; another thread's compilation is waited for."""
        lowered = self.lowered
        if self._future is not None:
            return self._future.result()
        place = (self.sha256, self._form, self.device, how())
        with _lock:
            mine = place not in _compiled
            if mine:
                _room(_compiled, MOST)
                _compiled[place] = Future()
            future = _compiled[place]
        if mine:
            try:
                future.set_result(lowered.compile())
            except BaseException as error:
                with _lock:
                    _compiled.pop(place, None)
                future.set_exception(error)
                raise
        found = future.result()
        self._future = future  # before `lowered` goes, which others may be about to compile
        self.lowered = None
        return found

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled()(*arguments)


def how() -> tuple[bool, str]:
    """How programs are compiled, which their text does not say."""
    return jax.config.read("jax_disable_most_optimizations"), os.environ.get("XLA_FLAGS", "")


def known(key: Hashable, make: Callable[[], T]) -> T:
    """What was made for a key before, or is made now; without a key it is made anew."""
    if key is None:
        return make()
    with _lock:
        if key in _known:
            _known[key] = _known.pop(key)  # the last one used is the last one to go
            return _known[key]
    made = make()
    with _lock:
        _room(_known, GROUPS)
        return _known.setdefault(key, made)


def context() -> Hashable:
    """What a trace depends on beside functions and shapes: JAX's options, and its mesh."""
    options = tuple((name, repr(getattr(jax.config, name, None))) for name in jax.config.values)
    return options, jax.sharding.get_abstract_mesh()


def _room(kept: dict[Any, Any], most: int) -> None:
    while len(kept) >= most:
        del kept[next(iter(kept))]


def shapes_of(tree: Any) -> Any:
    """Shapes and dtypes of arrays."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)
