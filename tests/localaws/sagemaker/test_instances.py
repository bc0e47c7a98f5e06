"""Jobs with several instances: their rendezvous, their shares of the data, their results, their ends."""

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.sagemaker.errors import UnsupportedOperation
from localaws.sagemaker.jobs.instances import check_count, make_instances
from tests.localaws.sagemaker.conftest import Bench, channel, processing_input, processing_output

THREE = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 3, "VolumeSizeInGB": 1}

# Each sends its name to algo-1, which answers when all are there. The port is the same in every job.
RENDEZVOUS = """
import json, pathlib, socket, time
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
mine, hosts = config["current_host"], config["hosts"]
assert socket.gethostname() == mine
if mine == "algo-1":
    server = socket.create_server((mine, 29500))
    peers = [server.accept()[0] for _ in hosts[1:]]
    names = sorted(peer.recv(100).decode() for peer in peers)
    for peer in peers:
        peer.sendall(",".join(names).encode())
else:
    deadline = time.monotonic() + 60
    while True:
        try:
            peer = socket.create_connection(("algo-1", 29500), 30)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    peer.sendall(mine.encode())
    names = peer.recv(1000).decode().split(",")
print(mine, "met", names)
pathlib.Path("/opt/ml/model", mine).write_text(",".join(names))
pathlib.Path("/opt/ml/model/same").write_text(mine)
"""


def members(bench: Bench, uri: str) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(bench.read(uri))) as archive:
        return {name: archive.extractfile(name).read().decode() for name in archive.getnames()}  # type: ignore[union-attr]


def test_the_instances_of_two_jobs_meet_at_the_same_port(bench: Bench) -> None:
    requests = [bench.training(RENDEZVOUS, ResourceConfig=THREE) for _ in range(2)]
    for request in requests:
        bench.sagemaker.create_training_job(**request)
    for request in requests:
        job = bench.wait("training", request["TrainingJobName"])
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert members(bench, job["ModelArtifacts"]["S3ModelArtifacts"]) == {
            "algo-1": "algo-2,algo-3",
            "algo-2": "algo-2,algo-3",
            "algo-3": "algo-2,algo-3",
            "same": "algo-1",
        }
        log = sorted(bench.log("training", job["TrainingJobName"]))
        assert [line.split()[0] for line in log] == ["algo-1", "algo-2", "algo-3"]


def test_each_instance_gets_its_share_of_the_keys(bench: Bench) -> None:
    for number in range(5):
        bench.put(f"data/{number}.txt", str(number))
    script = """
import json, pathlib, time
mine = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
for kind in ("share", "all"):
    names = sorted(path.name for path in pathlib.Path("/opt/ml/processing", kind).iterdir())
    pathlib.Path("/opt/ml/processing/out", f"{mine}-{kind}").write_text(" ".join(names))
"""
    share = processing_input("share", f"s3://{bench.bucket}/data/", "/opt/ml/processing/share")
    share["S3Input"]["S3DataDistributionType"] = "ShardedByS3Key"
    request = bench.processing(
        script,
        ProcessingInputs=[share, processing_input("all", f"s3://{bench.bucket}/data/", "/opt/ml/processing/all")],
        ProcessingResources={"ClusterConfig": THREE},
        ProcessingOutputConfig={
            "Outputs": [processing_output("out", f"s3://{bench.bucket}/out", "/opt/ml/processing/out")]
        },
    )
    job = bench.run_processing(request)
    assert job["ProcessingJobStatus"] == "Completed", job.get("FailureReason")
    every = "0.txt 1.txt 2.txt 3.txt 4.txt"
    shares = {"algo-1": "0.txt 3.txt", "algo-2": "1.txt 4.txt", "algo-3": "2.txt"}
    found = {key: bench.read(f"s3://{bench.bucket}/{key}").decode() for key in bench.keys("out/")}
    assert found == {f"out/{host}-share": names for host, names in shares.items()} | {
        f"out/{host}-all": every for host in shares
    }


def test_the_failure_of_one_ends_the_others_and_is_the_reason(bench: Bench) -> None:
    script = """
import json, time
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
if config["current_host"] == "algo-2":
    raise ValueError("no such column")
time.sleep(120)
"""
    job = bench.run_training(bench.training(script, ResourceConfig=THREE))
    assert job["FailureReason"] == "AlgorithmError: ValueError: no such column, exit code: 1"


def test_a_stop_reaches_every_instance(bench: Bench) -> None:
    script = """
import json, pathlib, signal, sys, time
mine = json.load(open("/opt/ml/input/config/resourceconfig.json"))["current_host"]
def end(*_):
    pathlib.Path("/opt/ml/model", mine).write_text("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(120)
"""
    request = bench.training(script, ResourceConfig=THREE)
    name = request["TrainingJobName"]
    bench.sagemaker.create_training_job(**request)
    deadline = time.monotonic() + 60
    while _lines(bench, name).count("ready") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    bench.sagemaker.stop_training_job(TrainingJobName=name)
    job = bench.wait("training", name)
    assert job["TrainingJobStatus"] == "Stopped"
    assert sorted(members(bench, job["ModelArtifacts"]["S3ModelArtifacts"])) == ["algo-1", "algo-2", "algo-3"]


def _lines(bench: Bench, name: str) -> list[str]:
    try:
        return bench.log("training", name)
    except bench.logs.exceptions.ResourceNotFoundException:
        return []


def test_no_two_jobs_at_a_time_have_an_address_in_common(tmp_path: Path) -> None:
    addresses: list[str] = []
    for number in range(3):
        home = tmp_path / str(number)
        (home / "ml").mkdir(parents=True)
        addresses += [each.address for each in make_instances(2, home / "ml", home / "job.log")]
    assert len(set(addresses)) == 6
    assert "127.0.0.1" not in addresses


def test_more_instances_than_a_host_can_be_are_refused() -> None:
    with pytest.raises(UnsupportedOperation, match=r"ResourceConfig.InstanceCount = 101 .* at most 100"):
        check_count("ResourceConfig.InstanceCount", 101, isolated=False)


def test_several_isolated_instances_are_refused(bench: Bench) -> None:
    request = bench.training("pass", ResourceConfig=THREE, EnableNetworkIsolation=True)
    with pytest.raises(ClientError, match=r"UnsupportedOperation.*would not reach each other"):
        bench.sagemaker.create_training_job(**request)


def manifest(bench: Bench, content: Any) -> dict[str, Any]:
    uri = bench.put("manifests/train.json", json.dumps(content))
    source = channel("train", uri)
    source["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    return source


def test_a_manifest_names_the_objects(bench: Bench) -> None:
    for name in ("a.txt", "deep/b.txt", "not-named.txt"):
        bench.put(f"data/{name}", name)
    script = """
import pathlib
folder = pathlib.Path("/opt/ml/input/data/train")
names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
assert names == ["a.txt", "deep/b.txt"], names
"""
    source = manifest(bench, [{"prefix": f"s3://{bench.bucket}/data/"}, "a.txt", "deep/b.txt"])
    job = bench.run_training(bench.training(script, InputDataConfig=[source]))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([{"prefix": "s3://BUCKET/data/"}, "gone.txt"], "data/gone.txt, named by the manifest"),
        ([{"prefix": "s3://BUCKET/data/"}], "must be a JSON list"),
        ({"prefix": "s3://BUCKET/data/"}, "must be a JSON list"),
        ([{"prefix": "s3://BUCKET/data/"}, "../../secret"], "leaves its folder"),
    ],
)
def test_a_manifest_that_names_nothing_good_fails_the_job(bench: Bench, content: Any, reason: str) -> None:
    bench.put("secret", "x")
    bench.put("data/../../secret", "x")
    text = json.loads(json.dumps(content).replace("BUCKET", bench.bucket))
    job = bench.run_training(bench.training("pass", InputDataConfig=[manifest(bench, text)]))
    assert job["TrainingJobStatus"] == "Failed"
    assert reason in job["FailureReason"]
