"""kill -9 in the middle of a stack's creation: the stack says so, and can be deleted and made again."""

import os
import signal
import time
import uuid
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import LocalAws, until, wait_until_gone
from tests.localaws.sagemaker.conftest import bench_of
from tests.localaws.sagemaker.hosting.conftest import Endpoints
from tests.localaws.stacks import Stacks

SLOW = """
import time
def model_fn(d):
    time.sleep(5)
    return 1
def transform_fn(model, body, content_type, accept):
    return "1"
"""


def test_a_stack_whose_creation_was_killed_is_made_again(own_local_aws: Callable[[], LocalAws]) -> None:
    aws = own_local_aws()
    endpoints, stacks = Endpoints(bench_of(aws), aws.client("sagemaker-runtime")), Stacks(aws)
    name = f"killed-{uuid.uuid4().hex[:12]}"
    config = endpoints.config(endpoints.variant(endpoints.model("1", SLOW)))
    properties = {"EndpointName": name, "EndpointConfigName": config}
    resources = {"Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": properties}}
    stacks.begin(name, resources)
    until(lambda: name in [each["EndpointName"] for each in endpoints.client.list_endpoints()["Endpoints"]])
    time.sleep(2.5)  # MiniStack saves its state about a second after a change
    ministack = aws.pids()["ministack"]
    os.kill(ministack, signal.SIGKILL)
    wait_until_gone([ministack])

    def has_ended() -> bool:
        try:
            return stacks.end(name) == "CREATE_FAILED"
        except (BotoCoreError, ClientError):
            return False

    until(has_ended)
    assert "Local AWS was stopped in the middle of it" in stacks.reasons(name)
    stacks.delete(name)
    assert stacks.make(name, resources) == "CREATE_COMPLETE", stacks.reasons(name)
