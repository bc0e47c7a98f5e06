"""What services unpack: attacks by the API, and what AWS unpacks."""

import gzip
import io
import json
import stat
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from localaws.containers.errors import JobFailure
from localaws.containers.s3 import download_object, objects_under
from localaws.storage import archive as archives
from tests.conftest import LocalAws

ROLE = "arn:aws:iam::000000000000:role/f"
HANDLER = """
import os, subprocess
def f(event, context):
    os.environ["PATH"] += ":/opt/bin"
    tool = os.path.join(os.environ["LAMBDA_TASK_ROOT"], "tool")
    return [os.readlink(tool), subprocess.run([tool], capture_output=True, text=True).stdout]
"""


def zipped(*entries: tuple[str, str, int]) -> bytes:
    """A zip file of names, contents and modes, as a Unix makes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content, mode in entries:
            made = zipfile.ZipInfo(name)
            made.create_system, made.external_attr = 3, mode << 16
            opened.writestr(made, content)
    return packed.getvalue()


FILE, PROGRAM, LINK = stat.S_IFREG | 0o644, stat.S_IFREG | 0o755, stat.S_IFLNK | 0o777
ATTACKS = [
    pytest.param(("../../escaped", "x", FILE), "'../../escaped' leads out", id="up"),
    pytest.param(("/tmp/escaped", "x", FILE), "'/tmp/escaped' is an absolute name", id="absolute"),
    pytest.param(("tty", "", stat.S_IFCHR | 0o666), "'tty' is neither a file", id="device"),
]


def create_function(local_aws: LocalAws, code: bytes) -> Any:
    return local_aws.client("lambda").create_function(
        FunctionName=f"zip-{uuid.uuid4().hex[:8]}",
        Runtime="python3.12",
        Handler="f.f",
        Role=ROLE,
        Timeout=30,
        Code={"ZipFile": code},
    )


@pytest.mark.parametrize(("attack", "said"), ATTACKS)
def test_a_function_and_a_layer_that_lead_out_are_refused_when_they_arrive(
    local_aws: LocalAws, attack: tuple[str, str, int], said: str
) -> None:
    packed = zipped(("f.py", HANDLER, FILE), attack)
    with pytest.raises(ClientError, match="Could not unzip uploaded file") as refused:
        create_function(local_aws, packed)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert said in str(refused.value)
    with pytest.raises(ClientError, match="Could not unzip uploaded file"):
        local_aws.client("lambda").publish_layer_version(
            LayerName=f"zip-{uuid.uuid4().hex[:8]}", Content={"ZipFile": packed}
        )


def test_a_function_that_unpacks_to_more_than_lambdas_quota_is_refused(local_aws: LocalAws) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as opened, opened.open("zeros", "w") as file:
        for _ in range(251):
            file.write(bytes(1024 * 1024))
    with pytest.raises(ClientError, match="Unzipped size must be smaller than 262144000 bytes"):
        create_function(local_aws, bomb.getvalue())


def test_a_functions_links_and_programs_are_unpacked_as_lambda_does(local_aws: LocalAws) -> None:
    code = zipped(("f.py", HANDLER, FILE), ("bin/tool", "#!/bin/sh\necho here", PROGRAM), ("tool", "bin/tool", LINK))
    function = create_function(local_aws, code)["FunctionName"]
    answer = local_aws.client("lambda").invoke(FunctionName=function)
    assert json.loads(answer["Payload"].read()) == ["bin/tool", "here\n"]


def test_a_functions_link_that_leads_out_fails_its_start_by_name(local_aws: LocalAws) -> None:
    function = create_function(local_aws, zipped(("f.py", HANDLER, FILE), ("tool", "/etc/passwd", LINK)))
    answer = local_aws.client("lambda").invoke(FunctionName=function["FunctionName"])
    assert answer["FunctionError"]
    assert "'tool' is a link to '/etc/passwd', which leads out of the folder" in answer["Payload"].read().decode()


@pytest.mark.parametrize(("attack", "said"), ATTACKS[:2])
def test_a_first_commit_that_leads_out_fails_its_stack(
    local_aws: LocalAws, attack: tuple[str, str, int], said: str
) -> None:
    name = f"zip-{uuid.uuid4().hex[:12]}"
    s3, cloudformation = local_aws.client("s3"), local_aws.client("cloudformation")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="code.zip", Body=zipped(("a", "x", FILE), attack))
    code = {"S3": {"Bucket": name, "Key": "code.zip"}}
    repository = {"Type": "AWS::CodeCommit::Repository", "Properties": {"RepositoryName": name, "Code": code}}
    template = {"Resources": {"Repository": repository}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), OnFailure="DO_NOTHING")
    with pytest.raises(WaiterError, match=r"CREATE_FAILED|terminal failure"):
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    reasons = [
        event.get("ResourceStatusReason", "")
        for event in cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any(f"s3://{name}/code.zip cannot be unpacked: {said}" in reason for reason in reasons), reasons
    cloudformation.delete_stack(StackName=name)


def test_a_key_with_two_slashes_stays_in_the_folder_of_the_job(local_aws: LocalAws, tmp_path: Path) -> None:
    """The key ``data//tmp/x`` has the relative path ``/tmp/x``, and ``folder / "/tmp/x"`` is not in the folder."""
    bucket, s3 = f"zip-{uuid.uuid4().hex[:12]}", local_aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    elsewhere = tmp_path / "elsewhere"
    s3.put_object(Bucket=bucket, Key=f"data/{elsewhere}", Body=b"x")
    [item] = objects_under(s3, f"s3://{bucket}/data")
    assert item.relative == str(elsewhere)
    download_object(s3, item, tmp_path / "job")
    assert not elsewhere.exists()
    assert (tmp_path / "job" / str(elsewhere).lstrip("/")).read_bytes() == b"x"


def test_a_key_that_leads_out_of_the_folder_of_the_job_fails_it(local_aws: LocalAws, tmp_path: Path) -> None:
    bucket, s3 = f"zip-{uuid.uuid4().hex[:12]}", local_aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="data/a/../../escaped", Body=b"x")
    [item] = objects_under(s3, f"s3://{bucket}/data/")
    with pytest.raises(JobFailure, match=r"the key s3://\S+/data/a/\.\./\.\./escaped leaves its folder"):
        download_object(s3, item, tmp_path / "job")
    assert list(tmp_path.iterdir()) == []


def test_a_gzipped_channel_keeps_room_on_the_disk(
    local_aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, s3 = f"zip-{uuid.uuid4().hex[:12]}", local_aws.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="data/x.csv.gz", Body=gzip.compress(bytes(3_000_000)))
    [item] = objects_under(s3, f"s3://{bucket}/data/")
    download_object(s3, item, tmp_path / "job", gunzip=True)
    assert (tmp_path / "job" / "x.csv").stat().st_size == 3_000_000
    free = archives.shutil.disk_usage(tmp_path)._replace(free=512 * 1024**2 + 2_000_000)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: free)
    with pytest.raises(JobFailure, match=r"x\.csv\.gz: the disk of .* keeps 536,870,912 bytes free"):
        download_object(s3, item, tmp_path / "other", gunzip=True)


def test_a_file_of_an_artifact_is_read_up_to_its_limit() -> None:
    packed = io.BytesIO(zipped(("template.yml", "Resources:", FILE), ("large", "x" * 2000, FILE)))
    assert archives.read_from_zip(packed, "template.yml", 1000) == b"Resources:"
    with pytest.raises(archives.ArchiveError, match="'large' has 2,000 bytes, and may have 1,000"):
        archives.read_from_zip(packed, "large", 1000)
    with pytest.raises(KeyError):
        archives.read_from_zip(packed, "other", 1000)
