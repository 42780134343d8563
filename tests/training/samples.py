"""Ninety samples of three classes of different sizes."""

import numpy as np

LABELS = np.repeat([0, 1, 2], [50, 31, 9])
X = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
DATA = {"train": (X[:60], LABELS[:60]), "validation": (X[60:], LABELS[60:])}
