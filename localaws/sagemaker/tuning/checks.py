"""What AWS refuses in a CreateHyperParameterTuningJob request beyond botocore's model.

Sources: the API reference of CreateHyperParameterTuningJob and of the structures in it, "Automatic Model Tuning
Resource Limits" and "Run a Warm Start Hyperparameter Tuning Job" in the SageMaker guide.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from localaws.document import Document
from localaws.sagemaker.errors import ResourceLimitExceeded, ValidationError
from localaws.sagemaker.jobs import builtin
from localaws.sagemaker.jobs.training import check_training_request
from localaws.sagemaker.service_model import check_request
from localaws.sagemaker.tuning.plan import Definition, Plan, objective_of, ranges_of, resources
from localaws.sagemaker.unsupported import refuse_unsupported

_MOST_TUNED = 30
_MOST_HYPERPARAMETERS = 100
_MOST_PARALLEL = 100
_MOST_RESOURCE = 20_000
_NAME_OF_LAST = "-000-00000000"


def check_tuning_request(request: Document, state_dir: Path) -> None:
    """Refuse a request that is invalid in itself.

    Raises
    ------
    ValidationError, ResourceLimitExceeded, UnsupportedOperation
        If a rule is broken; names the member, its value and the rule.
    """
    config = request["HyperParameterTuningJobConfig"]
    _check_definitions(request)
    for document in _definitions(request):
        _check_ranges(config, document)
        _check_objective(config, document)
    plan = Plan.of(request, seed=0)
    _check_limits(plan)
    _check_strategy(plan)
    for definition in plan.definitions:
        _check_training(definition, request["HyperParameterTuningJobName"], state_dir)


def _definitions(request: Document) -> list[Document]:
    return request.get("TrainingJobDefinitions") or [request["TrainingJobDefinition"]]


def _check_definitions(request: Document) -> None:
    one, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if bool(one) == bool(several):
        raise ValidationError("Give either TrainingJobDefinition or TrainingJobDefinitions")
    if not several:
        return
    names = Counter(definition.get("DefinitionName") for definition in several)
    if None in names or max(names.values()) > 1:
        raise ValidationError("Each of the TrainingJobDefinitions needs a DefinitionName of its own")
    config = request["HyperParameterTuningJobConfig"]
    given = [name for name in ("ParameterRanges", "HyperParameterTuningJobObjective") if config.get(name)]
    if given:
        raise ValidationError(
            f"With TrainingJobDefinitions, {' and '.join(given)} must not be in HyperParameterTuningJobConfig: each"
            " definition has HyperParameterRanges and a TuningObjective of its own"
        )


def _check_ranges(config: Document, definition: Document) -> None:
    ranges = ranges_of(config, definition)
    for row in ranges.get("IntegerParameterRanges") or []:
        if row.get("ScalingType") == "ReverseLogarithmic":
            raise ValidationError(f"Integer range '{row['Name']}': ReverseLogarithmic is for continuous ranges only")
        _check_numbers(row, int, "an integer")
    for row in ranges.get("ContinuousParameterRanges") or []:
        _check_numbers(row, float, "a number")
    for row in ranges.get("CategoricalParameterRanges") or []:
        if len(set(row["Values"])) < len(row["Values"]):
            raise ValidationError(f"The values of the categorical range '{row['Name']}' must be unique")
    names = list(_tuned(ranges))
    static = definition.get("StaticHyperParameters") or {}
    if not names:
        raise ValidationError("No hyperparameter is tuned: ParameterRanges needs at least one range")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValidationError(f"Hyperparameters [{', '.join(twice)}] have more than one range")
    both = sorted(set(names) & set(static))
    if both:
        raise ValidationError(f"Hyperparameters [{', '.join(both)}] are both static and tuned: give each once")
    if len(names) > _MOST_TUNED or len(names) + len(static) > _MOST_HYPERPARAMETERS:
        raise ResourceLimitExceeded(
            f"{len(names)} hyperparameters are tuned and {len(static)} static: at most {_MOST_TUNED} can be"
            f" tuned, and at most {_MOST_HYPERPARAMETERS} are allowed in total"
        )


def _tuned(ranges: Document) -> Iterator[str]:
    for kind in ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges"):
        for row in ranges.get(kind) or []:
            yield row["Name"]


def _check_numbers(row: Document, number: type[int] | type[float], what: str) -> None:
    name, scaling = row["Name"], row.get("ScalingType", "Auto")
    try:
        low, high = number(row["MinValue"]), number(row["MaxValue"])
    except ValueError as error:
        raise ValidationError(f"Range '{name}': MinValue and MaxValue must each be {what}: {error}") from error
    if not low < high or abs(low) == float("inf") or high == float("inf"):
        raise ValidationError(
            f"Range '{name}': MinValue {row['MinValue']} must be less than MaxValue {row['MaxValue']}"
        )
    if scaling == "Logarithmic" and low <= 0:
        raise ValidationError(f"Range '{name}': Logarithmic needs a MinValue above 0, not {row['MinValue']}")
    if scaling == "ReverseLogarithmic" and not (low >= 0 and high < 1):
        raise ValidationError(f"Range '{name}': ReverseLogarithmic needs a range within 0 <= x < 1")


def _check_objective(config: Document, definition: Document) -> None:
    objective = objective_of(config, definition)
    if objective is None:
        raise ValidationError("HyperParameterTuningJobObjective is missing: name the metric that is to be optimized")
    metrics = [row["Name"] for row in builtin.metric_definitions(definition["AlgorithmSpecification"])]
    if objective["MetricName"] not in metrics:
        raise ValidationError(
            f"The objective metric '{objective['MetricName']}' is not among the MetricDefinitions of"
            f" AlgorithmSpecification: [{', '.join(metrics)}]"
        )


def _check_limits(plan: Plan) -> None:
    limits = plan.config["ResourceLimits"]
    criteria = plan.config.get("TuningJobCompletionCriteria") or limits.get("MaxRuntimeInSeconds")
    if "MaxNumberOfTrainingJobs" not in limits and plan.strategy_name != "Grid" and not criteria:
        raise ValidationError("MaxNumberOfTrainingJobs is missing, and no TuningJobCompletionCriteria ends the tuning")
    if plan.max_parallel > plan.max_jobs:
        raise ValidationError(
            f"MaxParallelTrainingJobs {plan.max_parallel} must not be more than MaxNumberOfTrainingJobs {plan.max_jobs}"
        )
    for name, given, most in (
        ("MaxNumberOfTrainingJobs", plan.max_jobs, plan.quota),
        ("MaxParallelTrainingJobs", plan.max_parallel, _MOST_PARALLEL),
    ):
        if given > most:
            raise ResourceLimitExceeded(f"{name} {given} is more than the limit of {most}")


def _check_strategy(plan: Plan) -> None:
    hyperband = (plan.config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig")
    if plan.strategy_name == "Grid":
        _check_grid(plan)
    if plan.strategy_name == "Hyperband":
        _check_hyperband(plan)
    elif hyperband:
        raise ValidationError(f"HyperbandStrategyConfig is for the strategy Hyperband, not {plan.strategy_name}")


def _check_grid(plan: Plan) -> None:
    for definition in plan.definitions:
        ranges = ranges_of(plan.config, definition.document)
        if ranges.get("IntegerParameterRanges") or ranges.get("ContinuousParameterRanges"):
            raise ValidationError("The strategy Grid only takes CategoricalParameterRanges")
    if plan.max_jobs != plan.combinations:
        raise ValidationError(
            f"MaxNumberOfTrainingJobs {plan.max_jobs} must be the number of combinations of the categorical values,"
            f" {plan.combinations}, or be left out"
        )


def _check_hyperband(plan: Plan) -> None:
    if plan.config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise ValidationError(
            "With the strategy Hyperband, TrainingJobEarlyStoppingType must be Off: it stops training jobs itself"
        )
    for definition in plan.definitions:
        least, most = resources(plan.config, definition.document)
        if not most:
            raise ValidationError(
                "MaxResource of HyperbandStrategyConfig is missing, and no static hyperparameter says the number of"
                " epochs: epochs, numepochs, n-epochs, n_epochs or num_epochs"
            )
        if not least < most <= _MOST_RESOURCE:
            raise ValidationError(
                f"MinResource {least} must be less than MaxResource {most}, which must be at most {_MOST_RESOURCE}"
            )


def _check_training(definition: Definition, tuning_name: str, state_dir: Path) -> None:
    """Refuse now what CreateTrainingJob would refuse later."""
    values = definition.space.at([0.5] * len(definition.space.ranges))
    request = definition.training_request(f"{tuning_name}{_NAME_OF_LAST}", values, [])
    check_request("CreateTrainingJob", request)
    refuse_unsupported("CreateTrainingJob", request)
    check_training_request(request, state_dir)


def check_warm_start(plan: Plan, parent: Plan, parent_name: str, warm_start_type: str) -> None:
    """Refuse a parent that a tuning job cannot learn from.

    Raises
    ------
    ValidationError
        If its objective differs; or, for IdenticalDataAndAlgorithm, its image or number of hyperparameters.
    """
    mine, theirs = plan.definitions[0], parent.definitions[0]
    if mine.objective != theirs.objective:
        raise ValidationError(
            f"The parent tuning job '{parent_name}' has the objective {theirs.objective.kind}"
            f" '{theirs.objective.metric_name}', this one {mine.objective.kind} '{mine.objective.metric_name}':"
            " they must be the same"
        )
    if warm_start_type != "IdenticalDataAndAlgorithm":
        return
    if mine.image != theirs.image:
        raise ValidationError(
            f"With IdenticalDataAndAlgorithm the training image must be that of the parent tuning job '{parent_name}',"
            f" '{theirs.image}', not '{mine.image}'"
        )
    if _n_hyperparameters(mine) != _n_hyperparameters(theirs):
        raise ValidationError(
            f"With IdenticalDataAndAlgorithm the number of static and tuned hyperparameters must be that of the parent"
            f" tuning job '{parent_name}', {_n_hyperparameters(theirs)}, not {_n_hyperparameters(mine)}"
        )


def _n_hyperparameters(definition: Definition) -> int:
    return len(definition.static) + len(definition.space.ranges)
