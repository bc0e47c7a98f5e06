"""Whether a tuning job is done, and why. Pure functions over its trials.

Source: "Track and set completion criteria for your tuning job" in the SageMaker guide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from localaws.sagemaker.tuning.objective import Objective, Trial, not_improving

ATTEMPTS = 5
"""After this many training jobs a tuning job fails if none of them had a result."""
CONVERGED_AFTER, CONVERGED_WITHOUT = 20, 10
"""AWS does not publish its criterion. Here: of at least 20 jobs, the last 10 brought no notable improvement."""


class Verdict(Enum):
    """Why no more training jobs are started. Its value: the status in which the tuning job ends."""

    BUDGET = "Completed"
    CRITERION = "Completed by a criterion"
    OUT_OF_TIME = "Stopped"
    HOPELESS = "Failed"


@dataclass(frozen=True)
class Criteria:
    """The criteria that end a tuning job before its budget is used up.

    Attributes
    ----------
    target : float or None
        TargetObjectiveMetricValue.
    patience : int or None
        MaxNumberOfTrainingJobsNotImproving.
    on_convergence : bool
        CompleteOnConvergence.
    seconds : float or None
        MaxRuntimeInSeconds.
    """

    target: float | None = None
    patience: int | None = None
    on_convergence: bool = False
    seconds: float | None = None


def results(trials: Sequence[Trial]) -> list[float]:
    """Return the final values of the trials that have one, in the order of the trials."""
    return [trial.value for trial in trials if trial.value is not None]


def converged(objective: Objective, values: Sequence[float]) -> bool:
    """Return whether more jobs do not seem worthwhile."""
    return len(values) >= CONVERGED_AFTER and not_improving(objective, values) >= CONVERGED_WITHOUT


def criterion_met(criteria: Criteria, objective: Objective, trials: Sequence[Trial]) -> bool:
    """Return whether the trials that have ended meet one of the criteria."""
    values = results(trials)
    if criteria.target is not None and any(objective.reached(value, criteria.target) for value in values):
        return True
    if criteria.patience is not None and not_improving(objective, values) >= criteria.patience:
        return True
    return criteria.on_convergence and converged(objective, values)


def hopeless(trials: Sequence[Trial], *, more: bool) -> str | None:
    """Return why the tuning job fails, or None.

    Parameters
    ----------
    trials : sequence of Trial
        All trials that were started.
    more : bool
        Whether more trials may follow.
    """
    ended = [trial for trial in trials if not trial.runs]
    if results(trials) or (len(ended) < ATTEMPTS and (more or len(ended) < len(trials))):
        return None
    if any(trial.status in ("Completed", "Stopped") for trial in ended):
        return (
            f"No objective metrics found after running {len(ended)} training jobs. Please ensure that the custom"
            " algorithm is emitting the objective metric as defined by the regular expression provided."
        )
    if ended:
        return (
            f"No training job succeeded after {len(ended)} attempts. Please take a look at the training job failures"
            " to get more details."
        )
    return None
