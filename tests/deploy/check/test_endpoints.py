"""An endpoint that its stack made, and one that somebody has changed behind its stack's back."""

import io
import tarfile
from pathlib import Path

from deploy.check.finding import Status
from tests.deploy.check.conftest import Checked, statuses, wait
from tests.deploy.conftest import IMAGE, ROLE

TEMPLATE = Path(__file__).parents[3] / "deploy" / "templates" / "endpoint.yml"
ENDPOINT = "AWS::SageMaker::Endpoint"
SCRIPT = b"def model_fn(d): return 1\ndef transform_fn(model, body, content_type, accept): return 1\n"


def deploy_staging(project: Checked) -> str:
    """Make the stack of staging; its endpoint's name."""
    buffer, bucket = io.BytesIO(), f"{project.name}-data"
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(SCRIPT)
        archive.addfile(entry, io.BytesIO(SCRIPT))
    project.client("s3").put_object(Bucket=bucket, Key="model.tar.gz", Body=buffer.getvalue())
    package = project.client("sagemaker").create_model_package(
        ModelPackageGroupName=project.name,
        ModelApprovalStatus="Approved",
        InferenceSpecification={"Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}]},
    )
    given = {
        "SageMakerProjectName": project.name,
        "StageName": "staging",
        "ModelExecutionRoleArn": ROLE,
        "ModelPackageName": package["ModelPackageArn"],
        "DataCaptureUploadPath": f"s3://{bucket}/capture",
    }
    name = f"sagemaker-{project.name}-deploy-staging"
    project.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )
    assert wait(project.client("cloudformation"), name) == "CREATE_COMPLETE"
    return f"{project.name}-staging"


def test_an_endpoint_runs_what_its_stack_says_and_captures(checked: Checked):
    endpoint = deploy_staging(checked)
    [physical_id] = [one.physical_id for one in checked.system().of_type(ENDPOINT)]
    seen = checked.verdicts(ENDPOINT, physical_id)
    assert statuses(seen) == dict.fromkeys(("InService", "Configuration", "DataCapture"), Status.OK), seen
    assert f"100 % to s3://{checked.name}-data/capture" in seen["DataCapture"].why
    assert statuses(checked.verdicts("Stage", "staging")) == {"Deployed": Status.OK}

    sagemaker = checked.client("sagemaker")
    serving = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=serving)["ProductionVariants"]
    other = f"{checked.name}-other"
    sagemaker.create_endpoint_config(EndpointConfigName=other, ProductionVariants=variants)
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=endpoint, WaiterConfig={"Delay": 0.1, "MaxAttempts": 600}
    )
    seen = checked.verdicts(ENDPOINT, physical_id)
    assert seen["Configuration"].status is Status.FAILED
    assert seen["Configuration"].why == f"runs {other}, its stack says {serving.lower()}"
    assert seen["DataCapture"].status is Status.FAILED
    assert "deploy-model plan --project-name" in seen["DataCapture"].action

    sagemaker.delete_endpoint(EndpointName=endpoint)
    while "is not there" not in (gone := checked.verdicts(ENDPOINT, physical_id)["InService"]).why:
        assert gone.why.startswith("Deleting"), gone
