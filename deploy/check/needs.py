"""How many instances a project asks for: what its stages serve with, what the steps of its pipelines run on.

A need bears the name of the quota that limits it, as Service Quotas has it: `ml.m5.large for training job usage`.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Where the request of each type of step has its instances: CreateProcessingJob's, CreateTrainingJob's, ... members.
_CLUSTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Processing": ("processing", ("ProcessingResources", "ClusterConfig")),
    "QualityCheck": ("processing", ("ProcessingResources", "ClusterConfig")),
    "ClarifyCheck": ("processing", ("ProcessingResources", "ClusterConfig")),
    "Training": ("training", ("ResourceConfig",)),
    "Transform": ("transform", ("TransformResources",)),
}


@dataclass(frozen=True)
class Need:
    """What a quota has to hold.

    Attributes
    ----------
    quota : str
        Its name in Service Quotas.
    asked : int
        Without so many nothing works.
    at_most : int
        So many are wanted for a while.
    who : str
        Who asks for them, as a sentence: `the stages run 3`.
    when : str
        When more are wanted: `an update needs 5 for a while`; empty when never.
    """

    quota: str
    asked: int
    at_most: int
    who: str
    when: str = ""


@dataclass(frozen=True)
class Job:
    """What one step of a pipeline runs on.

    Attributes
    ----------
    usage : str
        `processing job`, `training job`, `spot training job` or `transform job`.
    instance_type : str
        Empty when only an execution knows it: the property of an earlier step.
    """

    step: str
    usage: str
    instance_type: str
    instance_count: int


def of_stages(parameters: Iterable[Mapping[str, str]]) -> list[Need]:
    """Return what the stages need, given the parameters of each: once more while old and new run side by side."""
    counts: dict[str, list[int]] = {}
    for instance_type, count in map(_instances, parameters):
        if count:
            counts.setdefault(instance_type, []).append(count)
    return [
        Need(
            f"{instance_type} for endpoint usage",
            asked := sum(of_type),
            most := asked + max(of_type),
            f"the stages run {asked}",
            f"an update needs {most} for a while",
        )
        for instance_type, of_type in sorted(counts.items())
    ]


def of_pipelines(definitions: Mapping[str, Mapping[str, Any]]) -> list[Need]:
    """Return what SageMaker pipelines need, given the definition of each by its name.

    The steps of one pipeline mostly run one after the other, so it needs as many as its largest job; different
    pipelines run at the same time.
    """
    largest: dict[str, dict[str, Job]] = {}
    for name, definition in definitions.items():
        for job in jobs(definition):
            if job.instance_type:
                of_quota = largest.setdefault(f"{job.instance_type} for {job.usage} usage", {})
                of_quota[name] = max(of_quota.get(name, job), job, key=lambda one: one.instance_count)
    needs = []
    for quota, by_pipeline in sorted(largest.items()):
        pipeline, job = max(by_pipeline.items(), key=lambda item: item[1].instance_count)
        at_most = sum(each.instance_count for each in by_pipeline.values())
        who = f"{job.step} of {pipeline} takes {job.instance_count}"
        when = f"{' and '.join(by_pipeline)} at once take {at_most}" if len(by_pipeline) > 1 else ""
        needs.append(Need(quota, job.instance_count, at_most, who, when))
    return needs


def jobs(definition: Mapping[str, Any]) -> Iterator[Job]:
    """Yield the jobs of a pipeline's definition, with its parameters' defaults."""
    defaults = {each["Name"]: each.get("DefaultValue") for each in definition.get("Parameters", ())}
    for step in _steps(definition.get("Steps", ())):
        arguments = step.get("Arguments", {})
        if step["Type"] == "Tuning":
            yield from _tuning_jobs(step["Name"], arguments, defaults)
        elif step["Type"] in _CLUSTERS:
            usage, path = _CLUSTERS[step["Type"]]
            yield from _jobs(step["Name"], usage, arguments, path, defaults)


def _steps(steps: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for step in steps:
        yield step
        arguments = step.get("Arguments", {})
        for branch in ("IfSteps", "ElseSteps"):
            yield from _steps(arguments.get(branch, ()))


def _jobs(
    step: str,
    usage: str,
    arguments: Mapping[str, Any],
    path: tuple[str, ...],
    defaults: Mapping[str, Any],
    times: int = 1,
) -> Iterator[Job]:
    # Quotas of managed spot training are others.
    spot = "spot " if arguments.get("EnableManagedSpotTraining") is True else ""
    cluster: Mapping[str, Any] = arguments
    for member in path:
        cluster = cluster.get(member, {})
    for each in cluster.get("InstanceGroups") or [cluster]:
        instance_type = _value(each.get("InstanceType"), defaults)
        count = _value(each.get("InstanceCount", 1), defaults)
        known = int(count) if str(count).isdigit() else 1
        name = instance_type if isinstance(instance_type, str) else ""
        yield Job(step, f"{spot}{usage} job", name, known * times)


def _tuning_jobs(step: str, arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[Job]:
    """Yield the training jobs of a tuning, as many as run at the same time."""
    limits = arguments.get("HyperParameterTuningJobConfig", {}).get("ResourceLimits", {})
    parallel = _value(limits.get("MaxParallelTrainingJobs", 1), defaults)
    times = int(parallel) if str(parallel).isdigit() else 1
    for one in arguments.get("TrainingJobDefinitions") or [arguments.get("TrainingJobDefinition", {})]:
        member = (
            "HyperParameterTuningResourceConfig" if "HyperParameterTuningResourceConfig" in one else "ResourceConfig"
        )
        yield from _jobs(step, "training", one, (member,), defaults, times)


def _value(given: Any, defaults: Mapping[str, Any]) -> Any:
    """Return a value of a definition, or the default of the parameter that it names; None when it is not known."""
    if not isinstance(given, Mapping):
        return given
    source, _, name = str(given.get("Get", "")).partition(".")
    return defaults.get(name) if source == "Parameters" else None


def _instances(parameters: Mapping[str, str]) -> tuple[str, int]:
    """Return the instance type of a stage and the most instances it runs; none when it is serverless."""
    if parameters.get("ServerlessMemorySizeInMB", "0") != "0":
        return "", 0
    counts = [parameters.get("EndpointInstanceCount", "1")]
    if parameters.get("EnableAutoScaling") == "true":
        counts.append(parameters.get("MaxCapacity", "1"))
    return parameters.get("EndpointInstanceType", ""), max(math.ceil(float(count)) for count in counts)
