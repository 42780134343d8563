"""The slides of the lectures as equations: definitions in the lecture's own letters, on the left
the new value; a letter on the right is the new value where it is defined above, else the old one.

`isnt` is the variant that a slide is often taken for (epsilon on the other side of the root, the
rate on the other side of the velocity).
"""

import functools as ft
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lectopt

part = ft.partial


@dataclass(frozen=True)
class Slide:
    """`make` with its settings is the slide `lines`; `letters` are the slide's for Optax's names.

    `state` gives the slide's letters for the statistics.
    """

    id: str
    make: Any
    lines: str
    isnt: str
    letters: Mapping[str, str]
    state: Mapping[str, str]
    point: str = "theta"


MOMENTS = "m = b1*m + (1 - b1)*g; v = b2*v + (1 - b2)*g**2; "
HATS = "mhat = m/(1 - b1**t); vhat = v/(1 - b2**t); "
ADAM = dict(alpha="learning_rate", b1="b1", b2="b2", eps="eps")
NAMES = dict(m="mu", v="nu")

SLIDES = (
    Slide(
        "S0-31 CMU, momentum: the rate inside",
        lectopt.momentum,
        "D = beta*D - eta*g; theta = theta + D",
        "D = beta*D + g; theta = theta - eta*D",
        dict(eta="learning_rate", beta="decay"),
        dict(D="trace"),
    ),
    Slide(
        "S1-11 Liège, momentum",
        lectopt.momentum,
        "u = alpha*u - gamma*g; theta = theta + u",
        "u = alpha*u - gamma*(1 - alpha)*g; theta = theta + u",
        dict(gamma="learning_rate", alpha="decay"),
        dict(u="trace"),
    ),
    Slide(
        "S2-18 ISI, momentum: a moving average",
        part(lectopt.momentum, form="ema"),
        "v = beta*v + (1 - beta)*g; theta = theta - alpha*v",
        "v = beta*v + g; theta = theta - alpha*v",
        dict(alpha="learning_rate", beta="decay"),
        dict(v="trace"),
    ),
    Slide(
        "S4-20 STAT 479, PyTorch's momentum: the rate outside",
        part(lectopt.momentum, form="heavy_ball", dampening=0.3),
        "v = m*v + (1 - d)*g; W = W - eta*v",
        "v = m*v + eta*(1 - d)*g; W = W - v",
        dict(eta="learning_rate", m="decay", d="dampening"),
        dict(v="trace", W="theta"),
    ),
    Slide(
        "S0-34 CMU, Nesterov: the gradient where the velocity leads",
        part(lectopt.nesterov, form="look_ahead"),
        "D = beta*D - eta*g; theta = theta + D",
        "D = beta*D - eta*g; theta = theta + beta*D - eta*g",
        dict(eta="learning_rate", beta="decay"),
        dict(D="trace"),
        point="theta + beta*D",
    ),
    Slide(
        "S1-16 Liège, AdaGrad",
        part(lectopt.adagrad, initial_accumulator_value=0.0, eps_placement="outside"),
        "r = r + g**2; theta = theta - gamma/(delta + sqrt(r))*g",
        "r = r + g**2; theta = theta - gamma/sqrt(r + delta)*g",
        dict(gamma="learning_rate", delta="eps"),
        dict(r="sum_of_squares"),
    ),
    Slide(
        "S0-38 CMU, RMSProp: epsilon inside the root",
        lectopt.rmsprop,
        "E = gamma*E + (1 - gamma)*g**2; w = w - eta/sqrt(E + eps)*g",
        "E = gamma*E + (1 - gamma)*g**2; w = w - eta/(sqrt(E) + eps)*g",
        dict(eta="learning_rate", gamma="decay", eps="eps"),
        dict(E="nu", w="theta"),
    ),
    Slide(
        "S1-17 Liège, RMSProp: epsilon outside",
        part(lectopt.rmsprop, eps_placement="outside"),
        "r = rho*r + (1 - rho)*g**2; theta = theta - gamma/(delta + sqrt(r))*g",
        "r = rho*r + (1 - rho)*g**2; theta = theta - gamma/sqrt(delta + r)*g",
        dict(gamma="learning_rate", rho="decay", delta="eps"),
        dict(r="nu"),
    ),
    Slide(
        "S2-20 ISI, RMSProp: no epsilon",
        part(lectopt.rmsprop, eps=0.0),
        "S = beta*S + (1 - beta)*g**2;"
        "theta = theta - alpha*Piecewise((0, Eq(S, 0)), (g/sqrt(S), True))",
        "S = beta*S + (1 - beta)*g**2; theta = theta - alpha*g/(sqrt(S) + 1)",
        dict(alpha="learning_rate", beta="decay"),
        dict(S="nu"),
    ),
    Slide(
        "S0-40 CMU, Adam: epsilon inside the root",
        part(lectopt.adam, eps_placement="inside"),
        MOMENTS + HATS + "theta = theta - alpha/sqrt(vhat + eps)*mhat",
        MOMENTS + HATS + "theta = theta - alpha/(sqrt(vhat) + eps)*mhat",
        ADAM,
        NAMES,
    ),
    Slide(
        "S1-18 Liège, Adam: epsilon outside",
        lectopt.adam,
        MOMENTS + HATS + "theta = theta - alpha*mhat/(eps + sqrt(vhat))",
        MOMENTS + "theta = theta - alpha*sqrt(1 - b2**t)/(1 - b1**t)*m/(sqrt(v) + eps)",
        ADAM,
        NAMES,
    ),
    Slide(
        "S3-17 TTIC 31230, Adam: as the author meant it, dividing by 1 - b^t",
        lectopt.adam,
        MOMENTS + "theta = theta - alpha/(sqrt(v/(1 - b2**t)) + eps)*m/(1 - b1**t)",
        MOMENTS + "theta = theta - alpha/(sqrt((1 - b2**t)*v) + eps)*(1 - b1**t)*m",
        ADAM,
        NAMES,
    ),
    Slide(
        "Keras, Adam: epsilon joins before the correction",
        part(lectopt.adam, eps_placement="uncorrected"),
        MOMENTS + "theta = theta - alpha*sqrt(1 - b2**t)/(1 - b1**t)*m/(sqrt(v) + eps)",
        MOMENTS + HATS + "theta = theta - alpha*mhat/(sqrt(vhat) + eps)",
        ADAM,
        NAMES,
    ),
    Slide(
        "S2-07 ISI, weight decay: it is not the gradient's, in Adam",
        part(lectopt.adamw, weight_decay=0.1),
        MOMENTS + HATS + "theta = theta - alpha*(mhat/(sqrt(vhat) + eps) + lam*theta)",
        MOMENTS.replace("*g", "*(g + lam*theta)")
        + HATS
        + "theta = theta - alpha*mhat/(sqrt(vhat) + eps)",
        ADAM | dict(lam="weight_decay"),
        NAMES,
    ),
    Slide(
        "Kingma and Ba, AdaMax",
        part(lectopt.adamax, eps_placement="none"),
        "m = b1*m + (1 - b1)*g; u = Max(b2*u, Abs(g));"
        "theta = theta - alpha/(1 - b1**t)*Piecewise((0, Eq(u, 0)), (m/u, True))",
        "m = b1*m + (1 - b1)*g; u = Max(b2*u, Abs(g)); theta = theta - alpha*m/(u + 1)",
        dict(alpha="learning_rate", b1="b1", b2="b2"),
        dict(m="mu", u="nu"),
    ),
    Slide(
        "Zeiler, AdaDelta",
        part(lectopt.adadelta, learning_rate=1.0),
        "E = rho*E + (1 - rho)*g**2; dx = sqrt(X + eps)/sqrt(E + eps)*g;"
        "X = rho*X + (1 - rho)*dx**2; theta = theta - dx",
        "E = rho*E + (1 - rho)*g**2; dx = (sqrt(X) + eps)/(sqrt(E) + eps)*g;"
        "X = rho*X + (1 - rho)*dx**2; theta = theta - dx",
        dict(rho="rho", eps="eps"),
        dict(E="e_g", X="e_x"),
    ),
)
