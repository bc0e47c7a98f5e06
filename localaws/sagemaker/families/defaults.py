"""What AWS adds to a request that says nothing of it: the members that its Describe answers always have.

A row is a structure of botocore's model, so that it counts wherever the structure is: in a training job, and in the
definition of the training jobs of a tuning job. The document of a resource is completed when it is created: events,
Search, the properties of pipelines' steps and Describe show the same.

Sources: outputs of Describe operations that people published, such as those in AWS's guides and sample notebooks; the
defaults in the API reference; what the SDKs read without asking whether it is there (``Estimator.attach``,
``HyperparameterTuner.attach``, ``Transformer.attach`` of version 2); what Terraform's AWS provider compares.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.model import ListShape, Shape, StructureShape

from localaws.document import Document
from localaws.sagemaker.service_model import operation

_DAY_SECONDS = 86_400
_JOB_OF_ONES_OWN = {
    "EnableNetworkIsolation": False,
    "EnableInterContainerTrafficEncryption": False,
    "EnableManagedSpotTraining": False,
}
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # Jobs
    "DescribeTrainingJobResponse": {**_JOB_OF_ONES_OWN, "OutputDataConfig": {}, "StoppingCondition": {}},
    "DescribeProcessingJobResponse": {"StoppingCondition": {}},
    "DescribeTransformJobResponse": {"BatchStrategy": "MultiRecord", "TransformOutput": {}, "DataProcessing": {}},
    "HyperParameterTrainingJobDefinition": _JOB_OF_ONES_OWN,
    "HyperParameterAlgorithmSpecification": {"MetricDefinitions": []},
    "HyperParameterTuningJobConfig": {"TrainingJobEarlyStoppingType": "Off"},
    "ParameterRanges": {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    },
    "AlgorithmSpecification": {"EnableSageMakerMetricsTimeSeries": False},
    "Channel": {"CompressionType": "None", "RecordWrapperType": "None"},
    "OutputDataConfig": {"KmsKeyId": ""},
    "StoppingCondition": {"MaxRuntimeInSeconds": _DAY_SECONDS},
    "ProcessingStoppingCondition": {"MaxRuntimeInSeconds": _DAY_SECONDS},
    "TransformInput": {"CompressionType": "None", "SplitType": "None"},
    "TransformOutput": {"AssembleWith": "None", "KmsKeyId": ""},
    "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
    # Models and endpoints
    "DescribeModelOutput": {"EnableNetworkIsolation": False},
    "ContainerDefinition": {"Mode": "SingleModel"},
    "ProductionVariant": {"InitialVariantWeight": 1.0},
    # The registry
    "DescribeModelPackageOutput": {"CertifyForMarketplace": False},
}


def completed(describe: str, document: Document) -> Document:
    """Return a resource's document with the members that AWS adds.

    Parameters
    ----------
    describe : str
        The operation that shows it, such as ``DescribeTrainingJob``.
    document : dict
    """
    found: Document = _completed(operation(describe).output_shape, document)
    return found


def _completed(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        whole = {**DEFAULTS.get(shape.name, {}), **{name: item for name, item in value.items() if item is not None}}
        leading = _leading(shape)
        return {name: _completed(leading[name], item) if name in leading else item for name, item in whole.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_completed(shape.member, item) for item in value]
    return value


@cache
def _leading(shape: StructureShape) -> Mapping[str, Shape]:
    """Return the members of a structure that are structures, or lists of them."""
    return {name: member for name, member in shape.members.items() if isinstance(_item_of(member), StructureShape)}


def _item_of(shape: Shape) -> Shape:
    return shape.member if isinstance(shape, ListShape) else shape
