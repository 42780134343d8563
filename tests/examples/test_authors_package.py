"""A library author's package: three algorithms of its own, and its tests with `lectopt.testing`.

The tests of the package pass. Then a bug is planted in each algorithm, and the checks that are
named for such bugs fail, and no others.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {}
FILES["pyproject.toml"] = """
[tool.pytest.ini_options]
pythonpath = ["src"]
filterwarnings = ["error"]
"""
FILES["src/strides/__init__.py"] = '''
"""Three optimizers, written with lectopt."""

import jax
import jax.numpy as jnp

from lectopt import (
    chain, debiased, deviation, ema, leafwise, mean_square, ratio, root, scale_by_learning_rate,
    treewise,
)
from lectopt.settings import Count, Decay, Fraction, LearningRate, NonNegative


def belief(
    learning_rate: LearningRate, b1: Decay = 0.9, b2: Decay = 0.999, eps: NonNegative = 1e-16
):
    """AdaBelief (Zhuang et al. 2020)."""
    mean = ema(b1)  # one moment on both sides of the ratio
    surprise = chain(deviation(mean), mean_square(b2, added=eps))
    return chain(
        ratio(debiased(mean), root(debiased(surprise), eps)), scale_by_learning_rate(learning_rate)
    )


@treewise(slow="params")
def anchored(updates, state, params, t, *, inner, period: Count = 5, share: Fraction = 0.5):
    """Lookahead (Zhang et al. 2019)."""
    moves, inner_state = inner(updates)
    back = t % period == 0

    def pulled(slow, param, move):
        return jnp.where(back, slow + share * (param + move - slow), slow)

    slow = jax.tree.map(pulled, state.slow, params, moves)
    moves = jax.tree.map(lambda s, p, m: jnp.where(back, s - p, m), slow, params, moves)
    return moves, dict(slow=slow, inner=inner_state)


def over_columns(param):
    return jnp.zeros(param.shape[:-1]) if param.ndim > 1 else None


def over_rows(param):
    return jnp.zeros(param.shape[:-2] + param.shape[-1:]) if param.ndim > 1 else None


def entries(param):
    return None if param.ndim > 1 else jnp.zeros(param.shape)


@leafwise(row=over_columns, column=over_rows, nu=entries)
def scale_by_outer_product(g, state, t, *, power: Fraction = 0.8, eps: NonNegative = 1e-30):
    """Adafactor's second moment (Shazeer and Stern 2018): the rows and columns of a matrix."""
    fresh, square = t**-power, g * g + eps

    def moved(old, new):
        return old + fresh * (new - old)

    if state.nu is not None:
        nu = moved(state.nu, square)
        return g / jnp.sqrt(nu), dict(row=None, column=None, nu=nu)
    row, column = moved(state.row, square.mean(-1)), moved(state.column, square.mean(-2))
    share = row / row.mean(-1, keepdims=True)  # first, as row * column is 0 in float32 at 1e-30
    nu = share[..., None] * column[..., None, :]
    return g / jnp.sqrt(nu), dict(row=row, column=column, nu=None)
'''
FILES["tests/test_strides.py"] = """
import numpy as np
import optax

from lectopt import testing
from strides import anchored, belief, scale_by_outer_product


def belief_twin(g, n, *, learning_rate, b1, b2, eps):
    m = s = np.zeros_like(g[0])
    for t in range(1, n + 1):
        m = b1 * m + (1 - b1) * g[t - 1]
        s = b2 * s + (1 - b2) * (g[t - 1] - m) ** 2 + eps
        yield -learning_rate * m / (1 - b1**t) / (np.sqrt(s / (1 - b2**t)) + eps)


def sgd_anchored(learning_rate, period=5, share=0.5):
    return anchored(inner=optax.sgd(learning_rate), period=period, share=share)


def anchored_twin(g, n, *, params, learning_rate, period, share):
    slow = fast = params
    for t in range(1, n + 1):
        before, fast = fast, fast - learning_rate * g[t - 1]
        if t % period == 0:
            slow = fast = slow + share * (fast - slow)
        yield fast - before


def optax_factored(power):
    return optax.scale_by_factored_rms(decay_rate=power, min_dim_size_to_factor=2)


@testing.parametrize_with_checks([
    testing.Subject(
        belief, dict(learning_rate=0.1), twin=belief_twin, optax=optax.adabelief, slots=2
    ),
    testing.Subject(sgd_anchored, dict(learning_rate=0.1), twin=anchored_twin, slots=1),
    testing.Subject(
        scale_by_outer_product,
        dict(power=0.8),
        optax=optax_factored,
        slots=0.02,
        skip={"as_optax": "Optax computes this decay in float32 always"},
    ),
])
def test_contract(subject, check):
    check(subject)
"""
# One bug for each algorithm: what stands in the package, and what is written instead.
BUGS = {
    "the deviation is from the old mean": (
        "deviation(mean), ",
        "leafwise(mu=0.0)(lambda g, state, *, decay: "
        "(g - state.mu, dict(mu=decay * state.mu + (1 - decay) * g)))(b1), ",
    ),
    "the slow copy stays": ("slow=slow, ", "slow=state.slow, "),
    "rows and columns are exchanged": (
        "share[..., None] * column[..., None, :]",
        "share[..., None, :] * column[..., None]",
    ),
}
CAUGHT = {
    "belief-as_its_twin",
    "belief-as_optax",
    "belief-slots",  # its mean is kept twice
    "sgd_anchored-as_its_twin",
    "scale_by_outer_product-as_optax_in_float32",
    "scale_by_outer_product-update_dtypes",  # a matrix of another shape than its transpose
}
SOUND = {  # that the bugs leave alone
    "belief-runs",
    "belief-update_dtypes",
    "sgd_anchored-runs",
    "sgd_anchored-slots",
    "scale_by_outer_product-runs",
    "scale_by_outer_product-slots",
}


def run(folder, *tests):
    """The return code of pytest on a package, what it printed, and the tests that failed."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "--tb=short", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *tests], cwd=folder, env=environment, capture_output=True, text=True
    )
    failed = set(re.findall(r"^FAILED [^\[]*\[(.*?)\]", done.stdout, re.MULTILINE))
    return done.returncode, done.stdout + done.stderr, failed


def write(folder, package):
    for name, text in (FILES | {"src/strides/__init__.py": package}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.slow  # all checks; the next test runs some that pass
def test_the_package_passes(tmp_path):
    write(tmp_path, FILES["src/strides/__init__.py"])
    code, printed, _ = run(tmp_path)
    assert code == 0, printed


def test_planted_bugs_fail_the_checks_that_are_named_for_them(tmp_path):
    package = FILES["src/strides/__init__.py"]
    for right, wrong in BUGS.values():
        assert package.count(right) == 1
        package = package.replace(right, wrong)
    write(tmp_path, package)
    tests = [f"tests/test_strides.py::test_contract[{name}]" for name in sorted(CAUGHT | SOUND)]
    code, printed, failed = run(tmp_path, *tests)
    assert code == 1 and failed == CAUGHT, printed
    for name in failed:
        assert f"The check {name.split('-')[1]!r} expects: " in printed
