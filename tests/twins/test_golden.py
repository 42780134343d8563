"""The twins against pinned numbers and runs worked by hand."""

import numpy as np
import pytest

from tests.support import twins as T

# Golden runs: theta_0 = 1, these four gradients and rates. The numbers come from other code.
G, ETA = (1.0, -2.0, 0.5, 0.5), (0.1, 0.1, 0.05, 0.05)

GOLDEN = """\
momentum_inside          0.900000000000000 1.010000000000000 1.084000000000000 1.125600000000000
momentum_outside         0.900000000000000 1.010000000000000 1.034500000000000 1.031550000000000
momentum_torch           0.900000000000000 1.010000000000000 1.034500000000000 1.031550000000000
momentum_ema             0.990000000000000 1.001000000000000 1.003450000000000 1.003155000000000
momentum_ema_corrected   0.900000000000000 0.957894736842105 0.966935327248009 0.966077519745828
momentum_original d=.5   0.950000000000000 1.005000000000000 1.042000000000000 1.062800000000000
momentum_outside d=.5    0.950000000000000 1.005000000000000 1.017250000000000 1.015775000000000
momentum_torch d=.5      0.900000000000000 0.910000000000000 0.902000000000000 0.882300000000000
rmsprop_inside           0.683772249794549 0.969486532593383 0.932864112029512 0.895362237310813
rmsprop_outside          0.683772243983162 0.969486525615815 0.932864105195480 0.895362230617400
rmsprop_torch alpha=.9   0.683772243983162 0.969486525615815 0.932864105195480 0.895362230617400
rmsprop_bare             0.683772233983162 0.969486519697448 0.932864098740632 0.895362223599996
rmsprop_inside gamma=.99 0.000000499999625 0.895323372359609 0.785586619793967 0.677886011824904
rmsprop_outside rho=.99  0.000000099999990 0.895323021991522 0.785586263671005 0.677885650347592
adagrad_outside delta=1e-8 0.900000001000000 0.989442719699992 0.978531825235811 0.967871789463485
adam_cmu                 0.900000000500000 0.936610353130386 0.943444886263397 0.942713145777715
adam_liege               0.900000001000000 0.936610353472075 0.943444886572948 0.942713146090846
adam_kingma              0.900000001000000 0.936610353472075 0.943444886572948 0.942713146090846
adam_keras               0.900000316226766 0.936610617150388 0.943445140864997 0.942713401364340
local_gains increment=.1 decrement=.1 0.9 1.08 1.05975 1.037"""

GOLDEN_NESTEROV = """\
nesterov_lookahead       0.900000000000000 0.756855900000000 0.615641001814591 0.482717296975762
nesterov_two_stage       0.900000000000000 0.756855900000000 0.615641001814591 0.482717296975763
nesterov_shifted         0.810000000000000 0.628026210000000 0.488547593447723 0.363085962620817
nesterov_simplified      0.810000000000000 0.628026210000000 0.546520953947723 0.468805329861126"""

# The same gradients and rates twice over, updates 5 to 8, printed in float64 by torch 2.13.0 (rows
# to adamw) and optax 0.2.8.
FRAMEWORKS = """\
nadam_torch 0.908780983532 0.996149014463 0.985835384548 0.973910862999
nadam_torch psi=.5 0.911444481081 0.991763783790 0.982750699578 0.972214297219
radam b2=.9 0.940361420017 0.944616044260 0.945765269738 0.945469268380
radam b2=.9 eps=.1 0.940361420017 0.944199714049 0.945232715422 0.944967615537
asgd_torch lambd=.1 0.935874016628 1.119665306214 1.061085454011 1.031551938300
asgd_torch lambd=.1 alpha=2 0.936894621628 1.109802606920 1.055425581226 1.027161558349
amsgrad_torch b2=.5 0.921635564758 0.935906292265 0.938639470687 0.938091108332
adadelta rho=.9 0.999687718700 1.000113868056 1.000048571347 0.999982627572
rmsprop_torch mu=.9 centered=1 -1.112044778585 -1.185513978936 -1.296037952884 -1.472426849661
adamax_torch eps=.1 0.928277313192 0.938970787887 0.941012801531 0.940603503582
irprop_minus 0.718000000000 0.718000000000 0.682000000000 0.638800000000
adam_l2 wd=.1 0.899452098218 0.909449465018 0.909173421098 0.904529288758
adamw wd=.1 0.882917540389 0.891061299073 0.890063144850 0.884881088644
rmsprop_centered corrected=1 eps=.1 0.685245463879 0.831752159299 0.812030208538 0.790840280927
rmsprop_momentum_inside centered=1 eps=.1 .680346070113 .754892567924 .795454189455 .804615195526
rmsprop_nesterov 0.192029067766 0.438937982252 0.412471688949 0.358598452247
rmsprop_momentum_inside eps=1e-8 0.375659824969 0.408964118276 0.410810208104 0.383330336600
rmsprop_corrected 0.892979631107 1.041474644786 1.021158229752 0.999166009832
nadam_optax 0.894246286737 0.940227345949 0.939210326856 0.934853584546
amsgrad_optax b2=.5 0.923302677577 0.936267826539 0.938741160682 0.938245905293
radam b2=.9 eps=.1 place=outside 0.940361420017 0.944321982421 0.945384834533 0.945112766676"""

# Rprop by hand: these gradients, Delta_0 = 0.1, start 0; iRprop+ with E growing, then falling.
SIGNS = (1.0, 1.0, -1.0, -1.0, 1.0)
RPROP = [
    (T.rprop_minus, {}, (-0.1, -0.22, -0.16, -0.088, -0.124)),
    (T.rprop_plus, {}, (-0.1, -0.22, -0.1, -0.04, -0.1)),
    (T.irprop_minus, {}, (-0.1, -0.22, -0.22, -0.16, -0.16)),
    (T.irprop_plus, {"value": lambda w, t: t}, (-0.1, -0.22, -0.1, -0.04, -0.1)),
    (T.irprop_plus, {"value": lambda w, t: -t}, (-0.1, -0.22, -0.22, -0.16, -0.16)),
]


def assert_same(a, b, tol=1e-13):
    np.testing.assert_allclose(a, b, rtol=tol, atol=tol)


def assert_golden(line, grad, steps=4, atol=2e-15):
    """Run the line `twin name=value ... four numbers` and compare the last four points."""
    name, *words = line.split()
    pairs = [word.split("=") for word in words[:-4]]
    kwargs = {k: v if v.isalpha() else float(v) for k, v in pairs}
    path = getattr(T, name)([1.0], grad, lambda t: ETA[t % 4], steps, **kwargs)
    np.testing.assert_allclose(path[-4:, 0], [float(x) for x in words[-4:]], rtol=0, atol=atol)


@pytest.mark.parametrize("line", GOLDEN.splitlines())
def test_golden(line):
    assert_golden(line, lambda theta, t: np.array([G[t]]))


@pytest.mark.parametrize("line", GOLDEN_NESTEROV.splitlines())
def test_golden_nesterov_on_a_cubic_gradient(line):
    assert_golden(line, lambda theta, t: theta**3)


@pytest.mark.parametrize("line", FRAMEWORKS.splitlines())
def test_golden_frameworks(line):
    assert_golden(line, lambda theta, t: np.array([G[t % 4]]), steps=8, atol=1e-12)


@pytest.mark.parametrize(("gamma", "expected"), [(3, (1, 1.8, 2.6, 3.4)), (0, (1, 1.5, 2, 2.5))])
def test_golden_polynomial_average(gamma, expected):
    average = T.polynomial_average(np.array([[1.0], [2.0], [3.0], [4.0]]), gamma=gamma)
    assert_same(average[:, 0], expected)


@pytest.mark.parametrize(("twin", "kwargs", "expected"), RPROP)
def test_rprop_by_hand(twin, kwargs, expected):
    path = twin([0.0], lambda w, t: np.array([SIGNS[t]]), lambda t: 0.1, 5, **kwargs)
    assert_same(path[:, 0], expected)


def test_rprop_clips_the_first_step_and_every_other():
    for twin in (T.rprop_minus, T.rprop_plus, T.irprop_minus):
        path = twin([0.0], lambda w, t: np.ones(1), lambda t: 100.0, 3, Delta_max=2.0)
        assert_same(path[:, 0], [-2, -4, -6])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (T.step_decay(np.arange(5), init=8, every=2), (8, 8, 4, 4, 2)),
        (T.halving(np.arange(4), init=8), (8, 4, 2, 1)),
        (T.exponential_decay(np.arange(3), init=8, k=np.log(2)), (8, 4, 2)),
        (T.exponential_lr(np.arange(4), init=0.1, every=2), (0.1, 0.1, 0.01, 0.01)),
        (T.staircase_exponential(np.arange(5), init=4, k=np.log(2), every=2), (4, 4, 1, 1, 0.25)),
        (
            T.staircase_exponential(np.arange(4), init=4, k=np.log(2), every=2, late=True),
            (4, 4, 4, 1),
        ),
        (T.lambda_lr(np.array([0, 29, 30]), init=2, factor=lambda e: e // 30), (0, 0, 2)),
        (T.inverse_time_decay(np.arange(3), init=6, k=1), (6, 3, 2)),
        (T.power_decay(np.arange(3), init=6), (6, 3, 2)),
        (T.power_decay(np.arange(4), init=6, power=0.5)[[0, 3]], (6, 3)),
        (T.inverse_strong_convexity(np.arange(3), lam=0.5), (2, 1, 2 / 3)),
        (T.triangular(np.arange(6), base=1, peak=3, half=2), (1, 2, 3, 2, 1, 2)),
        (T.cosine_decay(np.arange(6), init=3, total=4, end=1)[[0, 2, 4, 5]], (3, 2, 1, 1)),
        (T.cosine_restarts(np.arange(5), init=2, total=8, cycles=2)[[0, 2, 4]], (2, 1, 2)),
        (T.warmup(np.arange(4), peak=2, total=2), (0, 1, 2, 2)),
    ],
)
def test_schedules(values, expected):
    assert_same(values, expected)
