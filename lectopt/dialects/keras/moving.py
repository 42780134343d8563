"""From a live `keras.optimizers` optimizer to one here and its state."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import optax

from lectopt.dialects import live_matrices
from lectopt.dialects.keras import newer, optimizers, schedules
from lectopt.dialects.keras.live_states import EVERY, SLOTS, array, orthogonal, scalars_of
from lectopt.dialects.keras.loss_scale import LossScaleOptimizer
from lectopt.dialects.moving import Part, Piece, assembled, fits, flattened, library
from lectopt.primitives import clip_by_global_norm
from lectopt.transformation import Transformation

OF_MATRICES = ("Adafactor", "Muon")
Settings = dict[str, Any]


def read_params(variables_map: Any) -> Any:
    """The JAX parameters that a map gives: copies, in its structure and layout.

    Args:
      variables_map: see `from_optimizer`; `model.trainable_variables` is one.
    """
    leaves, treedef = flattened(variables_map, _is_variable)
    return treedef.unflatten([jax.numpy.array(change(array(v))) for v, change in leaves])


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
    if name == "LossScaleOptimizer":
        return _scaled(optimizer, variables_map, params, learning_rate)
    variables = list(optimizer._trainable_variables)
    leaves, treedef = flattened(variables if variables_map is None else variables_map, _is_variable)
    _check_complete(variables, leaves)

    maker, settings, scalars = _maker(name), _settings(optimizer), scalars_of(optimizer)
    settings["learning_rate"] = _rate(optimizer) if learning_rate is None else learning_rate
    place = {id(variable): i for i, variable in enumerate(variables)}
    owns = [_own(optimizer, place[id(variable)], settings) for variable, _ in leaves]
    clip = settings["global_clipnorm"]
    if clip is not None and len({label for label, _ in owns}) > 1:  # of all together, then
        owns = [(label, own | dict(global_clipnorm=None)) for label, own in owns]
    else:
        clip = None

    pieces, parts = [], {}
    for (variable, change), (label, own) in zip(leaves, owns, strict=True):
        i = place[id(variable)]
        held = {key: slot(optimizer, i) for key, slot in (SLOTS[name] | EVERY).items()}
        arrays = {key: change(x) for key, x in held.items() if x is not None}
        if name in OF_MATRICES and len(variable.shape) > 1:
            layout = live_matrices.layout(tuple(variable.shape), change, name)
            arrays = live_matrices.factored(arrays, layout)
        pieces.append(Piece(change(array(variable)), label, arrays))
        parts.setdefault(label, Part(maker(**own), scalars))
    tree = treedef.unflatten(pieces)
    fits(tree, params)
    tx, state = assembled(tree, parts)
    if clip is None:
        return tx, state
    return optax.chain(first := clip_by_global_norm(clip), tx), (first.init(None), state)


def _own(optimizer: Any, i: int, settings: Settings) -> tuple[str, Settings]:
    """The settings of variable `i`, and a name for those that have the same."""
    decays = optimizer._use_weight_decay(optimizer._trainable_variables[i])
    own, label = dict(settings), []
    if type(optimizer).__name__ == "Muon":
        own |= dict(exclude_layers=None, exclude_embeddings=False)
        label.append("matrices")
        if not orthogonal(optimizer, i):
            own["exclude_layers"], label = ("",), ["others"]
        decayed = ("weight_decay", "adam_weight_decay")
    else:
        decayed = ("weight_decay",)
    if not decays and any(settings[key] is not None for key in decayed):
        own |= dict.fromkeys(decayed, 0.0)
        label.append("without decay")
    return ", ".join(label) or "all", own


def _scaled(
    optimizer: Any, variables_map: Any, params: Any, learning_rate: Any
) -> tuple[optax.GradientTransformation, Any]:
    """A live `LossScaleOptimizer` around what it has inside."""
    inner = optimizer.inner_optimizer
    if variables_map is None:
        variables_map = list(inner._trainable_variables)
    tx, state = from_optimizer(inner, variables_map, params=params, learning_rate=learning_rate)
    made = int(array(inner._iterations))
    whole = LossScaleOptimizer(tx, optimizer.initial_scale, optimizer.dynamic_growth_steps)
    record = dict(whole.init(read_params(variables_map)))
    own = record["inner_optimizer"]
    record["inner_optimizer"] = (
        {key: state[key] for key in own}
        if isinstance(tx, Transformation)
        else dict.fromkeys(own, state)
    )
    numbers = dict(
        count=made,
        made=made,
        dynamic_scale=array(optimizer.dynamic_scale),
        step_counter=array(optimizer.step_counter),
    )
    record |= {k: jax.numpy.asarray(v, record[k].dtype) for k, v in numbers.items() if k in record}
    return whole, record


def _name(optimizer: Any) -> str:
    # With the PyTorch backend `keras.optimizers.Adam(...)` makes a subclass, of that name.
    name = type(optimizer).__name__
    known = (*SLOTS, "LossScaleOptimizer")
    if name not in known or type(optimizer).__module__.split(".")[0] != "keras":
        raise TypeError(
            f"from_optimizer wants one of keras.optimizers' {', '.join(known)}, got "
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


def _settings(optimizer: Any) -> Settings:
    """What the optimizer was made with, but for its learning rate."""
    maker = _maker(type(optimizer).__name__)
    names = set(inspect.signature(maker).parameters) - {"name", "learning_rate"}
    return {name: getattr(optimizer, name) for name in names}


def _rate(optimizer: Any) -> Any:
    keras = library("keras")
    rate = optimizer._learning_rate
    if isinstance(rate, keras.Variable):
        return float(array(rate))
    name = type(rate).__name__
    home = keras.optimizers.schedules
    ours: Callable[..., Any] | None = getattr(schedules, name, None)
    if ours is not None and getattr(home, name, None) is type(rate):
        return ours(**{k: v for k, v in rate.get_config().items() if k != "name"})
    if isinstance(rate, home.LearningRateSchedule) and keras.backend.backend() == "jax":
        return rate  # a function of the count, which JAX can trace
    raise TypeError(
        f"The learning rate is a {name}, which is not in this dialect. Write learning_rate=, a "
        "number or a schedule that is called with the number of all updates so far."
    )


def _is_variable(x: Any) -> bool:
    return isinstance(x, library("keras").Variable)
