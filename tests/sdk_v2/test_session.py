"""Session() without arguments, and what hangs on it."""

import boto3
import sagemaker
from conftest import ROLE, unique
from sagemaker.local import LocalSession
from sagemaker.s3 import S3Downloader, S3Uploader


def test_a_bare_session_stays_on_this_machine(session):
    assert session.account_id() == "000000000000"
    assert session.default_bucket() == "sagemaker-us-east-1-000000000000"
    assert session.get_caller_identity_arn().startswith("arn:aws:iam::000000000000:")
    assert session.boto_region_name == "us-east-1"


def test_the_role_of_the_caller(session):
    """The user is no role: the SDK then looks at the caller, and says so with a name."""
    role = boto3.client("iam").create_role(
        RoleName=unique("role"), AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}'
    )["Role"]["Arn"]
    name = role.rpartition("/")[2]
    assert session.expand_role(name) == role
    assert session.expand_role(ROLE) == ROLE
    credentials = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName="v2")["Credentials"]
    as_role = sagemaker.Session(
        boto3.Session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    )
    assert sagemaker.get_execution_role(as_role) == role


def test_files_go_up_and_come_down(session, tmp_path):
    prefix = unique("files")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("one")
    place = session.upload_data(str(tmp_path / "in"), key_prefix=prefix)
    assert session.read_s3_file(session.default_bucket(), f"{prefix}/a.txt") == "one"
    assert session.list_s3_files(session.default_bucket(), prefix) == [f"{prefix}/a.txt"]
    session.download_data(str(tmp_path / "out"), session.default_bucket(), key_prefix=prefix)
    assert (tmp_path / "out" / "a.txt").read_text() == "one"
    S3Uploader.upload_string_as_file_body("two", f"{place}/b.txt", sagemaker_session=session)
    assert S3Downloader.read_file(f"{place}/b.txt", sagemaker_session=session) == "two"
    assert len(S3Downloader.list(place, sagemaker_session=session)) == 2


def test_the_sdks_own_local_session_is_made():
    """It runs jobs with Docker, of its own, and asks nothing of local AWS but S3."""
    assert LocalSession().default_bucket() == "sagemaker-us-east-1-000000000000"
