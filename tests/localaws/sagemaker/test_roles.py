"""SageMaker does what the role of a pipeline, a job or a model may do, and nothing else, where IAM is enforced."""

import json
from typing import Any

import pytest

from tests.conftest import LocalAws, until
from tests.localaws.roles import allow, make_role
from tests.localaws.sagemaker.conftest import Bench, bench_of, processing_output, unique
from tests.localaws.sagemaker.hosting.conftest import Endpoints

Document = dict[str, Any]

JOBS = ["sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob"]
STORE = ["s3:GetObject", "s3:ListBucket"]
WRITE = "import pathlib; pathlib.Path('/opt/ml/processing/out/word').write_text('done')"


@pytest.fixture
def bench(enforcing_local_aws: LocalAws) -> Bench:
    """A bucket and clients of the shared local AWS that enforces IAM."""
    return bench_of(enforcing_local_aws)


def run_step(bench: Bench, pipeline_role: str, job_role: str) -> str:
    """Run a pipeline of one job, which leaves nothing; why it failed, empty when it did not."""
    arguments = bench.processing("pass", RoleArn=job_role)
    del arguments["ProcessingJobName"]
    step = {"Name": "Job", "Type": "Processing", "Arguments": arguments}
    name, definition = unique("pipeline"), json.dumps({"Version": "2020-12-01", "Steps": [step]})
    bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=pipeline_role)
    execution = bench.wait_for_execution(bench.start(name))
    return str(bench.steps(execution["PipelineExecutionArn"])["Job"].get("FailureReason", ""))


def test_a_pipelines_steps_do_what_its_role_may(enforcing_local_aws: LocalAws, bench: Bench) -> None:
    job_role = make_role(enforcing_local_aws, "sagemaker", allow(STORE))
    tag, hand_over = allow("sagemaker:AddTags"), allow("iam:PassRole", job_role)
    for statements, denied in (
        ([tag, hand_over], "sagemaker:CreateProcessingJob"),
        ([allow(JOBS), hand_over], "sagemaker:AddTags"),
        ([allow(JOBS), tag], "iam:PassRole"),
    ):
        reason = run_step(bench, make_role(enforcing_local_aws, "sagemaker", *statements), job_role)
        assert "Failed to invoke sagemaker:CreateProcessingJob. Error Details: User: arn:aws:sts::" in reason
        assert f"/SageMaker is not authorized to perform: {denied} on resource: " in reason
    may = make_role(enforcing_local_aws, "sagemaker", allow(JOBS), tag, hand_over)
    assert run_step(bench, may, job_role) == ""


def test_a_pipeline_registers_in_the_approval_status_that_its_role_may(
    enforcing_local_aws: LocalAws, bench: Bench
) -> None:
    group = unique("group")
    bench.sagemaker.create_model_package_group(ModelPackageGroupName=group)
    pending = {"StringEquals": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}}
    nothing_approved = {"Null": {"sagemaker:CustomerMetadataProperties/ApprovedModel": "true"}}
    register = allow("sagemaker:CreateModelPackage") | {"Condition": pending | nothing_approved}
    role_arn = make_role(enforcing_local_aws, "sagemaker", register, allow("sagemaker:DescribeModelPackage*"))
    said: Document = {"CustomerMetadataProperties": {"ApprovedModel": "anything"}}
    for arguments, is_let_in in (
        ({"ModelApprovalStatus": "Approved"}, False),
        ({}, False),
        ({"ModelApprovalStatus": "PendingManualApproval"} | said, False),
        ({"ModelApprovalStatus": "PendingManualApproval"}, True),
    ):
        step = {"Name": "Register", "Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": group} | arguments}
        name, definition = unique("pipeline"), json.dumps({"Version": "2020-12-01", "Steps": [step]})
        bench.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=role_arn)
        execution = bench.wait_for_execution(bench.start(name))
        reason = bench.steps(execution["PipelineExecutionArn"])["Register"].get("FailureReason", "")
        assert ("is not authorized to perform: sagemaker:CreateModelPackage" in reason) is not is_let_in, reason
        assert (execution["PipelineExecutionStatus"] == "Succeeded") is is_let_in, reason
    [only] = bench.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert only["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_jobs_in_and_output_are_its_roles(enforcing_local_aws: LocalAws, bench: Bench) -> None:
    target = f"s3://{bench.bucket}/out"
    output = {"ProcessingOutputConfig": {"Outputs": [processing_output("out", target, "/opt/ml/processing/out")]}}
    for actions, status, reason in (
        ([], "Failed", "s3:ListBucket"),
        (STORE, "Failed", "s3:PutObject"),
        ([*STORE, "s3:PutObject"], "Completed", ""),
    ):
        role_arn = make_role(enforcing_local_aws, "sagemaker", *([allow(actions)] if actions else []))
        job = bench.run_processing(bench.processing(WRITE, RoleArn=role_arn, **output))
        assert job["ProcessingJobStatus"] == status
        assert reason in job.get("FailureReason", "")


def test_an_endpoint_reads_its_model_and_captures_as_the_models_role(
    enforcing_local_aws: LocalAws, bench: Bench
) -> None:
    endpoints = Endpoints(bench, enforcing_local_aws.client("sagemaker-runtime"))
    capture = {
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{bench.bucket}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }

    def create(status: str, *actions: str) -> str:
        role_arn = make_role(enforcing_local_aws, "sagemaker", allow(["logs:CreateLogStream", *actions]))
        model = endpoints.model("1", role_arn=role_arn)
        return endpoints.create(endpoints.config(endpoints.variant(model), DataCaptureConfig=capture), status)

    failed = endpoints.wait(create("Failed"), "Failed")
    assert "is not authorized to perform: s3:ListBucket" in failed["FailureReason"]
    reader, writer = create("InService", *STORE), create("InService", *STORE, "s3:PutObject")
    for name in (reader, writer):
        endpoints.invoke(name)
    until(lambda: bench.keys(f"captured/{writer}/"))
    assert not bench.keys(f"captured/{reader}/")
    for name in endpoints.made:
        bench.sagemaker.delete_endpoint(EndpointName=name)
