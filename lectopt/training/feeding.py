"""Batches of an iterable, epoch after epoch, and the place in it."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from lectopt.training import checking


class Feeder:
    """The batches of an iterable that can be started again, or of a function that starts one."""

    def __init__(self, train: Any) -> None:
        self.train = train
        self.taken = 0  # batches of this epoch
        self._batches: Iterator[Any] | None = None
        self._ahead: list[Any] = []
        self._first: str | None = None  # the shapes of the first batch

    def peek(self) -> Any:
        """The next batch, which stays the next one."""
        if not self._ahead:
            self._ahead.append(self._draw())
        return self._ahead[0]

    def next(self) -> Any:
        """The next batch, as arrays."""
        batch = self._ahead.pop() if self._ahead else self._draw()
        self._first = self._first or _shapes(batch)
        self.taken += 1
        return batch

    def is_like_the_first(self, batch: Any) -> bool:
        """Whether a batch has the shapes of the first one."""
        return _shapes(batch) == self._first

    def unlike_the_first(self, batch: Any, step: int, error: Exception) -> ValueError:
        """What to say if the step of a batch fails, which is not like the first one."""
        return ValueError(
            f"split 'train': the batch of step {step} has the shapes {_shapes(batch)}, the first "
            f"one had {self._first}, and the training does not take both. Let the iterable give "
            "batches that differ in the number of samples alone. JAX says: "
            f"{(str(error).splitlines() or [''])[0]}"
        )

    def _start(self) -> Iterator[Any]:
        batches: Any = self.train() if callable(self.train) else self.train
        if not hasattr(batches, "__iter__"):
            raise ValueError(
                f"split 'train': the function returned {batches!r}, and no iterable of batches."
            )
        self._batches, self.taken = (started := iter(batches)), 0
        return started

    def _draw(self) -> Any:
        try:
            return _arrays(next(self._batches or self._start()))
        except StopIteration:
            try:
                return _arrays(next(self._start()))
            except StopIteration:
                raise ValueError(
                    "split 'train': the iterable gave no batch. It must be one that can be "
                    "iterated again for every epoch, or a function that returns an iterator."
                ) from None

    def place(self) -> dict[str, Any]:
        """What `restore` needs: how many batches of the epoch were taken, and the state that the
        iterable tells of itself, if it does."""
        place: dict[str, Any] = {"taken": self.taken}
        if self._ahead:  # a state would be of the batch after the next one
            return place
        for name, holder, method in self._states():
            state = getattr(holder, method[0])()
            if isinstance(state, bytes):
                return place | {name: {"bytes": base64.b64encode(state).decode()}}
            try:
                json.dumps(state)
            except (TypeError, ValueError):
                continue
            return place | {name: {"json": state}}
        return place

    def restore(self, place: dict[str, Any]) -> None:
        """Go on at a place: by the iterable's own state, or else by skipping batches."""
        self._ahead = []
        for name, holder, method in self._states(started=place.get("iterator") is not None):
            if name in place:
                saved = place[name]
                state = base64.b64decode(saved["bytes"]) if "bytes" in saved else saved["json"]
                getattr(holder, method[1])(state)
                if holder is self.train:
                    self._start()
                self.taken = place["taken"]
                return
        self._start()
        if place["taken"]:
            warnings.warn(
                f"the iterable of training batches does not tell its place: the first "
                f"{place['taken']} batches of the epoch that was broken off are skipped. They are "
                "those that were seen only if the iterable gives the same ones again.",
                stacklevel=2,
            )
        while self.taken < place["taken"]:
            self.next()

    def _states(self, started: bool = False) -> Iterator[tuple[str, Any, tuple[str, str]]]:
        """What can tell its state: the iterable or its iterator, and by which methods."""
        if started and self._batches is None:
            self._start()
        for name, holder in (("iterator", self._batches), ("iterable", self.train)):
            for method in (("get_state", "set_state"), ("state_dict", "load_state_dict")):
                if all(callable(getattr(holder, m, None)) for m in method):
                    yield name, holder, method


def _shapes(batch: Any) -> str:
    return str(jax.tree.map(lambda x: tuple(x.shape), batch))


def _arrays(batch: Any) -> Any:
    """A batch of tensors of whatever library as arrays."""
    arrays = jax.tree.map(np.asarray, batch)
    for x in jax.tree.leaves(arrays) or [np.asarray(None)]:
        checking.check_array(x, "split 'train', a batch")
        if not x.ndim:
            raise ValueError(
                "split 'train': a batch is made of arrays, whose first axis is that of the "
                f"samples; got {batch!r}"
            )
    return arrays
