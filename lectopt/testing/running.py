"""The two ways to run the checks: by pytest, and at once."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from unittest import SkipTest

import optax

from lectopt.testing.registry import checks_of
from lectopt.testing.subject import Subject


def parametrize_with_checks(subjects: Iterable[Subject]) -> Callable[..., Any]:
    """Parametrize a pytest test over every check of every subject.

    As scikit-learn's decorator of the same name: the test takes `subject` and `check` and calls
    `check(subject)`. A test is named after both, such as `adam-donation`, so that
    `pytest -k donation` runs one check. What a subject skips is skipped, and its reason shown.

    Args:
      subjects: what is to be checked.

    Returns:
      A decorator, `pytest.mark.parametrize("subject, check", ...)`.

    Raises:
      TypeError: something among `subjects` is no `Subject`.

    Example:
      >>> import optax
      >>> from lectopt import testing
      >>> @testing.parametrize_with_checks([testing.Subject(optax.sgd, dict(learning_rate=0.1))])
      ... def test_contract(subject, check):
      ...     check(subject)
    """
    import pytest

    cases, names = [], Counter[str]()
    for subject in subjects:
        if not isinstance(subject, Subject):
            raise TypeError(
                f"Wanted a Subject, got {subject!r}. "
                "Write Subject(optax.adam, dict(learning_rate=0.1))."
            )
        names[subject.name] += 1
        number = names[subject.name]
        label = subject.name if number == 1 else f"{subject.name}_{number}"
        for run in checks_of(subject):
            reason = subject.skipped.get(run.__name__)
            marks = [pytest.mark.skip(reason=reason)] if reason else []
            cases.append(pytest.param(subject, run, id=f"{label}-{run.__name__}", marks=marks))
    return pytest.mark.parametrize("subject, check", cases)


def check_transformation(
    tx: optax.GradientTransformation | Callable[..., Any] | Subject, **settings: Any
) -> None:
    """Run every check, without pytest.

    Args:
      tx: a transformation; its maker, so that its settings are checked too; or a `Subject`.
      **settings: the arguments of the maker.

    Raises:
      ExceptionGroup: some checks failed; it holds one `AssertionError` for each.

    Example:
      >>> import optax
      >>> from lectopt.testing import check_transformation
      >>> check_transformation(optax.sgd, learning_rate=0.1)
    """
    if isinstance(tx, Subject):
        subject = tx
    elif isinstance(tx, optax.GradientTransformation):
        subject = Subject(lambda: tx, name=type(tx).__name__)
    else:
        subject = Subject(tx, settings)
    if settings and subject.settings != settings:
        raise TypeError(
            f"Settings are for a maker; {subject.name} is made already. "
            "Write check_transformation(optax.adam, learning_rate=0.1)."
        )
    failed: dict[str, AssertionError] = {}
    for run in checks_of(subject):
        try:
            run(subject)
        except AssertionError as error:
            failed[run.__name__] = error
            if run.__name__ == "runs":
                break
        except SkipTest:
            pass
    if failed:
        what = f"{len(failed)} of {len(checks_of(subject))} checks of {subject.name} failed"
        raise ExceptionGroup(f"{what}: {', '.join(failed)}", list(failed.values()))
