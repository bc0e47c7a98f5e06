"""Pages of lists of 10,000: in order, none twice, by an index (`benchmarks.control_plane` says how fast)."""

from pathlib import Path
from typing import Any

import pytest

from localaws.account.clients import Aws
from localaws.sagemaker.families.documents import handlers as simple_handlers
from localaws.sagemaker.families.table import handlers as family_handlers
from localaws.sagemaker.parts import Parts
from localaws.service.context import Context
from localaws.storage.store import Resource

COUNT = 10_000
HANDLERS = {**family_handlers(), **simple_handlers()}


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    folder: Path = tmp_path_factory.mktemp("long")
    made = Parts.made_of(
        Context.of(folder / "store.sqlite", Aws("http://127.0.0.1:9", "us-east-1", "000000000000"), folder)
    )
    store, aws = made.store, made.aws
    with store.transaction():
        for number in range(COUNT):
            status = "Failed" if number % 100 == 0 else "Completed"
            for kind, noun in (("training-job", "TrainingJob"), ("artifact", "Artifact")):
                name = f"{kind}-{number % 7}-{number}"
                document = {f"{noun}Name": name, f"{noun}Arn": aws.arn(kind, name), f"{noun}Type": "DataSet"}
                document |= {"HyperParameters": {str(key): "x" * 50 for key in range(20)}}
                own = {"status": status} if noun == "TrainingJob" else {"type": "DataSet"}
                source = f"s3://bucket/{number}"
                store.add(Resource(kind, name, aws.arn(kind, name), document, source=source, **own))
    return made


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
def test_pages_hold_each_once(parts: Parts, operation: str, request_: dict[str, Any], count: int) -> None:
    seen, token = [], None
    while token or not seen:
        answer = HANDLERS[operation](parts, {**request_, "MaxResults": 100} | ({"NextToken": token} if token else {}))
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
def test_an_index_finds_what_is_equal(parts: Parts, condition: str, index: str) -> None:
    with parts.store.transaction() as connection:
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM resource WHERE {condition} ORDER BY created DESC, number DESC LIMIT 100",
            ("artifact", "x"),
        ).fetchall()
    assert index in str(plan)
