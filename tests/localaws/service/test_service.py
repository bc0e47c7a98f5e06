"""A new service is a class with a table of operations: everything else comes from the chassis."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.conftest import LocalAws, free_ports
from tests.localaws.queues import messages, new_queue
from tests.localaws.service.killable import Killable
from tests.localaws.service.snapshots import Snapshots


@pytest.fixture
def server(local_aws: LocalAws, tmp_path: Path) -> Iterator[Killable]:
    killable = Killable(Snapshots, local_aws, tmp_path / "state", free_ports().gateway)
    killable.start()
    yield killable
    killable.kill()


def test_a_service_of_twenty_lines(server: Killable) -> None:
    queue, queue_arn = new_queue(server.aws, "snapshots")
    events = server.aws.client("events")
    events.put_rule(Name="snapshots", EventPattern=json.dumps({"source": ["aws.fsx"]}))
    events.put_targets(Rule="snapshots", Targets=[{"Id": "queue", "Arn": queue_arn}])
    fsx = server.client()
    request = {"ClientRequestToken": "once", "Name": "before", "VolumeId": "fsvol-0123456789abcdef0"}
    made = fsx.create_snapshot(**request)["Snapshot"]
    assert made["Name"] == "before"
    assert fsx.create_snapshot(**request)["Snapshot"]["SnapshotId"] == made["SnapshotId"]
    server.kill()
    server.start()
    assert fsx.create_snapshot(**request)["Snapshot"]["SnapshotId"] == made["SnapshotId"]
    (message,) = messages(server.aws, queue, 1)
    assert json.loads(message["Body"])["detail"]["SnapshotId"] == made["SnapshotId"]
    for call, match in (
        (lambda: fsx.create_snapshot(**request | {"Name": "other"}), "with other parameters"),
        (lambda: fsx.create_snapshot(**request | {"Name": "!", "ClientRequestToken": "two"}), "regular expression"),
        (fsx.describe_snapshots, "DescribeSnapshots of fsx is not supported by local AWS"),
    ):
        with pytest.raises(ClientError, match=match):
            call()
