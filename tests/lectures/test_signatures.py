"""The arguments of `lectopt.lectures` are the slides' letters, and the docs list them."""

import inspect
from pathlib import Path

import pytest

from lectopt.lectures import cmu11785 as cmu
from lectopt.lectures import isi, stat479, ttic31230
from tests.support.lecture_runs import LECTURES, functions

# "..." in a comment is the slide; where it gives no number, the docstring says whose it is.
SIGNATURES = {
    "cmu11785": """
        rprop(Delta_0, eta_minus=0.5, eta_plus=1.2, Delta_min=1e-06, Delta_max=50.0)
        sgd(eta)
        one_over_k(eta)
        one_over_sqrt_k(eta)
        one_over_lambda_t(lambda_)
        polynomial_decay_averaging(gamma=3.0)         # S0-19 "e.g. gamma = 3"
        plateau(factor=10.0, patience=10)             # S0-30 "e.g. 10"
        momentum(eta, beta=0.9)                       # S0-31 "typical beta value is 0.9"
        nesterov(eta, beta=0.9, *, form='shifted')
        rmsprop(eta=0.001, gamma=0.9, epsilon=1e-08, *, literal=False, steps_per_epoch=None)
        adam(eta=0.001, delta=0.9, gamma=0.999, epsilon=1e-08)  # S0-42 "typical params"
    """,
    "liege": """
        gradient_descent(gamma)
        sgd(gamma)
        wolfe_line_search(c_1=0.0001, c_2=0.9)        # S1-07 "c_1 = 10^-4 and c_2 = 0.9"
        momentum(gamma, alpha=0.9)                    # S1-12 "usually, alpha = 0.9"
        nesterov(gamma, alpha=0.9, *, form='shifted')
        adagrad(gamma=0.01, delta=1e-08)              # S1-16 "gamma = 0.01 as default"
        rmsprop(gamma, rho=0.9, delta=1e-08)
        adam(gamma, rho_1=0.9, rho_2=0.999, delta=1e-08)  # S1-18 "good defaults"
        step_decay(gamma_0, factor=0.5, every=10, steps_per_epoch=1)  # S1-22 "half every 10 epochs"
        exponential_decay(gamma_0, k, steps_per_epoch=1)
        one_over_t_decay(gamma_0, k, steps_per_epoch=1)
    """,
    "isi": """
        l2_regularization(lambda_, m, mask=None)
        weight_decay(alpha, lambda_, m, *, literal=False)
        gradient_clipping(threshold, by='norm')
        gradient_descent(alpha)
        moving_average(beta=0.9)
        momentum(alpha, beta=0.9, *, bias_correction=False)  # S2-18 "not important in this case"
        rmsprop(alpha, beta=0.9, epsilon=1e-08, *, literal=False)
        adam(alpha, beta_1=0.9, beta_2=0.999, epsilon=1e-08)  # S2-21 "alpha needs to be tuned"
        gradual_unfreezing(steps, inner)
    """,
    "ttic31230": """
        vanilla_sgd(eta)
        running_average(N)
        rmsprop(eta, beta=0.99, epsilon=1e-08, *, eps_placement='inside', literal=False)  # S3-13
        momentum(eta, mu=0.9, *, parameterization='standard')  # S3-14 "typically mu = .9"
        adam(lr, beta_1=0.9, beta_2=0.999, epsilon=1e-08, *, eps_placement='outside', \
literal=False, t_0=0)                                          # S3-17 "pytorch default"
        learning_rate_scaling(eta_1, B)
        sgd_as_mcmc(eta)
        cosine_restarts(T, M=6, alpha_0=0.1)          # S3-22, the figure
        statistical_1d(L, K=50, epsilon=0.0, *, literal=False)
        statistical(lambda_eta, lambda_B=16.0, K=50, epsilon=0.0, *, literal=False)  # S3-28: 16
    """,
    "stat479": """
        exponential_decay(eta_0, k, steps_per_epoch=1)
        halving(eta_0, every=1, steps_per_epoch=1, *, literal=False)
        inverse_decay(eta_0, k, steps_per_epoch=1)
        triangular(base_lr, max_lr, stepsize)
        adjust_learning_rate(initial_lr, decay_rate, steps_per_epoch=1, *, literal=False)
        LambdaLR(initial_lr, lr_lambda, steps_per_epoch=1)
        ExponentialLR(lr=0.1, gamma=0.1, steps_per_epoch=1)  # S4-15 "lr=0.1", "gamma=0.1"
        momentum(eta, alpha=0.9)                      # S4-17 "between 0.9 and 0.999"
        SGD(lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, *, literal=False)
        original_momentum(lr, momentum=0.0, dampening=0.0)
        nesterov(eta, alpha=0.9, *, form='shifted')
        local_gains(eta, beta=0.05, *, literal=False)
        rmsprop(eta, beta=0.9, epsilon=1e-08)         # S4-24 "between 0.9 and 0.999"
        adam(alpha=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-08, *, literal=False)  # S4-26
        swats(alpha=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-09, *, switch_tol=1e-09, \
relative=False, min_adam_steps=2)                     # S4-31, the paper
    """,
}


@pytest.mark.parametrize("name", LECTURES)
def test_arguments_and_defaults_are_the_slides(name):
    def shown(function):
        parameters = inspect.signature(function).parameters.values()
        bare = [p.replace(annotation=p.empty) for p in parameters]
        return function.__name__ + str(inspect.Signature(bare))

    written = [line.split("#")[0].strip() for line in SIGNATURES[name].strip().splitlines()]
    assert sorted(map(shown, functions(LECTURES[name]).values())) == sorted(written)


@pytest.mark.parametrize("name", LECTURES)
def test_every_function_has_its_source_and_its_row_in_the_docs(name):
    page = (Path(__file__).parents[2] / "docs" / "lectures.md").read_text("utf-8")
    ours = page.partition(f"`lectopt.lectures.{name}`")[2].partition("\n## ")[0]
    for function, value in functions(LECTURES[name]).items():
        assert "Source: S" in (value.__doc__ or "")
        assert f"`{function}" in ours, f"{name}.{function} is not in docs/lectures.md"
        for argument in inspect.signature(value).parameters:
            assert f"`{argument}`" in ours, f"{argument} of {name}.{function} is not there"


def test_errors_speak_the_lectures_letters():
    with pytest.raises(ValueError, match=r"adam: delta must lie in \[0, 1\)"):
        cmu.adam(delta=1.5)
    with pytest.raises(ValueError, match="literal=True and steps_per_epoch go together"):
        cmu.rmsprop(literal=True)
    with pytest.raises(ValueError, match="literal=True and steps_per_epoch go together"):
        cmu.rmsprop(steps_per_epoch=10)
    with pytest.raises(ValueError, match="weight_decay: m must lie in"):
        isi.weight_decay(0.1, 1.0, 0)
    with pytest.raises(ValueError, match="nesterov needs a momentum and no dampening"):
        stat479.SGD(0.1, nesterov=True)
    with pytest.raises(ValueError, match="eta must be constant"):
        ttic31230.sgd_as_mcmc(lambda count: 0.1)
    with pytest.raises(TypeError, match=r"momentum\(eta, beta=0.9\)"):
        cmu.momentum(gamma=0.1)
