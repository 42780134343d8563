"""z3's counterexamples to a step of a proof, as histories to run.

A model is of one place and of one step, at a state that may never be reached. So its gradients and
weights are tried from the start, all along and after plain gradients, at the steps that its
counters name.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

try:
    import z3
except ImportError:  # then there are no models
    z3: Any = None

from lectopt.explain.histories import LARGEST, LATEST, random_history
from lectopt.explain.systems import GRADIENT, WEIGHT
from lectopt.explain.trials import History

MODELS = 6  # that are tried


def from_models(
    params: Any, models: Sequence[Any], numbers: Mapping[str, float]
) -> Iterator[tuple[History, Mapping[str, float]]]:
    """Histories that go to these models, and the settings of the models, or else these."""
    base = random_history(params, 5)
    for model in models[:MODELS]:
        values = dict(_values(model))
        settings = {**numbers, **{k: values[k] for k in numbers if values.get(k)}}
        gradient = _filled(params, values, GRADIENT, base.gradients[0])
        weights = _filled(params, values, WEIGHT, base.weights)
        counts = {int(v) for k, v in values.items() if "[" in k and k[0] in "AB" and v == int(v)}
        steps = sorted(c for c in counts if 0 <= c <= LATEST)[-3:]
        near = jax.tree.map(lambda x: (x * 1.01).astype(x.dtype), gradient)
        for before in dict.fromkeys((0, *(max(c + k, 0) for c in steps for k in (-2, 0)))):
            for first in (gradient, base.gradients[0], near):
                after = [gradient, gradient, base.gradients[1], near]
                yield History(weights, after, before, first), settings
        yield History(weights, base.gradients[:3]), settings
        yield base, settings


def _filled(params: Any, values: dict[str, float], letter: str, otherwise: Any) -> Any:
    def leaf(path: Any, x: Any, other: Any) -> Any:
        name = letter + jax.tree_util.keystr(path)
        found = [v for k, v in values.items() if k == name or k.startswith(f"{name}[i")]
        found += [v for k, v in values.items() if k.startswith(f"{name}[") and v not in found]
        return jnp.full(x.shape, found[0], x.dtype) if found else other

    return jax.tree_util.tree_map_with_path(leaf, params, otherwise)


def _values(model: Any) -> Iterator[tuple[str, float]]:
    for declared in model.decls():
        value = model[declared]
        try:
            if z3.is_int_value(value):
                number = float(value.as_long())
            elif z3.is_algebraic_value(value):
                number = float(value.approx(12).as_fraction())
            elif z3.is_rational_value(value):
                number = float(value.as_fraction())
            else:
                continue
        except OverflowError:  # no float has its size
            continue
        if abs(number) < LARGEST:
            yield declared.name(), number
