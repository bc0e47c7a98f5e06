"""What AWS does with a request and this SageMaker does not: each line is refused by name, none is ignored.

A path names a member of the request; ``[]`` stands for every item of a list. The values after it are accepted.
"""

from collections.abc import Iterator
from typing import Any

from localaws.document import Document
from localaws.sagemaker.errors import UnsupportedOperation
from localaws.sagemaker.search import SEARCHABLE

_S3_SOURCE = "DataSource.S3DataSource.S3DataType"
ACCEPTED: dict[str, dict[str, tuple[Any, ...]]] = {
    "CreateProcessingJob": {
        "ProcessingInputs[].DatasetDefinition": (),
        "ProcessingInputs[].AppManaged": (False,),
        "ProcessingInputs[].S3Input.S3DataType": ("S3Prefix", "ManifestFile"),
        "ProcessingInputs[].S3Input.S3InputMode": ("File",),
        "ProcessingOutputConfig.Outputs[].AppManaged": (False,),
        "ProcessingOutputConfig.Outputs[].FeatureStoreOutput": (),
        "ProcessingOutputConfig.Outputs[].S3Output.S3UploadMode": ("EndOfJob", "Continuous"),
    },
    "CreateTrainingJob": {
        "ResourceConfig.InstanceGroups": (),
        "ResourceConfig.KeepAlivePeriodInSeconds": (0,),
        "AlgorithmSpecification.AlgorithmName": (),
        "AlgorithmSpecification.TrainingInputMode": ("File", "FastFile"),
        f"InputDataConfig[].{_S3_SOURCE}": ("S3Prefix", "ManifestFile"),
        "InputDataConfig[].DataSource.FileSystemDataSource": (),
        "InputDataConfig[].DataSource.DatasetSource": (),
        "InputDataConfig[].InputMode": ("File", "FastFile"),
        "InputDataConfig[].RecordWrapperType": ("None",),
        "ServerlessJobConfig": (),
        "ModelPackageConfig": (),
        "DebugRuleConfigurations": ([],),
        "ProfilerRuleConfigurations": ([],),
    },
    "CreateHyperParameterTuningJob": {
        "Autotune": (),
        "HyperParameterTuningJobConfig.ParameterRanges.AutoParameters": ([],),
        "TrainingJobDefinition.HyperParameterRanges.AutoParameters": ([],),
        "TrainingJobDefinitions[].HyperParameterRanges.AutoParameters": ([],),
    },
    "CreateTransformJob": {
        "TransformResources.InstanceCount": (1,),
        f"TransformInput.{_S3_SOURCE}": ("S3Prefix", "ManifestFile"),
        "TransformInput.SplitType": ("None", "Line"),
        "DataCaptureConfig": (),
        "DataProcessing.InputFilter": ("$",),
        "DataProcessing.OutputFilter": ("$",),
        "DataProcessing.JoinSource": ("None",),
    },
    "CreateModel": {
        "InferenceExecutionConfig.Mode": ("Serial",),
    },
    "CreateEndpointConfig": {
        path: values
        for variants in ("ProductionVariants[]", "ShadowProductionVariants[]")
        for path, values in {
            f"{variants}.InstancePools": (),
            f"{variants}.AcceleratorType": (),
            f"{variants}.CoreDumpConfig": (),
            f"{variants}.ManagedInstanceScaling.Status": ("DISABLED",),
            f"{variants}.EnableSSMAccess": (False,),
            f"{variants}.RoutingConfig.RoutingStrategy": ("LEAST_OUTSTANDING_REQUESTS", "RANDOM"),
            f"{variants}.CapacityReservationConfig": (),
        }.items()
    }
    | {
        "AsyncInferenceConfig.OutputConfig.NotificationConfig.IncludeInferenceResponseIn": ([],),
        "ExplainerConfig": (),
        "EnableNetworkIsolation": (False,),
        "MetricsConfig.EnableEnhancedMetrics": (False,),
        "MetricsConfig.EnableDetailedObservability": (False,),
        "MetricsConfig.MetricPublishFrequencyInSeconds": (60,),
    },
    "UpdateEndpointWeightsAndCapacities": {"DesiredWeightsAndCapacities[].ServerlessUpdateConfig": ()},
    "CreateModelPackage": {"CertifyForMarketplace": (False,), "ValidationSpecification": ()},
    "StartPipelineExecution": {"MlflowExperimentName": ()},
    "RetryPipelineExecution": {"ParallelismConfiguration": ()},
    "GetSearchSuggestions": {"Resource": tuple(SEARCHABLE)},
    "Search": {
        "Resource": tuple(SEARCHABLE),
        "VisibilityConditions": (),
        "CrossAccountFilterOption": ("SameAccount",),
    },
    "UpdateProject": {"ServiceCatalogProvisioningUpdateDetails": (), "TemplateProvidersToUpdate": ()},
}


def refuse_unsupported(operation: str, request: Document) -> None:
    """Raise UnsupportedOperation for the first member that AWS would act upon and this server would not."""
    for path, accepted in ACCEPTED.get(operation, {}).items():
        for value in _values(request, path.split(".")):
            if value not in accepted:
                raise UnsupportedOperation(_sentence(operation, path, value, accepted))


def _sentence(operation: str, path: str, value: Any, accepted: tuple[Any, ...]) -> str:
    instead = f"only {' or '.join(map(repr, accepted))}" if accepted else "leave it out"
    shown = "" if isinstance(value, dict | list) else f" = {value!r}"
    return f"{operation} with {path}{shown} is not supported by the local SageMaker: {instead}"


def _values(node: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield node
        return
    name, rest = path[0], path[1:]
    child = node.get(name.removesuffix("[]")) if isinstance(node, dict) else None
    if child is None:
        return
    for item in child if name.endswith("[]") else [child]:
        yield from _values(item, rest)
