"""A first deployment that fails is in nobody's way: the same command, with a version that works, deploys it."""

import io
import tarfile
from pathlib import Path
from typing import Any

from tests.deploy.conftest import IMAGE, Registry, Run

SCRIPT = """
def model_fn(d):
    return 1
def transform_fn(model, body, content_type, accept):
    return "served"
"""


def good_version(registry: Registry) -> str:
    """Register a version that can be served; the registry's own, whose model is no archive, cannot."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(SCRIPT)
        archive.addfile(entry, io.BytesIO(SCRIPT.encode()))
    registry.local_aws.client("s3").put_object(Bucket=registry.bucket, Key="good.tar.gz", Body=buffer.getvalue())
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{registry.bucket}/good.tar.gz"}
    types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
    made = registry.local_aws.client("sagemaker").create_model_package(
        ModelPackageGroupName=registry.group,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={"Containers": [container], **types},
    )
    return registry.approve(made["ModelPackageArn"])


def endpoints(registry: Registry) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = registry.local_aws.client("sagemaker").list_endpoints(NameContains=registry.group)[
        "Endpoints"
    ]
    return found


def test_after_a_first_deployment_that_failed_the_same_command_deploys(registry: Registry, deploy_model: Run) -> None:
    bad, good = registry.register_approved(), good_version(registry)
    failed = deploy_model("staging", "--model-package", bad)
    assert (failed.returncode, endpoints(registry)) == (1, [])
    assert "it is ROLLBACK_COMPLETE now: Endpoint" in failed.stderr
    done = deploy_model("staging", "--model-package", good)
    assert done.returncode == 0, done.stderr
    [endpoint] = endpoints(registry)
    assert endpoint["EndpointStatus"] == "InService"
    runtime = registry.local_aws.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint["EndpointName"], Body=b"1", ContentType="text/csv")
    assert answer["Body"].read() == b"served"
    deleted = deploy_model("delete", "staging", "--yes")
    assert (deleted.returncode, endpoints(registry)) == (0, []), deleted.stderr


def test_a_parameter_that_the_template_does_not_have_is_refused(registry: Registry, deploy_model: Run) -> None:
    source = str(Path(__file__).parents[2])
    refused = deploy_model("project", "--source", source, "--parameters", "Foo=1")
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert "Parameters: [Foo] do not exist in the template" in refused.stderr
