"""An event loop that stalls is seen, with what it was doing, and a busy machine is not taken for one."""

import asyncio
import logging
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from localaws.errors import LocalAwsError
from localaws.protocol.stalls import STALLED, VARIABLE, StallWatch, limit
from tests.conftest import LocalAws, stalls_of


def compute(seconds: float) -> None:
    """Use the processor."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_stall_is_said_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    async def stall() -> float:
        watch = StallWatch(0.1)
        await asyncio.sleep(0.05)
        compute(0.4)
        await asyncio.sleep(0.1)
        return watch.longest

    with caplog.at_level(logging.ERROR):
        assert 0.4 <= asyncio.run(stall()) < 1
    [said] = [record.getMessage() for record in caplog.records]
    assert said.startswith(STALLED)
    assert "compute" in said


def test_a_loop_that_is_only_late_has_not_stalled(caplog: pytest.LogCaptureFixture) -> None:
    async def wait() -> float:
        watch = StallWatch(0.1)
        for _ in range(20):
            compute(0.02)
            await asyncio.sleep(0)
        time.sleep(0.3)  # as if others had the processor
        return watch.longest

    with caplog.at_level(logging.ERROR):
        assert asyncio.run(wait()) < 0.1
    assert not caplog.records


def test_the_variable_is_a_number() -> None:
    assert limit({}) is None
    assert limit({VARIABLE: "0.1"}) == 0.1
    with pytest.raises(LocalAwsError, match="has the value 'soon'"):
        limit({VARIABLE: "soon"})


def test_hook_nobody_waits_for_the_names_of_all_services(local_aws: LocalAws) -> None:
    """`read_models_elsewhere`: asked for a service that is not there, the loop read botocore's models for 3 seconds.

    A page's request is looked at twice: before it is let through, and by MiniStack.
    """
    signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/glacier/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Authorization": signed, "Origin": "http://page.example"}
    request = urllib.request.Request(f"http://127.0.0.1:{local_aws.port}/-/vaults", headers=headers)
    for _ in range(2):  # after the second answer, the loop has gone round
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)
        with pytest.raises(ClientError, match="has no glacier"):
            local_aws.client("glacier").list_vaults()
    assert not [found for found in stalls_of(local_aws.state_dir, 0.5) if "_is_aws_service_name" in found]
