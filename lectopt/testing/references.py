"""The same numbers from elsewhere: a twin in plain NumPy, and Optax.

How much rounding a rule magnifies is found by running the reference itself in float32: a centered
variance cancels, a plain step does not."""

import contextlib
import functools as ft
import inspect
import itertools as it
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax

from lectopt.testing.precision import double, stepwise
from lectopt.testing.registry import check, during
from lectopt.testing.subject import Subject

_STEPS, _SIZE = 30, 6
_THETA = np.array([0.3, -0.7, 1.0, -2.0, 0.5, 3.0])
_SLACK = {"float64": 1e-10, "float32": 2e-4}  # of the largest update


def _history() -> np.ndarray:
    """Gradients of all steps: coordinate 0 never has one, coordinate 1 only from update 11 on."""
    values = np.random.default_rng(0).normal(size=(_STEPS, _SIZE))
    values[:, 0] = 0
    values[:10, 1] = 0
    return values


def _twin(subject: Subject, dtype: str) -> np.ndarray:
    """The updates of the twin, which is given what it asks for by name."""
    assert subject.twin is not None
    offers: dict[str, Any] = dict(subject.settings)
    for name, p in _parameters(subject.make).items():
        if p.default is not p.empty:
            offers.setdefault(name, p.default)
    offers.setdefault("params", _THETA.astype(dtype))
    wanted = list(_parameters(subject.twin).values())
    asked = {p.name for p in wanted[2:] if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    lacking = [p.name for p in wanted[2:] if p.name in asked - set(offers) and p.default is p.empty]
    assert not lacking, f"the twin asks for {', '.join(lacking)}, which the maker does not have"
    if any(p.kind is p.VAR_KEYWORD for p in wanted):
        asked |= set(subject.settings)
    given = {name: offers[name] for name in asked if name in offers}
    with during("the twin"), np.errstate(all="ignore"):
        rows = subject.twin(_history().astype(dtype), _STEPS, **given)
        updates = np.array(list(it.islice(rows, _STEPS + 1)))
    assert updates.shape == (_STEPS, _SIZE), (
        f"the twin yields updates of shape {updates.shape}; "
        f"wanted are {_STEPS} updates of {_SIZE} numbers"
    )
    return updates


def _parameters(function: Any) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # a function in C has no signature
        return {}


def _near(found: Any, expected: Any, rounded: Any, dtype: str, whose: str) -> None:
    """Assert that updates `(steps, ...)` are `expected`, up to rounding in `dtype`.

    `rounded` is what `expected` becomes if it is computed in float32."""
    found, expected, rounded = (np.asarray(x, float) for x in (found, expected, rounded))
    live = expected[np.isfinite(expected)]
    slack = _SLACK[dtype] * max(np.abs(live).max(initial=0), 1e-30)
    unit = np.finfo(dtype).eps / np.finfo(np.float32).eps
    slack += 30 * unit * np.nan_to_num(np.abs(rounded - expected)).max(initial=0)
    wrong = ~(np.abs(found - expected) <= slack)
    wrong &= ~(np.isnan(found) & np.isnan(expected))
    if wrong.any():
        t, *place = (int(i) for i in np.argwhere(wrong)[0])
        where = f" at {place}" if place else ""
        raise AssertionError(
            f"update {t + 1}{where} is {found[(t, *place)]:.9g} in {dtype}, and {whose} "
            f"{expected[(t, *place)]:.9g} (rounding explains {slack:.1g})"
        )


def _as_its_twin(subject: Subject, dtype: str) -> None:
    expected, rounded = _twin(subject, "float64"), _twin(subject, "float32")
    history = _history()
    with stepwise(), during(f"{_STEPS} updates in {dtype}"):
        path = subject.run(
            subject.build(),
            _STEPS,
            jnp.asarray(_THETA, dtype),
            lambda t: jnp.asarray(history[t], dtype),
        )
    _near(np.array(path.updates), expected, rounded, dtype, "the twin's")


@check(applies=lambda subject: subject.twin)
def as_its_twin(subject: Subject) -> None:
    """In float64 every update is the twin's, also of a weight whose gradient is always zero,
    or starts late."""
    with double():
        _as_its_twin(subject, "float64")


@check(applies=lambda subject: subject.twin)
def as_its_twin_in_float32(subject: Subject) -> None:
    """In float32 every update is the twin's, up to the rounding that the twin itself has there."""
    _as_its_twin(subject, "float32")


@ft.lru_cache(maxsize=4)
def _on_a_tree(subject: Subject, theirs: bool, dtype: str) -> dict[str, np.ndarray]:
    """The updates `(steps, ...)` of a tree by the subject or by its counterpart of Optax's."""
    rng = np.random.default_rng(1)
    shapes = {"matrix": (2, 2), "vector": (_SIZE,)}

    def draw(t: int = 0) -> Any:
        return {name: jnp.asarray(rng.normal(size=s), dtype) for name, s in shapes.items()}

    make = subject.optax if theirs else subject.make
    assert make is not None
    tx = optax.with_extra_args_support(make(**subject.settings))
    precision = double() if dtype == "float64" else contextlib.nullcontext()
    with precision, stepwise():
        updates = subject.run(tx, 6, draw(), draw).updates
    return {name: np.stack([np.asarray(update[name]) for update in updates]) for name in shapes}


def _as_optax(subject: Subject, dtype: str) -> None:
    found = _on_a_tree(subject, False, dtype)
    expected, rounded = (_on_a_tree(subject, True, d) for d in ("float64", "float32"))
    for name, updates in found.items():
        _near(updates, expected[name], rounded[name], dtype, f"Optax's of the {name}")


@check(applies=lambda subject: subject.optax)
def as_optax(subject: Subject) -> None:
    """In float64 every update of a tree is that of the maker given as `optax`."""
    _as_optax(subject, "float64")


@check(applies=lambda subject: subject.optax)
def as_optax_in_float32(subject: Subject) -> None:
    """In float32 every update of a tree is that of the maker given as `optax`, up to rounding."""
    _as_optax(subject, "float32")
