"""Programs by their text: two that read alike are compiled once in a process."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import jax

_compiled: dict[tuple[str, str, Any], Future[Any]] = {}
_lock = threading.Lock()
MOST = 256  # programs that are kept


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
        self.lowered = jax.jit(function, donate_argnums=donated).lower(*shapes)
        # Arguments that are not used are none of the text, and how they are nested is neither.
        self._form = str(
            (jax.tree.map(lambda x: (x.shape, str(x.dtype)), shapes), self.lowered.out_tree)
        )
        self.device = default_device()
        self.out = self.lowered.out_info
        self.sha256 = hashlib.sha256(self.lowered.as_text().encode()).hexdigest()

    def compiled(self) -> Any:
        """For the default device where it was made; another thread's compilation is waited for."""
        place = (self.sha256, self._form, self.device)
        with _lock:
            mine = place not in _compiled
            if mine:
                while len(_compiled) >= MOST:
                    del _compiled[next(iter(_compiled))]
                _compiled[place] = Future()
            future = _compiled[place]
        if mine:
            try:
                future.set_result(self.lowered.compile())
            except BaseException as error:
                with _lock:
                    _compiled.pop(place, None)
                future.set_exception(error)
                raise
        return future.result()

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled()(*arguments)


def shapes_of(tree: Any) -> Any:
    """Shapes and dtypes of arrays."""
    return jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), tree)
