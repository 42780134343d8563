"""A study of Optuna that proposes the configurations of a sweep."""

import socket
import time

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from scipy.stats import loguniform, randint

import lectopt
from tests.sweep.logistic import PROBLEM, STEPS, run

optuna.logging.set_verbosity(optuna.logging.WARNING)
SPACE = {"learning_rate": loguniform(1e-3, 1.0), "momentum": [0.5, 0.9]}
MAKERS = {"sgd": lambda learning_rate, momentum: lectopt.sgd(learning_rate, momentum=momentum)}
COLUMN = "validation_loss"


def study_of(**more):
    return optuna.create_study(
        direction="minimize", sampler=optuna.samplers.RandomSampler(0), **more
    )


def swept(study, samples, space=SPACE, makers=MAKERS, seeds=2, **more):
    return run(makers, space, seeds, sampler=study, samples=samples, **more)


@pytest.fixture(scope="module")
def found():
    study = study_of()
    return study, swept(study, 5)


def test_trials_are_the_rows_of_the_table(found):
    """Parameters, means and the value of each seed."""
    study, result = found
    table = result.table()
    assert len(study.trials) == 5 and len(table) == 10
    for trial in study.trials:
        own = table[np.isclose(table.learning_rate, trial.params["learning_rate"])]
        assert trial.state == TrialState.COMPLETE and len(own) == 2
        assert set(own.momentum) == {trial.params["momentum"]}
        np.testing.assert_allclose(trial.value, own[COLUMN].mean(), rtol=1e-6)
        told = trial.user_attrs["seeds"]
        np.testing.assert_allclose([told["0"], told["1"]], own.sort_values("seed")[COLUMN])


def test_the_distributions_are_optunas_own(found):
    study, _ = found
    distributions = study.trials[0].distributions
    rate = optuna.distributions.FloatDistribution(1e-3, 1.0, log=True)
    assert distributions["learning_rate"] == rate
    assert distributions["momentum"] == optuna.distributions.CategoricalDistribution([0.5, 0.9])
    assert study_suggests(randint(1, 4)) == optuna.distributions.IntDistribution(1, 3)


def study_suggests(distribution):
    from lectopt._sweep.optuna_spaces import suggestion

    return suggestion("x", distribution).distribution


def test_a_study_goes_on_to_a_larger_number():
    study = study_of()
    swept(study, 2)
    swept(study, 5)
    assert len(study.trials) == 5
    swept(study, 5)
    assert len(study.trials) == 5


def test_what_diverges_is_a_failure():
    study = study_of()
    result = swept(study, 3, {"learning_rate": [3e38], "momentum": [0.9]})
    assert {trial.state for trial in study.trials} == {TrialState.FAIL}
    assert all("diverged_at" in trial.user_attrs for trial in study.trials)
    assert result.table().diverged_at.notna().all()


def test_a_pruner_ends_configurations():
    """A pruner that ends all but the first trial at its first report."""

    class OnlyTheFirst(optuna.pruners.BasePruner):
        def prune(self, study, trial):
            return trial.number > 0

    study = study_of(pruner=OnlyTheFirst())
    result = swept(study, 3)
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED]
    culled = result.table().culled_at.dropna()
    assert len(culled) == 4 and (culled < STEPS).all()
    assert all(trial.intermediate_values for trial in study.trials)


def test_a_trial_that_nobody_trains_any_more_is_trained():
    """RUNNING, by a process of this machine that is gone."""
    study = study_of()
    trial = study.ask()
    trial.suggest_float("learning_rate", 1e-3, 1.0, log=True)
    trial.suggest_categorical("momentum", [0.5, 0.9])
    gone = {"host": socket.gethostname(), "process": 2**22 + 1, "seen": time.time()}
    trial.set_user_attr("lectopt", gone)
    swept(study, 2)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2
    assert study.trials[0].number == trial.number


def test_another_direction_is_refused():
    study = optuna.create_study(direction="maximize")
    with pytest.raises(ValueError, match="create_study\\(direction='minimize'\\)"):
        swept(study, 2)
    assert PROBLEM.metric == "loss"


def test_settings_of_several_optimizers():
    """Each has its own names where spaces differ, and the shared one where they do not."""
    study = study_of()
    makers = {"sgd": lambda learning_rate: lectopt.sgd(learning_rate), "adam": lectopt.adam}
    space = {
        "sgd": {"learning_rate": loguniform(1e-3, 1.0)},
        "adam": {"learning_rate": loguniform(1e-4, 0.1)},
    }
    result = swept(study, 4, space, makers)
    for trial in study.trials:
        name = trial.params["optimizer"]
        assert set(trial.params) == {"optimizer", f"{name}.learning_rate"}
    assert set(result.table().optimizer) == {t.params["optimizer"] for t in study.trials}
