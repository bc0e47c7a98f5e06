"""The meaning of a CreateHyperParameterTuningJob request.

A tuning job has one training job definition, or several, each with ranges and an objective of its own; for a single
definition, the configuration's ranges and objective are used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from localaws.document import Document
from localaws.sagemaker.tuning.completion import Criteria
from localaws.sagemaker.tuning.objective import Objective
from localaws.sagemaker.tuning.ranges import Categorical, Space
from localaws.sagemaker.tuning.stopping import Hyperband, MedianRule, StoppingRule
from localaws.sagemaker.tuning.strategies import BayesianSearch, GridSearch, RandomSearch, Strategy

MOST_JOBS = 750
"""AWS's quota of training jobs in a tuning job; 10,000 for Random and Grid."""
MOST_JOBS_WITHOUT_MODEL = 10_000
_EPOCH_NAMES = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
_OBJECTIVE_PARAMETER = "_tuning_objective_metric"
_PASSED_ON = (
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "RetryStrategy",
    "Environment",
)


@dataclass(frozen=True)
class Definition:
    """A training job definition with its space and objective.

    Attributes
    ----------
    name : str
        ``DefinitionName``; empty for a single definition without one.
    document : dict
        The ``TrainingJobDefinition``.
    """

    name: str
    document: Document
    space: Space
    objective: Objective

    @property
    def image(self) -> str:
        """The training image's URI."""
        image: str = self.document["AlgorithmSpecification"].get("TrainingImage", "")
        return image

    @property
    def static(self) -> dict[str, str]:
        """The hyperparameters that are the same in all training jobs, as the request's author sees them."""
        given = self.document.get("StaticHyperParameters") or {}
        return {name: value for name, value in given.items() if name != _OBJECTIVE_PARAMETER}

    @property
    def described(self) -> Document:
        """The definition as Describe returns it.

        SDK v2's attach relies on the objective's name, and on a ResourceConfig, which it did not send itself.
        """
        resources = resource_config(self.document)
        return (
            self.document
            | {"StaticHyperParameters": self.static | self._objective_parameter}
            | ({"ResourceConfig": resources} if resources else {})
        )

    @property
    def _objective_parameter(self) -> dict[str, str]:
        return {_OBJECTIVE_PARAMETER: self.objective.metric_name}

    def training_request(self, name: str, values: dict[str, str], tags: Sequence[Document]) -> Document:
        """Return the CreateTrainingJob request of one training job."""
        request = {member: self.document[member] for member in _PASSED_ON if self.document.get(member) is not None}
        checkpoints = self.document.get("CheckpointConfig")
        if checkpoints:  # a prefix of its own, or the jobs would continue each other's work
            request["CheckpointConfig"] = checkpoints | {"S3Uri": f"{checkpoints['S3Uri'].rstrip('/')}/{name}"}
        return request | {
            "TrainingJobName": name,
            "AlgorithmSpecification": self.document["AlgorithmSpecification"],
            "ResourceConfig": resource_config(self.document),
            "HyperParameters": self.static | values | self._objective_parameter,
            "Tags": list(tags),
        }


@dataclass(frozen=True)
class Plan:
    """What a tuning job has to do.

    Attributes
    ----------
    max_jobs : int
        The maximum number of training jobs.
    seed : int
        ``RandomSeed``, or one that was drawn when the tuning job was created.
    tags : sequence of dict
        Tags of the tuning job, which its training jobs get, too, as on AWS.
    """

    definitions: Sequence[Definition]
    config: Document
    seed: int
    tags: Sequence[Document] = ()

    @classmethod
    def of(cls, request: Document, seed: int) -> "Plan":
        """Parse a request whose members exist and have the right types."""
        config = request["HyperParameterTuningJobConfig"]
        documents = request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]
        definitions = [
            Definition(
                name=document.get("DefinitionName", ""),
                document=document,
                space=Space.of(ranges_of(config, document)),
                objective=_objective(config, document),
            )
            for document in documents
        ]
        return cls(definitions, config, seed, request.get("Tags") or [])

    @property
    def strategy_name(self) -> str:
        """``Random``, ``Grid``, ``Bayesian`` or ``Hyperband``."""
        name: str = self.config["Strategy"]
        return name

    @property
    def max_parallel(self) -> int:
        """MaxParallelTrainingJobs."""
        number: int = self.config["ResourceLimits"]["MaxParallelTrainingJobs"]
        return number

    @property
    def max_jobs(self) -> int:
        """MaxNumberOfTrainingJobs; by default, every combination of a grid, or AWS's quota."""
        given: int | None = self.config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
        if given is not None:
            return given
        return self.combinations if self.strategy_name == "Grid" else self.quota

    @property
    def quota(self) -> int:
        """AWS's quota of training jobs for the strategy."""
        return MOST_JOBS_WITHOUT_MODEL if self.strategy_name in ("Random", "Grid") else MOST_JOBS

    @property
    def combinations(self) -> int:
        """The number of combinations of categorical values."""
        return sum(
            math.prod(len(each.values) for each in definition.space.ranges if isinstance(each, Categorical))
            for definition in self.definitions
        )

    @property
    def criteria(self) -> Criteria:
        """The criteria that end the tuning job early."""
        given = self.config.get("TuningJobCompletionCriteria") or {}
        not_improving = given.get("BestObjectiveNotImproving") or {}
        return Criteria(
            target=given.get("TargetObjectiveMetricValue"),
            patience=not_improving.get("MaxNumberOfTrainingJobsNotImproving"),
            on_convergence=(given.get("ConvergenceDetected") or {}).get("CompleteOnConvergence") == "Enabled",
            seconds=self.config["ResourceLimits"].get("MaxRuntimeInSeconds"),
        )

    def strategy(self, definition: Definition) -> Strategy:
        """Return the strategy that chooses the values of a definition's training jobs."""
        if self.strategy_name == "Grid":
            return GridSearch(definition.space)
        if self.strategy_name == "Bayesian":
            return BayesianSearch(definition.space, self.seed, definition.objective)
        return RandomSearch(definition.space, self.seed)

    def rule(self, definition: Definition) -> StoppingRule | None:
        """Return the rule that stops running training jobs of a definition; None if they are not stopped."""
        if self.strategy_name == "Hyperband":
            least, most = resources(self.config, definition.document)
            return Hyperband(definition.objective, least, most)
        if self.config.get("TrainingJobEarlyStoppingType") == "Auto":
            return MedianRule(definition.objective)
        return None


def ranges_of(config: Document, definition: Document) -> Document:
    """Return the ``ParameterRanges`` of a definition."""
    return definition.get("HyperParameterRanges") or config.get("ParameterRanges") or {}


def objective_of(config: Document, definition: Document) -> Document | None:
    """Return the ``HyperParameterTuningJobObjective`` of a definition."""
    return definition.get("TuningObjective") or config.get("HyperParameterTuningJobObjective")


def resources(config: Document, definition: Document) -> tuple[int, int]:
    """Return Hyperband's MinResource and MaxResource; the latter is 0 if neither it nor a number of epochs is given."""
    given = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    static = definition.get("StaticHyperParameters") or {}
    epochs = next((static[name] for name in _EPOCH_NAMES if name in static), "")
    return given.get("MinResource", 1), given.get("MaxResource") or (int(epochs) if epochs.isdigit() else 0)


def resource_config(definition: Document) -> Document:
    """Return a training job's ``ResourceConfig``, from either of the two places where a definition may have it."""
    tuning = definition.get("HyperParameterTuningResourceConfig")
    if not tuning:
        return definition.get("ResourceConfig") or {}
    preferred = (tuning.get("InstanceConfigs") or [tuning])[0]
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    config = {member: preferred[member] for member in members if member in preferred}
    return config | {member: tuning[member] for member in ("VolumeKmsKeyId",) if member in tuning}


def _objective(config: Document, definition: Document) -> Objective:
    document = objective_of(config, definition) or {}
    return Objective(document["MetricName"], document["Type"] == "Minimize")
