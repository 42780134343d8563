"""From a live `keras.optimizers` optimizer to one here and its state."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import optax

from lectopt.controls.evaluation import AVERAGE, SHARE
from lectopt.dialects.keras import newer, optimizers, schedules
from lectopt.dialects.moving import Part, Piece, assembled, fits, flattened, library

# For each optimizer, for each slot here the attribute that lists Keras' variables.
SLOTS: dict[str, dict[str, str]] = {
    "SGD": dict(trace="momentums"),
    "Adam": dict(mu="_momentums", nu="_velocities", nu_max="_velocity_hats"),
    "AdamW": dict(mu="_momentums", nu="_velocities", nu_max="_velocity_hats"),
    "Adamax": dict(mu="_m", nu="_u"),
    "Nadam": dict(mu="_momentums", nu="_velocities"),
    "RMSprop": dict(nu="_velocities", mu="_average_gradients", trace="_momentums"),
    "Adagrad": dict(sum_of_squares="_accumulators"),
    "Adadelta": dict(e_g="_accumulated_grads", e_x="_accumulated_delta_vars"),
    "Lion": dict(mu="_momentums"),
    "Lamb": dict(mu="_momentums", nu="_velocities"),
    "Ftrl": dict(sum_of_squares="_accumulators", linear="_linears"),
}


def read_params(variables_map: Any) -> Any:
    """The JAX parameters that a map gives: copies, in its structure and layout.

    Args:
      variables_map: see `from_optimizer`; `model.trainable_variables` is one.
    """
    leaves, treedef = flattened(variables_map, _is_variable)
    return treedef.unflatten([jax.numpy.array(change(_array(v))) for v, change in leaves])


def from_optimizer(
    optimizer: Any,
    variables_map: Any = None,
    *,
    params: Any = None,
    learning_rate: Any = None,
) -> tuple[optax.GradientTransformation, Any]:
    """Read a live `keras.optimizers` optimizer, so that its run goes on in JAX.

    Settings and state are taken over; the next updates are those that Keras would make. The state
    is copied. A learning-rate schedule of this dialect is taken over too, and goes on.

    Args:
      optimizer: `keras.optimizers.SGD`, `Adam`, ... itself, built.
      variables_map: a tree like the JAX parameters, with the Keras variable that each leaf comes
        from, or a pair of it and a function from its NumPy array to the leaf, which must only move
        the numbers. By default the list of the variables that the optimizer was built with:
        `model.trainable_variables`.
      params: the JAX parameters, to check the map against.
      learning_rate: a number or a schedule, called with the number of all updates so far, those in
        Keras included.

    Returns:
      `(tx, state)`: the optimizer, a lectopt transformation or, if some variables are excluded from
      weight decay, an `optax.partition` of two; and its state.

    Raises:
      TypeError: another optimizer, another schedule, or a map with something else in it.
      ValueError: an optimizer that is not built, a setting that is not supported, variables that
        are not those of the optimizer or do not fit `params`.
    """
    name = _name(optimizer)
    variables = list(optimizer._trainable_variables)
    leaves, treedef = flattened(variables if variables_map is None else variables_map, _is_variable)
    _check_complete(variables, leaves)

    maker, settings = _maker(name), _settings(optimizer)
    settings["learning_rate"] = _rate(optimizer) if learning_rate is None else learning_rate
    count = int(_array(optimizer.iterations))
    scalars: dict[str, Any] = dict(count=count)
    if name == "Nadam":
        scalars["mu_product"] = float(_array(optimizer._u_product))
    if settings["use_ema"]:
        first = 1.0 if count == 1 else 1 - settings["ema_momentum"]
        scalars[SHARE] = first if count else 0.0
    slots = {key: getattr(optimizer, attribute, []) for key, attribute in SLOTS[name].items()}
    slots[AVERAGE] = optimizer._model_variables_moving_average if settings["use_ema"] else []
    place = {id(variable): i for i, variable in enumerate(variables)}

    pieces, parts = [], {}
    for variable, change in leaves:
        i = place[id(variable)]
        arrays = {key: change(_array(held[i])) for key, held in slots.items() if held}
        if name == "RMSprop" and "trace" in arrays:
            arrays["trace"] = -arrays["trace"]  # Keras subtracts its velocity
        decays = settings["weight_decay"] is None or optimizer._use_weight_decay(variable)
        label = "all" if decays else "without decay"
        pieces.append(Piece(change(_array(variable)), label, arrays))
        own = settings if decays else settings | dict(weight_decay=0.0)
        parts.setdefault(label, Part(maker(**own), scalars))
    if len(parts) > 1 and settings["global_clipnorm"]:
        raise ValueError(
            "global_clipnorm is of all variables together, and those without weight decay need an "
            "optimizer of their own. Clip before: write optax.chain(optax.clip_by_global_norm("
            f"{settings['global_clipnorm']}), tx), and from_optimizer without global_clipnorm."
        )
    tree = treedef.unflatten(pieces)
    fits(tree, params)
    return assembled(tree, parts)


def _name(optimizer: Any) -> str:
    # With the PyTorch backend `keras.optimizers.Adam(...)` makes a subclass, of that name.
    name = type(optimizer).__name__
    if name not in SLOTS or type(optimizer).__module__.split(".")[0] != "keras":
        raise TypeError(
            f"from_optimizer wants one of keras.optimizers' {', '.join(SLOTS)}, got "
            f"{type(optimizer).__module__}.{name}, whose state means something else."
        )
    if not optimizer.built:
        raise ValueError(
            f"This {name} has no variables yet. Write optimizer.build(model.trainable_variables)."
        )
    return name


def _check_complete(variables: Any, leaves: Any) -> None:
    mapped, known = {id(v) for v, _ in leaves}, {id(v) for v in variables}
    for variable in variables:
        if id(variable) not in mapped:
            raise ValueError(
                f"The variable {variable.path}, of shape {tuple(variable.shape)}, is not in the "
                "map. Give every variable of the optimizer its place in it."
            )
        if getattr(variable, "overwrite_with_gradient", False):
            raise ValueError(
                f"Keras overwrites {variable.path} with its gradient; nothing here does that."
            )
    for variable, _ in leaves:
        if id(variable) not in known:
            raise ValueError(
                f"The optimizer does not train {variable.path}. Leave it out of the map, and out "
                "of the parameters that are trained."
            )


def _maker(name: str) -> Callable[..., Any]:
    return getattr(optimizers, name, None) or getattr(newer, name)


def _settings(optimizer: Any) -> dict[str, Any]:
    """What the optimizer was made with, but for its learning rate."""
    maker = _maker(type(optimizer).__name__)
    config: Mapping[str, Any] = optimizer.get_config()
    names = set(inspect.signature(maker).parameters) - {"name", "learning_rate"}
    return {name: config[name] for name in names}


def _rate(optimizer: Any) -> Any:
    keras = library("keras")
    rate = optimizer._learning_rate
    if isinstance(rate, keras.Variable):
        return float(_array(rate))
    name = type(rate).__name__
    ours: Callable[..., Any] | None = getattr(schedules, name, None)
    if ours is None or getattr(keras.optimizers.schedules, name, None) is not type(rate):
        raise TypeError(
            f"The learning rate is a {name}, which is not in this dialect. Write learning_rate=, a "
            "number or a schedule that is called with the number of all updates so far."
        )
    config = {k: v for k, v in rate.get_config().items() if k != "name"}
    return ours(**config)


def _is_variable(x: Any) -> bool:
    return isinstance(x, library("keras").Variable)


def _array(variable: Any) -> np.ndarray[Any, Any]:
    """A copy: Keras goes on writing into its own memory."""
    ops = library("keras").ops
    return np.array(ops.convert_to_numpy(ops.convert_to_tensor(variable)))
