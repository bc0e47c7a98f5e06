"""SageMaker is killed with -9 at random moments: what it had acknowledged is told, each event and each metric."""

import itertools
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.sagemaker.service import SageMaker
from tests.conftest import LocalAws, free_ports, until
from tests.localaws.queues import messages, new_queue
from tests.localaws.sagemaker.conftest import Bench, bench_of
from tests.localaws.service.killable import Killable

ROUNDS = 50
_ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=20)
_SCRIPT = "print('loss=0.5;', flush=True)"
_LOSS = {"Name": "loss", "Regex": "loss=(.+);"}


@pytest.fixture
def server(own_local_aws: Callable[[], LocalAws], tmp_path: Path) -> Iterator[Killable]:
    aws = own_local_aws()
    killable = Killable(SageMaker, aws, tmp_path / "killed", free_ports().gateway)
    killable.start()
    yield killable
    killable.kill()


def heard(aws: LocalAws, detail_type: str) -> str:
    """The URL of a queue that gets SageMaker's events of a type."""
    url, arn = new_queue(aws, "heard")
    events, name = aws.client("events"), detail_type.replace(" ", "-")
    pattern = {"source": ["aws.sagemaker"], "detail-type": [detail_type]}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def wait_for_events(aws: LocalAws, url: str, member: str, expected: set[str]) -> None:
    """Return when the events that a queue has got have all these values of a member."""
    missing = set(expected)
    while missing:
        details = [json.loads(message["Body"])["detail"] for message in messages(aws, url, 1)]
        missing -= {detail.get(member) for detail in details}


class Approver:
    """Updates a model package as long as somebody answers, each time with another description.

    Attributes
    ----------
    acknowledged : set of str
        The descriptions of the updates that were answered with success.
    """

    def __init__(self, sagemaker: Any, package_arn: str) -> None:
        self._sagemaker, self._arn = sagemaker, package_arn
        self.acknowledged: set[str] = set()

    def work(self, round_number: int) -> None:
        """Update until the server is gone."""
        for number in itertools.count():
            description = f"{round_number}-{number}"
            try:
                self._sagemaker.update_model_package(ModelPackageArn=self._arn, ApprovalDescription=description)
            except (ClientError, BotoCoreError):
                return
            self.acknowledged.add(description)
            time.sleep(0.03)


def measured(sagemaker: Any, job: str) -> bool:
    """Whether a job's document has its metrics."""
    return "FinalMetricDataList" in sagemaker.describe_training_job(TrainingJobName=job)


@pytest.mark.timeout(900)
def test_no_event_and_no_metric_is_lost(server: Killable) -> None:
    aws, dice = server.aws, random.Random()
    sagemaker = server.client(config=_ONCE)
    bench = Bench(sagemaker, *(aws.client(name) for name in ("s3", "logs")), bench_of(aws).bucket)
    updates, ends = (heard(aws, f"SageMaker {noun} State Change") for noun in ("Model Package", "Training Job"))
    sagemaker.create_model_package_group(ModelPackageGroupName="killed")
    package = sagemaker.create_model_package(ModelPackageGroupName="killed")["ModelPackageArn"]
    approver, jobs = Approver(sagemaker, package), []
    for round_number in range(ROUNDS):
        job = bench.training(_SCRIPT, AlgorithmSpecification={"MetricDefinitions": [_LOSS]})
        sagemaker.create_training_job(**job)
        jobs.append(job["TrainingJobName"])
        thread = threading.Thread(target=approver.work, args=(round_number,))
        thread.start()
        if round_number % 2:
            until(lambda name=jobs[-1]: measured(sagemaker, name), 120)  # just committed, hardly sent
        else:
            time.sleep(dice.uniform(0, 0.5))
        server.kill()
        thread.join()
        server.start()
    with_metrics = [name for name in jobs if measured(sagemaker, name)]
    assert len(approver.acknowledged) > ROUNDS
    assert len(with_metrics) >= ROUNDS // 2
    wait_for_events(aws, updates, "ApprovalDescription", approver.acknowledged)
    wait_for_events(aws, ends, "TrainingJobName", set(jobs))
    cloudwatch, now = aws.client("cloudwatch"), datetime.now(UTC)

    def is_there(name: str) -> bool:
        found = cloudwatch.get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName="loss",
            Dimensions=[{"Name": "TrainingJobName", "Value": name}],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Average"],
        )
        return [point["Average"] for point in found["Datapoints"]] == [0.5]

    until(lambda: all(is_there(name) for name in with_metrics))


def test_an_eventbridge_that_stands_still_loses_nothing(server: Killable) -> None:
    aws, sagemaker = server.aws, server.client(config=_ONCE)
    updates = heard(aws, "SageMaker Model Package State Change")
    sagemaker.create_model_package_group(ModelPackageGroupName="still")
    package = sagemaker.create_model_package(ModelPackageGroupName="still")["ModelPackageArn"]
    ministack = aws.pids()["ministack"]
    os.kill(ministack, signal.SIGSTOP)
    try:
        for description in ("1", "2", "3"):
            sagemaker.update_model_package(ModelPackageArn=package, ApprovalDescription=description)
        server.kill()
    finally:
        os.kill(ministack, signal.SIGCONT)
    server.start()
    wait_for_events(aws, updates, "ApprovalDescription", {"1", "2", "3"})
