"""A pipeline of the SDK that makes no experiments.

By default the SDK has SageMaker make an experiment for the pipeline, a trial for each execution and a trial component
for each job: for that the pipeline's role would need rights to all experiments of the account. Metrics, lineage and
versions are recorded without it. Source: "Amazon SageMaker Experiments Integration" in SageMaker's Developer Guide.

This module imports the SDK; `pipelines.sdk` imports it when it is needed.
"""

from typing import Any

from sagemaker.mlops.workflow import pipeline


class Pipeline(pipeline.Pipeline):  # type: ignore[misc]  # the SDK publishes no types
    """The SDK's pipeline, with its arguments; an experiment is made only where `pipeline_experiment_config` says so."""

    def __init__(
        self,
        name: str = "",
        parameters: Any = None,
        pipeline_experiment_config: Any = None,
        *arguments: Any,
        **more: Any,
    ) -> None:
        super().__init__(name, parameters, pipeline_experiment_config, *arguments, **more)
