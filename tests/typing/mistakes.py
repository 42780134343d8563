"""Calls that a type checker must refuse, each on its line: where it does not, the comment that
lets it pass is reported as unnecessary. `test_typing` sees that running them fails too."""

import jax.numpy as jnp

import lectopt
from lectopt import averaging, dialects, lectures, schedules
from lectopt.dialects import keras, optax, papers, torch

# Optimizers.
lectopt.adam("1e-3")  # pyright: ignore[reportArgumentType]
lectopt.adam()  # pyright: ignore[reportCallIssue]
lectopt.adam(1e-3, eps_placement="insde")  # pyright: ignore[reportArgumentType]
lectopt.adam(1e-3, beta1=0.9)  # pyright: ignore[reportCallIssue]
lectopt.sgd(0.1, momentum="0.9")  # pyright: ignore[reportArgumentType]
lectopt.lookahead(lectopt.adam)  # pyright: ignore[reportArgumentType]
lectopt.prodigy(1.0, d_coeff=1.0)  # pyright: ignore[reportCallIssue]
# Primitives.
lectopt.ema(decya=0.9)  # pyright: ignore[reportCallIssue]
lectopt.ema()  # pyright: ignore[reportCallIssue]
lectopt.ema([0.9])  # pyright: ignore[reportArgumentType]
lectopt.clip_by_norm("1")  # pyright: ignore[reportArgumentType]
lectopt.scale_by_rprop(0.1, variant="irprop")  # pyright: ignore[reportArgumentType]
lectopt.bias_correction(0.9, 1.0, 2.0, 3.0)  # pyright: ignore[reportCallIssue]
# Schedules.
lectopt.cosine_decay(0.1, stesp=100)  # pyright: ignore[reportCallIssue]
lectopt.cosine_decay(0.1)  # pyright: ignore[reportCallIssue]
lectopt.warmup("0.1", 100)  # pyright: ignore[reportArgumentType]
lectopt.scale_learning_rate(0.1, 64, lambda count: 32)  # pyright: ignore[reportArgumentType]
schedules.scaled(lectopt.constant(1.0))  # pyright: ignore[reportCallIssue]
# Controls.
lectopt.reduce_on_plateau(mode="mni")  # pyright: ignore[reportArgumentType]
lectopt.reduce_on_plateau(factor="0.1")  # pyright: ignore[reportArgumentType]
lectopt.average_params("polynomial")  # pyright: ignore[reportArgumentType]
lectopt.swats(1e-3, swich_tol=1e-5)  # pyright: ignore[reportCallIssue]
lectopt.monitor(lectopt.adam)  # pyright: ignore[reportArgumentType]
# Averages.
averaging.polynomial_decay("3")  # pyright: ignore[reportArgumentType]
averaging.exponential()  # pyright: ignore[reportCallIssue]
# Combinators.
lectopt.chain(lectopt.adam)  # pyright: ignore[reportArgumentType]
lectopt.root(lectopt.mean_square(0.9), "1e-8")  # pyright: ignore[reportArgumentType]
lectopt.ratio(lectopt.identity())  # pyright: ignore[reportCallIssue]
lectopt.debiased(0.9)  # pyright: ignore[reportArgumentType]
# Lectures.
lectures.cmu11785.adam(delta="0.9")  # pyright: ignore[reportArgumentType]
lectures.cmu11785.plateau(lambda count: 10.0)  # pyright: ignore[reportArgumentType]
lectures.liege.momentum(alpha=0.1)  # pyright: ignore[reportCallIssue]
lectures.isi.gradient_clipping("1")  # pyright: ignore[reportArgumentType]
lectures.ttic31230.rmsprop()  # pyright: ignore[reportCallIssue]
lectures.stat479.triangular(0.1, 1.0)  # pyright: ignore[reportCallIssue]
lectures.misprints.add_constant("1")  # pyright: ignore[reportArgumentType]
# Dialects.
torch.Adam(learning_rate=1e-3)  # pyright: ignore[reportCallIssue]
torch.Adam(betas=0.9)  # pyright: ignore[reportArgumentType]
torch.CyclicLR(0.1, 1.0, mode="triangle")  # pyright: ignore[reportArgumentType]
keras.Adam(lr=1e-3)  # pyright: ignore[reportCallIssue]
keras.CosineDecay("1e-3", 100)  # pyright: ignore[reportArgumentType]
optax.adam("1e-3")  # pyright: ignore[reportArgumentType]
papers.adam(aplha=1e-3)  # pyright: ignore[reportCallIssue]
dialects.porting.debiased(0.1)  # pyright: ignore[reportCallIssue]
# The rest.
lectopt.port(lectopt.adam(1e-3), "pytorch")  # pyright: ignore[reportArgumentType]
lectopt.adamm(1e-3)  # pyright: ignore[reportAttributeAccessIssue]
lectopt.adam(1e-3).updaet(jnp.ones(2))  # pyright: ignore[reportAttributeAccessIssue]
