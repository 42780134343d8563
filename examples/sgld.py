"""Samples of a posterior by Langevin dynamics, beside the exact one.

SGLD is SGD with the noise that makes its iterates samples of `exp(-loss / temperature)` (TTIC,
S3-22; Welling and Teh 2011). For Bayesian linear regression the posterior is known, so that the
samples can be judged: their means and standard deviations are to be those of the formula.

    python examples/sgld.py
"""

import jax.numpy as jnp
import numpy as np

import lectopt
from lectopt import Problem, fit

NOISE, PRIOR = 0.5, 1.0  # standard deviations: of the observations, of a weight before them


def main(samples: int = 100, steps: int = 20_000, rate: float = 2e-2) -> dict[str, np.ndarray]:
    """Means and standard deviations, of the samples and of the posterior."""
    random = np.random.default_rng(0)
    x = random.normal(size=(samples, 2)).astype(np.float32) @ [[1.0, 0.8], [0.0, 0.6]]
    y = x @ [1.0, -0.5] + NOISE * random.normal(size=samples)
    data = {"train": (x.astype(np.float32), y.astype(np.float32))}

    def negative_log_posterior(params, batch, key):
        """Divided by the number of samples; so is the temperature. What is named is recorded."""
        x, y = batch
        w = params["w"]
        each = (x @ w - y) ** 2 / (2 * NOISE**2) + w @ w / (2 * PRIOR**2 * samples)
        return each, {"w0": w[0], "w1": w[1]}

    problem = Problem(lambda key: {"w": jnp.zeros(2)}, negative_log_posterior, data)
    run = fit(problem, lambda key: lectopt.sgld(rate, 1 / samples, key=key), steps, seed=0)
    chain = run.history[["w0", "w1"]].to_numpy()[steps // 10 :]  # but for its beginning

    precision = x.T @ x / NOISE**2 + np.eye(2) / PRIOR**2
    covariance = np.linalg.inv(precision)
    mean = covariance @ x.T @ y / NOISE**2
    found = {
        "mean": chain.mean(axis=0),
        "exact mean": mean,
        "sd": chain.std(axis=0),
        "exact sd": np.sqrt(np.diag(covariance)),
        "correlation": np.corrcoef(chain.T)[0, 1],
        "exact correlation": covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]),
    }
    for name, value in found.items():
        print(f"{name:18} {np.round(value, 4)}")
    return found


if __name__ == "__main__":
    main()
