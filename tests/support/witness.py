"""One problem with leaves of several shapes, for the twins and for Optax beside them."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS, LATE = 60, 15
RATES = 0.05 * (1 + 0.5 * np.cos(np.arange(STEPS))) / (1 + 0.1 * np.arange(STEPS))
SHAPES = ((), (5,), (7, 6), (2, 4, 3), (6,))


class Run:
    """A noisy quadratic on these leaves: some weights never have a gradient, some only late.

    With `alive`, all of them always have one.
    """

    def __init__(self, *shapes, alive=False):
        rng = np.random.default_rng(3)
        self.start = [rng.normal(size=shape) for shape in shapes]
        self.curvature = [rng.uniform(0.5, 2.0, size=shape) for shape in shapes]
        self.noise = [0.5 * rng.normal(size=(STEPS, *shape)) for shape in shapes]
        self.live = [np.ones((STEPS, *shape)) for shape in shapes]
        if alive:
            return
        for live in self.live:
            match live.shape[1:]:
                case (6,):
                    live[:LATE] = 0  # a whole leaf
                case (_,):
                    live[:, 3] = live[:LATE, 4] = 0
                case (_, _):
                    live[:, 2, :] = live[:, :, 1] = live[:LATE, 4, 2] = 0  # rows and columns

    def twin(self, rule, rate=RATES.__getitem__, **kwargs):
        """The path of a twin that takes leaves."""

        def grad(leaves, t):
            return [
                live[t] * (c * leaf + noise[t])
                for leaf, c, noise, live in zip(
                    leaves, self.curvature, self.noise, self.live, strict=True
                )
            ]

        return rule(self.start, grad, rate, STEPS, **kwargs)

    def twin_of_weights(self, rule, rate=RATES.__getitem__, **kwargs):
        """The path of a twin that takes one vector: all leaves, one after the other."""

        def flat(leaves, lead=()):
            return np.concatenate([leaf.reshape(*lead, -1) for leaf in leaves], axis=-1)

        curvature = flat(self.curvature)
        noise, live = flat(self.noise, (STEPS,)), flat(self.live, (STEPS,))
        path = rule(
            flat(self.start),
            lambda x, t: live[t] * (curvature * x + noise[t]),
            rate,
            STEPS,
            **kwargs,
        )
        ends = np.cumsum([leaf.size for leaf in self.start])[:-1]
        return [
            [part.reshape(leaf.shape) for part, leaf in zip(parts, self.start, strict=True)]
            for parts in (np.split(row, ends) for row in path)
        ]

    def optax(self, tx, pair=False):
        """The path of an Optax optimizer; `pair`: it wants fast and slow weights."""

        @jax.jit
        def run(start, curvature, noise, live):
            def step(carry, now):
                params, state = carry
                at = params.fast if pair else params
                grads = jax.tree.map(lambda x, c, n, on: on * (c * x + n), at, curvature, *now)
                updates, state = tx.update(grads, state, params)
                params = optax.apply_updates(params, updates)
                return (params, state), params

            params = optax.LookaheadParams.init_synced(start) if pair else start
            return jax.lax.scan(step, (params, tx.init(params)), (noise, live))[1]

        return run(self.start, self.curvature, self.noise, self.live)


TREE = Run(*SHAPES)


def schedule(count):
    return jnp.asarray(RATES)[count]


def assert_close(path, expected, rtol=1e-10, atol=1e-12):
    assert all(leaf.dtype == jnp.float64 for leaf in expected)
    for i, leaf in enumerate(expected):
        np.testing.assert_allclose(np.array([row[i] for row in path]), leaf, rtol=rtol, atol=atol)
