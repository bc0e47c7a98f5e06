"""Model.register, ModelPackage.deploy, model cards' data, groups."""

import boto3
import pytest
from conftest import CODE, IMAGE, ROLE, unique
from sagemaker.deserializers import CSVDeserializer
from sagemaker.drift_check_baselines import DriftCheckBaselines
from sagemaker.metadata_properties import MetadataProperties
from sagemaker.model import ModelPackage
from sagemaker.model_metrics import FileSource, MetricsSource, ModelMetrics
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn import SKLearnModel

TYPES = {
    "content_types": ["text/csv"],
    "response_types": ["application/json"],
    "inference_instances": ["ml.m5.large"],
    "transform_instances": ["ml.m5.large"],
}


def test_from_register_to_the_packages_endpoint(session, trained):
    group = unique("group")
    statistics = session.upload_string_as_file_body("{}", session.default_bucket(), f"{group}/statistics.json")
    model = SKLearnModel(
        model_data=trained.model_data,
        role=ROLE,
        entry_point="train.py",
        source_dir=str(CODE),
        sagemaker_session=session,
        **IMAGE,
    )
    package = model.register(
        model_package_group_name=group,
        approval_status="PendingManualApproval",
        description="of a test",
        model_metrics=ModelMetrics(model_statistics=MetricsSource("application/json", statistics)),
        drift_check_baselines=DriftCheckBaselines(bias_config_file=FileSource(statistics)),
        metadata_properties=MetadataProperties(commit_id="1234567"),
        customer_metadata_properties={"team": "ml"},
        domain="MACHINE_LEARNING",
        task="REGRESSION",
        sample_payload_url=statistics,
        **TYPES,
    )
    sagemaker = boto3.client("sagemaker")
    described = sagemaker.describe_model_package(ModelPackageName=package.model_package_arn)
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["MetadataProperties"]["CommitId"] == "1234567"
    package.update_approval_status("Approved", approval_description="by a test")
    described = sagemaker.describe_model_package(ModelPackageName=package.model_package_arn)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Approved", "by a test")
    assert described["CustomerMetadataProperties"] == {"team": "ml"}

    latest = sagemaker.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    arn = latest["ModelPackageSummaryList"][0]["ModelPackageArn"]
    deployed = ModelPackage(role=ROLE, model_package_arn=arn, sagemaker_session=session)
    name = unique("package")
    deployed.deploy(1, "ml.m5.large", endpoint_name=name)
    predictor = Predictor(name, session, CSVSerializer(), CSVDeserializer())
    assert float(predictor.predict([[30.0]])[0][0]) == pytest.approx(61.0)
    predictor.delete_endpoint()


def test_an_estimator_registers_itself(session, trained):
    package = trained.register(model_package_group_name=unique("group"), approval_status="Approved", **TYPES)
    transformer_model = ModelPackage(role=ROLE, model_package_arn=package.model_package_arn, sagemaker_session=session)
    transformer = transformer_model.transformer(1, "ml.m5.large", accept="application/json")
    source = session.upload_string_as_file_body("1\n2\n", session.default_bucket(), f"{unique('in')}/x.csv")
    transformer.transform(source, content_type="text/csv", logs=False)
    assert session.read_s3_file(session.default_bucket(), f"{transformer.output_path.split('/', 3)[3]}/x.csv.out")
