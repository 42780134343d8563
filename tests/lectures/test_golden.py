"""The lectures against pinned numbers, from code that is neither the library nor the twins."""

import jax.numpy as jnp
import numpy as np
import pytest

import lectopt
from lectopt.lectures import cmu11785 as cmu
from lectopt.lectures import liege, stat479
from tests.support.lecture_runs import built, x64
from tests.support.training import train

# theta_0 = 1, gradients 1, -2, .5, .5, rates .1, .1, .05, .05.
G, GOLDEN_RATES = (1.0, -2.0, 0.5, 0.5), (0.1, 0.1, 0.05, 0.05)
GOLDEN = """
cmu.momentum(rate)         0.900000000000000 1.010000000000000 1.084000000000000 1.125600000000000
liege.momentum(rate)       0.900000000000000 1.010000000000000 1.084000000000000 1.125600000000000
ttic.momentum(rate)        0.900000000000000 1.010000000000000 1.084000000000000 1.125600000000000
stat.momentum(rate)        0.900000000000000 1.010000000000000 1.084000000000000 1.125600000000000
stat.SGD(rate,.9)          0.900000000000000 1.010000000000000 1.034500000000000 1.031550000000000
isi.momentum(rate)         0.990000000000000 1.001000000000000 1.003450000000000 1.003155000000000
isi.momentum(rate,bias_correction=True) 0.9 0.957894736842105 0.966935327248009 0.966077519745828
stat.original_momentum(rate,.9,.5) 0.95     1.005000000000000 1.042000000000000 1.062800000000000
stat.SGD(rate,.9,.5,literal=True)  0.95     1.005000000000000 1.017250000000000 1.015775000000000
stat.SGD(rate,.9,.5)       0.900000000000000 0.910000000000000 0.902000000000000 0.882300000000000
cmu.rmsprop(rate)          0.683772249794549 0.969486532593383 0.932864112029512 0.895362237310813
liege.rmsprop(rate)        0.683772243983162 0.969486525615815 0.932864105195480 0.895362230617400
isi.rmsprop(rate,literal=True) .683772233983162 .969486519697448 0.932864098740632 0.895362223599996
ttic.rmsprop(rate)         0.000000499999625 0.895323372359609 0.785586619793967 0.677886011824904
ttic.rmsprop(rate,eps_placement="outside") .00000009999999 .895323021991522 .785586263671005 \
0.677885650347592
ttic.rmsprop(rate,literal=True) -999 -997.000000999999202 -997.111916359044244 -997.221653111609839
stat.rmsprop(rate)         0.683772243983162 0.969486525615815 0.932864105195480 0.895362230617400
liege.adagrad(rate)        0.900000001000000 0.989442719699992 0.978531825235811 0.967871789463485
cmu.adam(rate)             0.900000000500000 0.936610353130386 0.943444886263397 0.942713145777715
isi.adam(rate)             0.900000000500000 0.936610353130386 0.943444886263397 0.942713145777715
liege.adam(rate)           0.900000001000000 0.936610353472075 0.943444886572948 0.942713146090846
stat.adam(rate)            0.900000001000000 0.936610353472075 0.943444886572948 0.942713146090846
ttic.adam(rate)            0.900000001000000 0.936610353472075 0.943444886572948 0.942713146090846
ttic.adam(rate,literal=True,eps_placement="inside",t_0=1) 0.004962809790012 0.665779692629968 \
0.833205508995184 0.811542742881541
ttic.adam(rate,literal=True,eps_placement="inside") 1 1.491492810396237 1.635198795801498 \
1.615493684368562
stat.adam(rate,literal=True) -8.999900000999984 -6.799464314734106 -6.093897526258644 \
-5.714941742495377
stat.local_gains(rate,.1)  0.900000000000000 1.080000000000000 1.059750000000000 1.037000000000000
"""
GOLDEN_NESTEROV = (0.9, 0.7568559, 0.615641001814591, 0.482717296975762)  # g = theta^3
GOLDEN_NESTEROV_SHIFTED = (0.81, 0.62802621, 0.488547593447723, 0.363085962620817)


def golden_path(tx, grad):
    return np.asarray(train(tx, jnp.ones(1), grad, 4))[:, 0]


def golden_rate(count):
    return jnp.asarray(GOLDEN_RATES)[count]


@x64
@pytest.mark.parametrize("line", GOLDEN.strip().splitlines(), ids=lambda line: line.split()[0])
def test_golden(line):
    call, *numbers = line.split()
    ours = golden_path(built(call, rate=golden_rate), lambda x, t: jnp.asarray(G)[t] + 0 * x)
    np.testing.assert_allclose(ours, [float(x) for x in numbers], rtol=2e-14, atol=1e-15)


@x64
@pytest.mark.parametrize("lecture", [cmu, liege, stat479], ids=lambda module: module.__name__)
def test_golden_nesterov(lecture):
    for form, numbers in dict(look_ahead=GOLDEN_NESTEROV, shifted=GOLDEN_NESTEROV_SHIFTED).items():
        ours = golden_path(lecture.nesterov(golden_rate, form=form), lambda x, t: x**3)
        np.testing.assert_allclose(ours, numbers, rtol=0, atol=1e-15)


@x64
@pytest.mark.parametrize("gamma, numbers", [(3, (1, 1.8, 2.6, 3.4)), (0, (1, 1.5, 2, 2.5))])
def test_golden_polynomial_decay_averaging(gamma, numbers):
    tx = lectopt.chain(cmu.sgd(1.0), cmu.polynomial_decay_averaging(gamma))
    w, state = jnp.zeros(1), tx.init(jnp.zeros(1))
    for number in numbers:  # of w = 1, 2, 3, 4
        updates, state = tx.update(-jnp.ones(1), state, w)
        w = w + updates
        np.testing.assert_allclose(lectopt.evaluation_params(state, w), [number], rtol=1e-14)
