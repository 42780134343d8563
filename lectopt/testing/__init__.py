"""What every transformation promises, as checks that run over anybody's.

`parametrize_with_checks` and `check_transformation` are to optimizers what scikit-learn's
`parametrize_with_checks` and `check_estimator` are to estimators. A check is a function
`check(subject)` that raises an `AssertionError` which says what was wrong and what is expected.
"""

import sys as _sys

# Checks run in the order of these imports, which is why they are not sorted: the first to fail is
# then the plainest.
# isort: off
from lectopt.testing import types_kept, leaves, values, references, tracing, derivatives
from lectopt.testing import storage, wrappers, frameworks, sharding, cost

# isort: on
from lectopt.display import offer as _offer
from lectopt.testing.registry import CHECKS
from lectopt.testing.running import check_transformation, parametrize_with_checks
from lectopt.testing.subject import Subject

__all__ = [
    "CHECKS",
    "Subject",
    "check_transformation",
    "parametrize_with_checks",
]

_GROUPS = (
    *(types_kept, leaves, values, references, tracing, derivatives),
    *(storage, wrappers, frameworks, sharding, cost),
)
_offer(_sys.modules[__name__])
