"""Pages of lists of 10,000: in order, none twice, by an index (`benchmarks.control_plane` says how fast)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localaws.sagemaker.aws import Aws
from localaws.sagemaker.families.documents import handlers as simple_handlers
from localaws.sagemaker.families.table import handlers as family_handlers
from localaws.sagemaker.jobs.runner import JobRunner
from localaws.sagemaker.notifier import Notifier
from localaws.sagemaker.parts import Control
from localaws.storage.store import Resource, Store

COUNT = 10_000
HANDLERS = {**family_handlers(), **simple_handlers()}


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    folder: Path = tmp_path_factory.mktemp("long")
    aws = Aws("http://127.0.0.1:9", "us-east-1", "000000000000")
    store, notifier = Store(folder / "store.sqlite"), Notifier(aws)
    with store.transaction():
        for number in range(COUNT):
            status = "Failed" if number % 100 == 0 else "Completed"
            for kind, noun in (("training-job", "TrainingJob"), ("artifact", "Artifact")):
                name = f"{kind}-{number % 7}-{number}"
                document = {f"{noun}Name": name, f"{noun}Arn": aws.arn(kind, name), f"{noun}Type": "DataSet"}
                document |= {"HyperParameters": {str(key): "x" * 50 for key in range(20)}}
                parent = f"s3://bucket/{number}"
                own = status if noun == "TrainingJob" else "DataSet"
                store.add(Resource(kind, name, aws.arn(kind, name), document, parent=parent, status=own))
    yield Control(store, aws, notifier, JobRunner(store, aws, notifier, folder), folder)
    notifier.close()


@pytest.mark.parametrize(
    ("operation", "request_", "count"),
    [
        ("ListTrainingJobs", {"SortBy": "CreationTime"}, COUNT),
        ("ListTrainingJobs", {"SortBy": "Name", "SortOrder": "Ascending"}, COUNT),
        ("ListTrainingJobs", {"SortBy": "Status"}, COUNT),
        ("ListTrainingJobs", {"NameContains": "-3-"}, COUNT // 7 + 1),
        ("ListTrainingJobs", {"NameContains": "nowhere"}, 0),
        ("ListTrainingJobs", {"StatusEquals": "Failed"}, COUNT // 100),
        ("ListTrainingJobs", {"StatusEquals": "Stopped", "NameContains": "job"}, 0),
        ("ListArtifacts", {"ArtifactType": "DataSet"}, COUNT),
        ("ListArtifacts", {"ArtifactType": "Model"}, 0),
        ("ListArtifacts", {"SourceUri": "s3://bucket/5000"}, 1),
    ],
)
def test_pages_hold_each_once(control: Control, operation: str, request_: dict[str, Any], count: int) -> None:
    seen, token = [], None
    while token or not seen:
        answer = HANDLERS[operation](control, {**request_, "MaxResults": 100} | ({"NextToken": token} if token else {}))
        page = answer.get("TrainingJobSummaries", answer.get("ArtifactSummaries"))
        seen += [each.get("TrainingJobArn", each.get("ArtifactArn")) for each in page]
        if not (token := answer["NextToken"]):
            break
        assert len(page) == 100
    assert (len(seen), len(set(seen))) == (count, count)


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("kind = ? AND parent = ?", "resource_by_parent"),
        ("kind = ? AND name = ?", "resource_of_name"),
        ("kind = ? AND status = ?", "resource_of_status"),
    ],
)
def test_an_index_finds_what_is_equal(control: Control, condition: str, index: str) -> None:
    with control.store.transaction() as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM resource WHERE {condition} ORDER BY created DESC, number DESC LIMIT 100",
            ("artifact", "x"),
        ).fetchall()
    assert index in str(plan)
