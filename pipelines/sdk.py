"""SageMaker's SDK, imported when a name of it is first used.

Importing the SDK takes seconds, and fails without a region. A module that defines a pipeline has to be importable
without either, so nothing of `pipelines` imports the SDK but this module, and `request_step` and `plain_pipeline`,
which are reached through it: `sdk.FailStep` is `FailStep` of `sagemaker.mlops.workflow.fail_step`.
"""

import pkgutil
from collections.abc import Mapping
from typing import Any

_PLACES: Mapping[str, str] = {
    "ConditionGreaterThanOrEqualTo": "sagemaker.core.workflow.conditions:ConditionGreaterThanOrEqualTo",
    "ConditionStep": "sagemaker.mlops.workflow.condition_step:ConditionStep",
    "ExecutionVariables": "sagemaker.core.workflow.execution_variables:ExecutionVariables",
    "FailStep": "sagemaker.mlops.workflow.fail_step:FailStep",
    "Join": "sagemaker.core.workflow.functions:Join",
    "JsonGet": "sagemaker.core.workflow.functions:JsonGet",
    "ParameterFloat": "sagemaker.core.workflow.parameters:ParameterFloat",
    "ParameterInteger": "sagemaker.core.workflow.parameters:ParameterInteger",
    "ParameterString": "sagemaker.core.workflow.parameters:ParameterString",
    "Pipeline": "pipelines.plain_pipeline:Pipeline",
    "PipelineSession": "sagemaker.core.workflow.pipeline_context:PipelineSession",
    "PropertyFile": "sagemaker.core.workflow.properties:PropertyFile",
    "RequestStep": "pipelines.request_step:RequestStep",
    "SageMakerJobExceptionTypeEnum": "sagemaker.mlops.workflow.retry:SageMakerJobExceptionTypeEnum",
    "SageMakerJobStepRetryPolicy": "sagemaker.mlops.workflow.retry:SageMakerJobStepRetryPolicy",
    "StepExceptionTypeEnum": "sagemaker.mlops.workflow.retry:StepExceptionTypeEnum",
    "StepRetryPolicy": "sagemaker.mlops.workflow.retry:StepRetryPolicy",
    "StepTypeEnum": "sagemaker.mlops.workflow.steps:StepTypeEnum",
    "image_uris": "sagemaker.core.image_uris",
    "load_sagemaker_config": "sagemaker.core.config.config:load_sagemaker_config",
}


def __getattr__(name: str) -> Any:
    """Import what the name stands for. Python calls this once for each name, as the result is kept."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = pkgutil.resolve_name(_PLACES[name])
    globals()[name] = value
    return value
