"""Optax's optimizers and chainable transformations, and how each is made to be explained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax

ALIASES = (
    "adabelief", "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamaxw", "adamw", "adan",
    "amsgrad", "fromage", "lamb", "lars", "lbfgs", "lion", "nadam", "nadamw", "noisy_sgd",
    "novograd", "optimistic_adam", "optimistic_adam_v2", "optimistic_gradient_descent",
    "polyak_sgd", "radam", "rmsprop", "rprop", "sgd", "sign_sgd", "signum", "sm3", "yogi",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One transformation of Optax: `explain(tx, params=params, **settings)`."""

    name: str
    tx: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    params: Any = None
    why: str = ""  # it is not explained: part of the message that says so
    float32: bool = False  # some of its arithmetic is in float32, whatever the parameters are


def _optimizers() -> list[Row]:
    rows = []
    for name in ALIASES:
        settings = {"adadelta": dict(learning_rate=0.5), "sgd": dict(momentum=0.9)}.get(name, {})
        rows.append(Row(name, getattr(optax, name), settings))
    return rows


MATRIX = jnp.ones((3, 2))


def _chainables() -> list[Row]:
    masks = {"a": True, "b": False}
    labels = {"a": "x", "b": "y"}
    makers: dict[str, Mapping[str, Any]] = {
        "adaptive_grad_clip": {},
        "add_decayed_weights": dict(weight_decay=0.1),
        "add_noise": {},
        "apply_every": dict(k=3),
        "clip": {},
        "clip_by_block_rms": {},
        "clip_by_global_norm": {},
        "ema": {},
        "identity": {},
        "keep_params_nonnegative": {},
        "normalize_by_update_norm": {},
        "scale": {},
        "scale_by_adadelta": {},
        "scale_by_adam": {},
        "scale_by_adamax": {},
        "scale_by_adan": {},
        "scale_by_amsgrad": {},
        "scale_by_backtracking_linesearch": {},
        "scale_by_belief": {},
        "scale_by_lbfgs": {},
        "scale_by_learning_rate": dict(learning_rate=0.5),
        "scale_by_lion": {},
        "scale_by_novograd": {},
        "scale_by_optimistic_gradient": {},
        "scale_by_param_block_norm": {},
        "scale_by_param_block_rms": {},
        "scale_by_polyak": {},
        "scale_by_radam": {},
        "scale_by_rms": {},
        "scale_by_rprop": {},
        "scale_by_rss": {},
        "scale_by_schedule": {},
        "scale_by_sign": {},
        "scale_by_sm3": {},
        "scale_by_stddev": {},
        "scale_by_trust_ratio": {},
        "scale_by_yogi": {},
        "scale_by_zoom_linesearch": {},
        "set_to_zero": {},
        "trace": {},
        "zero_nans": {},
    }
    inner = optax.adam(0.1)
    wrappers = [
        Row("centralize", optax.centralize, params=MATRIX),
        Row("chain", optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(1e-3))),
        Row("named_chain", optax.named_chain(("clip", optax.clip(1.0)), ("sgd", optax.sgd(0.1)))),
        Row("apply_if_finite", optax.apply_if_finite(optax.sgd(0.1), 3)),
        Row("conditionally_mask", optax.conditionally_mask(inner, _early)),
        Row("conditionally_transform", optax.conditionally_transform(inner, _early)),
        Row("flatten", optax.flatten(inner)),
        Row("freeze", optax.freeze(masks)),
        Row(
            "inject_hyperparams",
            optax.inject_hyperparams(optax.adam)(learning_rate=optax.linear_schedule(0.1, 0.0, 9)),
            float32=True,
        ),
        Row("masked", optax.masked(inner, masks)),
        Row(
            "monitor",
            optax.monitor({"norm": optax.global_norm}),
            why="changes its structure in the first update",
        ),
        Row("MultiSteps", optax.MultiSteps(inner, 3), float32=True),
        Row("partition", optax.partition({"x": inner, "y": optax.sgd(0.2)}, labels)),
        Row("selective_transform", optax.selective_transform(inner, freeze_mask=masks)),
        Row("snapshot", optax.snapshot("norm", optax.global_norm)),
        Row("scale_by_factored_rms", optax.scale_by_factored_rms, params=jnp.ones((131, 128))),
        Row(
            "scale_by_distance_over_gradients",
            optax.scale_by_distance_over_gradients,
            float32=True,
        ),
        Row("stateless", optax.stateless(lambda u, p: jax.tree.map(lambda x: 2 * x, u))),
        Row("stateless_with_tree_map", optax.stateless_with_tree_map(lambda u, p: u + 0.1 * p)),
        Row(
            "measure_with_ema",
            optax.measure_with_ema(optax.global_norm, 0.9),
            why="no tree like the parameters",
        ),
        Row("lookahead", optax.lookahead(optax.sgd(0.1), 5, 0.5), why="has no attribute fast"),
    ]
    return [Row(name, getattr(optax, name), s) for name, s in makers.items()] + wrappers


def _contributed() -> list[Row]:
    sgd, contrib = optax.sgd(0.1), optax.contrib
    plain = (
        "acprop", "ademamix", "adopt", "cocob", "dadapt_adamw", "dog", "dowg", "momo", "momo_adam",
        "normalize", "prodigy", "reduce_on_plateau", "schedule_free_adamw", "schedule_free_sgd",
        "simplified_ademamix",
    )  # fmt: skip
    rows = [Row(name, getattr(contrib, name)) for name in plain]
    return rows + [
        Row("galore", contrib.galore, params=MATRIX, float32=True),
        Row("madgrad", contrib.madgrad, float32=True),
        Row("mechanize", contrib.mechanize(sgd)),
        Row("muon", contrib.muon, params=MATRIX),
        Row("sam", contrib.sam(sgd, optax.chain(contrib.normalize(), optax.sgd(0.05)))),
        Row("schedule_free", contrib.schedule_free(sgd, 0.1)),
        Row("split_real_and_imaginary", contrib.split_real_and_imaginary(optax.adam(0.1))),
        Row("sophia", contrib.sophia, why="obj_fn must be provided"),
        Row(
            "differentially_private_aggregate",
            contrib.differentially_private_aggregate,
            dict(l2_norm_clip=1.0, noise_multiplier=0.1, key=0),
            why="no tree like the parameters",
        ),
    ]


def _early(step: Any, **_: Any) -> Any:
    return step < 3


OPTIMIZERS: tuple[Row, ...] = tuple(_optimizers())
CHAINABLES: tuple[Row, ...] = tuple(_chainables())
CONTRIBUTED: tuple[Row, ...] = tuple(_contributed())  # optax.contrib
OPTAX = OPTIMIZERS + CHAINABLES + CONTRIBUTED
