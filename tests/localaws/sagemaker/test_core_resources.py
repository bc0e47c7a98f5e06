"""The SDK's resource classes (``sagemaker.core.resources``): each whose operations are served, with one object of each.

Their answers are read into pydantic's classes, and each is read as a whole: `get`, `refresh`, `wait`, `get_all`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.conftest import LocalAws, until
from tests.localaws.sagemaker.conftest import ROLE, Bench, channel, unique
from tests.localaws.sagemaker.definitions import definition, processing
from tests.localaws.sagemaker.resources import make_model, make_package
from tests.localaws.sagemaker.tuning.conftest import tuning, wait

Document = dict[str, Any]

SCRIPT = r"""
import inspect, json, logging, re, sys
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from sagemaker.core import resources

logging.disable(logging.WARNING)
client = boto3.client("sagemaker", config=Config(parameter_validation=False))


def is_served(kind):
    calls = re.findall(r"client\.(describe_\w+)\(", inspect.getsource(kind.get))
    if not hasattr(client, calls[0]):  # newer than botocore
        return False
    try:
        getattr(client, calls[0])()
    except ClientError as error:
        return error.response["Error"]["Code"] != "UnsupportedOperation"


def read(name, asked):
    kind = getattr(resources, name)
    one = kind.get(**asked["get"])
    one.refresh()
    if "wait" in vars(kind):
        one.wait(poll=1, timeout=60)
    if "status" in asked:
        one.wait_for_status(asked["status"], poll=1, timeout=60)
    listed = [other.get_name() for other in kind.get_all(**asked["all"])]
    assert one.get_name() in listed, (name, one.get_name(), listed)
    return one


asked = json.loads(sys.argv[1])
kinds = {
    name for name, kind in vars(resources).items()
    if inspect.isclass(kind) and issubclass(kind, resources.Base) and "get" in vars(kind) and is_served(kind)
}
assert kinds == set(asked), kinds ^ set(asked)
one = {name: read(name, asked[name]) for name in asked}
execution, package, tuning = one["PipelineExecution"], one["ModelPackage"], one["HyperParameterTuningJob"]
print(json.dumps({
    "steps": [step.step_name for step in execution.get_all_steps()],
    "parameters": [parameter.value for parameter in execution.get_all_parameters()],
    "definition": json.loads(execution.get_pipeline_definition().pipeline_definition)["Version"],
    "packages": [summary.model_approval_status for summary in package.batch_get(
        [package.model_package_arn]).model_package_summaries.values()],
    "tried": [summary.training_job_status for summary in tuning.get_all_training_jobs()],
    "tags": [tag.value for tag in resources.Tag.get_all(resource_arn=one["Model"].model_arn)],
    "edges": [edge.association_type for edge in resources.Association.get_all(source_arn=one["Action"].action_arn)],
    "artifacts": one["TrainingJob"].model_artifacts.s3_model_artifacts,
    "found": [row["Endpoint"]["ProductionVariants"][0]["CurrentInstanceCount"] for row in client.search(
        Resource="Endpoint",
        SearchExpression={"Filters": [{"Name": "EndpointName", "Value": one["Endpoint"].endpoint_name}]},
    )["Results"]],
    "images": one["Endpoint"].production_variants[0].deployed_images[0].resolution_time is not None,
}))
"""


def test_every_resource_class_reads_what_is_served(local_aws: LocalAws, bench: Bench, tmp_path: Path) -> None:
    asked = {**jobs(bench), **served(bench), **registry(bench), **lineage(bench), **pipelines(bench)}
    (tmp_path / "script.py").write_text(SCRIPT)
    done = local_aws.run([sys.executable, str(tmp_path / "script.py"), json.dumps(asked)])
    assert done.returncode == 0, done.stderr[-3000:]
    printed = json.loads(done.stdout.splitlines()[-1])
    training = asked["TrainingJob"]["get"]["training_job_name"]
    assert printed == {
        "steps": ["Process"],
        "parameters": ["0.5"],
        "definition": "2020-12-01",
        "packages": ["PendingManualApproval"],
        "tried": ["Completed"],
        "tags": ["blue"],
        "edges": ["ContributedTo"],
        "artifacts": f"s3://{bench.bucket}/models/{training}/output/model.tar.gz",
        "found": [1],
        "images": True,
    }
    bench.sagemaker.delete_endpoint(EndpointName=asked["Endpoint"]["get"]["endpoint_name"])


def jobs(bench: Bench) -> Document:
    """A job of each type, which may still be running."""
    client, model = bench.sagemaker, make_model(bench)
    request = bench.training("", InputDataConfig=[channel("data", bench.put("data/rows.csv", "1\n"))])
    client.create_training_job(**request)
    process = bench.processing("")
    client.create_processing_job(**process)
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bench.bucket}/data/"}}}
    transform = unique("transform")
    client.create_transform_job(
        TransformJobName=transform,
        ModelName=model,
        TransformInput={**source, "ContentType": "text/csv"},
        TransformOutput={"S3OutputPath": f"s3://{bench.bucket}/transformed"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    tune = tuning(bench, jobs=1, parallel=1)
    client.create_hyper_parameter_tuning_job(**tune)
    wait(client, tune["HyperParameterTuningJobName"])
    names = {
        "TrainingJob": ("training_job_name", request["TrainingJobName"]),
        "ProcessingJob": ("processing_job_name", process["ProcessingJobName"]),
        "TransformJob": ("transform_job_name", transform),
        "HyperParameterTuningJob": ("hyper_parameter_tuning_job_name", tune["HyperParameterTuningJobName"]),
    }
    return {noun: {"get": {key: name}, "all": {"name_contains": name}} for noun, (key, name) in names.items()}


def served(bench: Bench) -> Document:
    """A model, a configuration with it, and an endpoint."""
    client, model, name = bench.sagemaker, make_model(bench), unique("endpoint")
    arn = client.describe_model(ModelName=model)["ModelArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "blue"}])
    variant = {"VariantName": "a", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return {
        "Model": {"get": {"model_name": model}, "all": {"name_contains": model}},
        "EndpointConfig": {"get": {"endpoint_config_name": name}, "all": {"name_contains": name}},
        "Endpoint": {"get": {"endpoint_name": name}, "all": {"name_contains": name}, "status": "InService"},
    }


def registry(bench: Bench) -> Document:
    """A group with a version, and a project."""
    group, project = unique("group"), unique("project")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    bench.sagemaker.create_project(ProjectName=project)
    return {
        "ModelPackageGroup": {
            "get": {"model_package_group_name": group},
            "all": {"name_contains": group},
            "status": "Completed",
        },
        "ModelPackage": {
            "get": {"model_package_name": make_package(bench, group)},
            "all": {"model_package_group_name": group},
            "status": "Completed",
        },
        "Project": {"get": {"project_name": project}, "all": {"name_contains": project}, "status": "CreateCompleted"},
    }


def lineage(bench: Bench) -> Document:
    """Experiment, trial and component; an artifact, a context and an action that leads to the artifact."""
    client, name = bench.sagemaker, unique("lineage")
    client.create_experiment(ExperimentName=name)
    client.create_trial(TrialName=name, ExperimentName=name)
    client.create_trial_component(TrialComponentName=name, Status={"PrimaryStatus": "Completed"})
    client.associate_trial_component(TrialName=name, TrialComponentName=name)
    source = {"SourceUri": f"s3://{bench.bucket}/{name}"}
    artifact = client.create_artifact(Source=source, ArtifactType="DataSet")["ArtifactArn"]
    client.create_context(ContextName=name, ContextType="Test", Source=source)
    action = client.create_action(ActionName=name, ActionType="Test", Source=source)["ActionArn"]
    client.add_association(SourceArn=action, DestinationArn=artifact, AssociationType="ContributedTo")
    latest = {"sort_by": "CreationTime", "sort_order": "Descending"}
    of_source = {"source_uri": source["SourceUri"]}
    return {
        "Experiment": {"get": {"experiment_name": name}, "all": latest},
        "Trial": {"get": {"trial_name": name}, "all": {"experiment_name": name}},
        "TrialComponent": {
            "get": {"trial_component_name": name},
            "all": {"trial_name": name},
            "status": "Completed",
        },
        "Artifact": {"get": {"artifact_arn": artifact}, "all": of_source},
        "Context": {"get": {"context_name": name}, "all": of_source},
        "Action": {"get": {"action_name": name}, "all": of_source},
    }


def pipelines(bench: Bench) -> Document:
    """A pipeline and an execution of it."""
    name = unique("pipeline")
    parameters = [{"Name": "Rate", "Type": "Float", "DefaultValue": 0.5}]
    text = definition(processing(bench, "Process", ""), parameters=parameters)
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE)
    arn = bench.start(name)
    until(lambda: bench.steps(arn))
    return {
        "Pipeline": {
            "get": {"pipeline_name": name},
            "all": {"pipeline_name_prefix": name},
            "status": "Active",
        },
        "PipelineExecution": {
            "get": {"pipeline_execution_arn": arn},
            "all": {"pipeline_name": name},
            "status": "Succeeded",
        },
    }
