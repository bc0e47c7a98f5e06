"""Projects of a test's own, and their builds followed to the end."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import LocalAws

ENVIRONMENT = {
    "type": "LINUX_CONTAINER",
    "image": "aws/codebuild/standard:7.0",
    "computeType": "BUILD_GENERAL1_SMALL",
}
ROLE = "arn:aws:iam::000000000000:role/build"


def spec(*commands: str, more: str = "") -> str:
    """A buildspec of one phase."""
    return f"version: 0.2\nphases: {{build: {{commands: {json.dumps(commands)}}}}}\n{more}"


def zipped(files: Mapping[str, str]) -> bytes:
    """A ZIP file."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


@dataclass(frozen=True)
class Project:
    """A project, and the bucket for its sources and artifacts."""

    local_aws: LocalAws
    name: str

    @property
    def client(self) -> Any:
        return self.local_aws.client("codebuild")

    @property
    def s3(self) -> Any:
        return self.local_aws.client("s3")

    def create(self, buildspec: str = "", **members: Any) -> None:
        """Create it; of a ZIP file when there is a source, else of the buildspec alone."""
        usual = {
            "source": {"type": "NO_SOURCE", "buildspec": buildspec},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": ENVIRONMENT,
            "serviceRole": ROLE,
        }
        self.client.create_project(name=self.name, **{**usual, **members})

    def put_source(self, files: Mapping[str, str]) -> dict[str, str]:
        """Put a ZIP file; give the source which it is."""
        self.s3.put_object(Bucket=self.name, Key="source.zip", Body=zipped(files))
        return {"type": "S3", "location": f"{self.name}/source.zip"}

    def build(self, **request: Any) -> dict[str, Any]:
        """Run a build to its end."""
        return self.ended(self.client.start_build(projectName=self.name, **request)["build"]["id"])

    def ended(self, build_id: str, seconds: float = 60) -> dict[str, Any]:
        """A build, when it has ended."""
        return self.follow(build_id, lambda build: build["buildComplete"], seconds)

    def follow(self, build_id: str, until: Any, seconds: float = 60) -> dict[str, Any]:
        """A build, when something holds of it."""
        deadline = time.monotonic() + seconds
        while not until(build := self.get(build_id)):
            assert time.monotonic() < deadline, f"{build['phases']}\n{self.log(build)}"
            time.sleep(0.03)
        return build

    def get(self, build_id: str) -> dict[str, Any]:
        [build] = self.client.batch_get_builds(ids=[build_id])["builds"]
        return dict(build)

    def log(self, build: Mapping[str, Any]) -> str:
        """What the build has printed."""
        logs, client = build["logs"], self.local_aws.client("logs")
        try:
            answer = client.get_log_events(
                logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True
            )
        except client.exceptions.ResourceNotFoundException:
            return ""
        return "\n".join(event["message"] for event in answer["events"])


def phases(build: Mapping[str, Any]) -> dict[str, str]:
    """The status of each phase; the last, COMPLETED, has none."""
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


@pytest.fixture
def project(local_aws: LocalAws) -> Project:
    name = f"build-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3").create_bucket(Bucket=name)
    return Project(local_aws, name)
