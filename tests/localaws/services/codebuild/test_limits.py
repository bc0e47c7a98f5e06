"""Time limits, with minutes that are short."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.account.clients import Aws
from localaws.service.context import Context
from localaws.services.codebuild import projects
from localaws.services.codebuild.builds import Builds
from localaws.services.codebuild.runner import BuildRunner
from tests.conftest import LocalAws
from tests.localaws.services.codebuild.conftest import ENVIRONMENT, ROLE, phases, spec


@pytest.fixture
def builds(local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builds]:
    """CodeBuild in this process, with minutes of a twentieth of a second and one build at a time."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    aws = Aws(f"http://127.0.0.1:{local_aws.port}", "us-east-1", "000000000000")
    context = Context.of(tmp_path / "store.sqlite", aws, tmp_path)
    runs = BuildRunner(context, minute=0.05, at_once=1)
    request = {
        "name": "limits",
        "source": {"type": "NO_SOURCE", "buildspec": spec("sleep 600")},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": ENVIRONMENT,
        "serviceRole": ROLE,
    }
    projects.create(context, request)
    yield Builds(context, runs)
    runs.close()


def ended(builds: Builds, build_id: str) -> dict[str, object]:
    deadline = time.monotonic() + 60
    while not (build := builds.batch_get({"ids": [build_id]})["builds"][0])["buildComplete"]:
        assert time.monotonic() < deadline, build
        time.sleep(0.02)
    return dict(build)


def test_a_build_has_its_time_in_the_queue_and_its_time_to_run(builds: Builds) -> None:
    def start(minutes: int, queued: int) -> str:
        limits = {"timeoutInMinutesOverride": minutes, "queuedTimeoutInMinutesOverride": queued}
        return str(builds.start({"projectName": "limits", **limits})["build"]["id"])

    first = start(minutes=60, queued=480)
    second = start(minutes=60, queued=5)
    late = ended(builds, second)
    assert late["buildStatus"] == "TIMED_OUT"
    assert phases(late) == {"SUBMITTED": "SUCCEEDED", "QUEUED": "TIMED_OUT", "COMPLETED": ""}
    slow = ended(builds, first)
    assert slow["buildStatus"] == "TIMED_OUT"
    assert phases(slow)["BUILD"] == "TIMED_OUT"
    [context] = next(phase["contexts"] for phase in slow["phases"] if phase["phaseType"] == "BUILD")  # type: ignore[attr-defined]
    assert context == {"statusCode": "BUILD_TIMED_OUT", "message": "Build has timed out."}
