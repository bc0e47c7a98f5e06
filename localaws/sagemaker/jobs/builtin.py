"""Training jobs of images that are an algorithm: without a script, and with metrics that are the image's own.

Source: CreateTrainingJob of the API reference, and "Define metrics and environment variables" in the SageMaker guide:
"you don't need to specify metrics" for the built-in algorithms, and the request is refused that does.
"""

from localaws.document import Document
from localaws.images import algorithms
from localaws.sagemaker.errors import ValidationError


def runs_algorithm(request: Document) -> bool:
    """Return whether a CreateTrainingJob request names no script, and an image that can do without one."""
    specification = request["AlgorithmSpecification"]
    if specification.get("ContainerEntrypoint") or request.get("HyperParameters", {}).get("sagemaker_program"):
        return False
    if request.get("Environment", {}).get("SAGEMAKER_PROGRAM"):
        return False
    return algorithms.of_uri(specification.get("TrainingImage", "")) is not None


def check(request: Document) -> None:
    """Refuse metric definitions for an algorithm that has its own."""
    specification = request["AlgorithmSpecification"]
    if specification.get("MetricDefinitions") and runs_algorithm(request):
        raise ValidationError(
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please retry the request"
            " without specifying metric definitions."
        )


def metric_definitions(specification: Document) -> list[dict[str, str]]:
    """Return a request's ``MetricDefinitions``, or those that its image has by itself."""
    given: list[dict[str, str]] = specification.get("MetricDefinitions") or []
    algorithm = algorithms.of_uri(specification.get("TrainingImage", ""))
    return given or (algorithm.metric_definitions if algorithm else [])
