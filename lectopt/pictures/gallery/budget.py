"""The same number of sample gradients for SGD, L-BFGS and descent with a line search."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

import lectopt
from lectopt.numerics import double
from lectopt.pictures.gallery import Verdict
from lectopt.pictures.style import style

CLAIM = (
    "“For a fixed computational budget, stochastic optimization algorithms reach a lower test "
    "error” than second-order methods and line searches. (Liège, after Bottou and Bousquet)"
)
SMALL = dict(samples=1000, passes=10)
BATCH = 10


def measure(samples: int = 10_000, passes: int = 30, dimension: int = 50) -> dict[str, Any]:
    """Logistic regression: training loss and test error by passes over the data, of which a
    gradient or value of the whole loss counts as one."""
    rng = np.random.default_rng(0)
    scale = np.geomspace(1, 0.1, dimension)
    w = 3 * rng.normal(size=dimension)
    x, fresh = (scale * rng.normal(size=(n, dimension)) for n in (samples, 20_000))
    y, fresh_y = (np.sign(z @ w + rng.logistic(size=len(z))) for z in (x, fresh))
    ways: dict[str, tuple[list[float], list[np.ndarray]]] = {}
    with double():

        def loss(w: Any, x: Any = x, y: Any = y) -> Any:
            return jnp.logaddexp(0.0, -y * (x @ w)).mean()

        both = jax.jit(jax.value_and_grad(loss))
        ways["L-BFGS"] = _lbfgs(both, dimension, passes)
        ways["descent, line search"] = _searched(loss, both, dimension, passes)
    ways["SGD"] = _sgd(x, y, passes)
    test = {
        k: [(np.where(fresh @ w > 0, 1, -1) != fresh_y).mean() for w in ws]
        for k, (_, ws) in ways.items()
    }
    train = {k: [np.logaddexp(0, -y * (x @ w)).mean() for w in ws] for k, (_, ws) in ways.items()}
    return dict(cost={k: np.array(c) for k, (c, _) in ways.items()}, test=test, train=train)


def _lbfgs(both: Any, dimension: int, passes: int) -> tuple[list[float], list[np.ndarray]]:
    cost, seen = [0.0], [np.zeros(dimension)]
    calls = [0]

    def counted(w: np.ndarray) -> tuple[float, np.ndarray]:
        calls[0] += 1
        value, grad = both(w)
        return float(value), np.asarray(grad)

    def note(w: np.ndarray) -> None:
        cost.append(float(calls[0]))
        seen.append(w.copy())

    minimize(counted, np.zeros(dimension), jac=True, method="L-BFGS-B", callback=note,
             options=dict(maxfun=passes, ftol=0.0, gtol=0.0))  # fmt: skip
    return cost, seen


def _searched(
    loss: Any, both: Any, dimension: int, passes: int
) -> tuple[list[float], list[np.ndarray]]:
    tx = lectopt.lectures.liege.wolfe_line_search()
    w = jnp.zeros(dimension)
    state = tx.init(w)
    cost, seen = [0.0], [np.asarray(w)]

    @jax.jit
    def step(w: Any, state: Any) -> Any:
        value, grad = both(w)
        updates, state = tx.update(grad, state, w, value=value, grad=grad, value_fn=loss)
        return w + updates, state, state["line_search"]["total_evaluations"]

    while cost[-1] < passes:
        w, state, evaluations = step(w, state)
        cost.append(float(evaluations) + len(seen))
        seen.append(np.asarray(w))
    return cost, seen


def _sgd(x: np.ndarray, y: np.ndarray, passes: int) -> tuple[list[float], list[np.ndarray]]:
    """Rate 2 / (1 + t / 1000), not tuned; noted ten times in the first pass, then once each."""
    rng = np.random.default_rng(1)
    w, t = np.zeros(x.shape[1]), 0
    cost, seen = [0.0], [w]
    steps = len(y) // BATCH
    for k in range(passes):
        for i, rows in enumerate(rng.permutation(len(y))[: steps * BATCH].reshape(steps, BATCH)):
            margin = y[rows] * (x[rows] @ w)
            w = w + 2 / (1 + t / 1000) * (y[rows] / (1 + np.exp(margin))) @ x[rows] / BATCH
            t += 1
            if (k == 0 and (i + 1) % max(1, steps // 10) == 0) or i + 1 == steps:
                cost.append(k + (i + 1) / steps)
                seen.append(w)
    return cost, seen


def at(found: dict[str, Any], what: str, budget: float) -> dict[str, float]:
    """Of each method the last value within the budget."""
    return {
        name: float(np.array(found[what][name])[cost <= budget][-1])
        for name, cost in found["cost"].items()
    }


def verdict(found: dict[str, Any]) -> Verdict:
    """SGD has the least test error after two passes; L-BFGS the least training loss at the end."""
    early, late = at(found, "test", 2.0), at(found, "train", np.inf)
    order = ("SGD", "L-BFGS", "descent, line search")
    told = ", ".join(f"{100 * early[name]:.1f} % ({name})" for name in order)
    ends = ", ".join(f"{late[name]:.5f}" for name in order)
    return Verdict(
        min(early, key=early.__getitem__) == "SGD",
        f"with a budget of two passes the test errors are {told}. At the end the training losses, "
        f"in this order, are {ends}: as an optimizer of the training loss "
        f"{min(late, key=late.__getitem__)} is the best.",
    )


def draw(found: dict[str, Any], figure: Any) -> None:
    """Test error and training loss above the least seen, by cost."""
    left, right = figure.subplots(1, 2)
    least = min(min(values) for values in found["train"].values()) - 1e-6
    for k, (name, cost) in enumerate(found["cost"].items()):
        test, train = (np.array(found[what][name])[1:] for what in ("test", "train"))
        left.plot(cost[1:], 100 * test, lw=1.5, label=name, **style(k))
        right.plot(cost[1:], train - least, lw=1.5, **style(k))
    left.set(xscale="log", xlabel="passes over the data", title="test error in %")
    right.set(xscale="log", yscale="log", xlabel="passes over the data")
    right.set_title("training loss above the least seen")
    left.legend(fontsize=8)
