"""Policies as a user meets them where IAM is enforced: variables, exceptions, limits, what headers ask for, grants."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.ministack.iam.s3_needs import conditions, needs, path_of
from tests.conftest import LocalAws

ROOT = "arn:aws:iam::000000000000:root"
Make = Callable[..., Any]


def policy(*statements: Mapping[str, Any]) -> str:
    resource = [{} if "NotResource" in each else {"Resource": "*"} for each in statements]
    plain = {"Effect": "Allow", "Action": "*"}
    filled = [{**plain, **added, **each} for added, each in zip(resource, statements, strict=True)]
    return json.dumps({"Version": "2012-10-17", "Statement": filled})


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


class User:
    """A new user who may do what the statements say."""

    def __init__(self, local_aws: LocalAws, *statements: Mapping[str, Any], **options: Any) -> None:
        iam, self.name = local_aws.client("iam"), unique("user")
        self.arn = iam.create_user(UserName=self.name, **options)["User"]["Arn"]
        if statements:
            iam.put_user_policy(UserName=self.name, PolicyName="p", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=self.name)["AccessKey"]
        self._keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        self._url = f"http://127.0.0.1:{local_aws.port}"

    def client(self, service: str) -> Any:
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self._url, region_name="us-east-1", config=config, **self._keys)


def is_allowed(call: Callable[..., Any], **members: Any) -> bool:
    try:
        call(**members)
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException"), error
        return False
    return True


@pytest.fixture(scope="module")
def bucket(enforcing_local_aws: LocalAws) -> Iterator[str]:
    s3, name = enforcing_local_aws.client("s3"), unique("policies")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="plain", Body=b"1")
    s3.put_object(Bucket=name, Key="tagged", Body=b"1", Tagging="x=1")
    yield name


def test_a_user_has_its_own_folder(enforcing_local_aws: LocalAws, bucket: str) -> None:
    """The example of IAM's guide, with the user's name and a tag as variables."""
    own = {"Action": "s3:*Object", "Resource": f"arn:aws:s3:::{bucket}/home/${{aws:username}}/*"}
    team = {"Action": "s3:*Object", "Resource": f"arn:aws:s3:::{bucket}/${{aws:PrincipalTag/team, 'nobody'}}/*"}
    listed = {"StringLike": {"s3:prefix": ["", "home/${aws:username}/*"]}}
    account = {"Action": "ssm:PutParameter", "Resource": "*"}
    other = {"Effect": "Deny", "NotResource": "arn:aws:ssm:*:${aws:PrincipalAccount}:parameter/${aws:username}/*"}
    statements = (own, team, {"Action": "s3:ListBucket", "Condition": listed}, account)
    ann = User(enforcing_local_aws, *statements, Tags=[{"Key": "team", "Value": "blue"}])
    s3 = ann.client("s3")
    found = {key: is_allowed(s3.put_object, Bucket=bucket, Key=key) for key in (f"home/{ann.name}/k", "home/bob/k")}
    found |= {key: is_allowed(s3.put_object, Bucket=bucket, Key=key) for key in ("blue/k", "red/k", "nobody/k")}
    assert list(found.values()) == [True, False, True, False, False]
    prefixes = [f"home/{ann.name}/", "home/bob/"]
    assert [is_allowed(s3.list_objects_v2, Bucket=bucket, Prefix=each) for each in prefixes] == [True, False]
    denied = User(enforcing_local_aws, account, {**other, "Action": "ssm:*"})
    ssm = denied.client("ssm")
    names = [f"/{denied.name}/p", f"/{ann.name}/p"]
    kept = {"Value": "v", "Type": "String"}
    assert [is_allowed(ssm.put_parameter, Name=name, **kept) for name in names] == [True, False]


def test_a_deny_for_all_others(enforcing_local_aws: LocalAws) -> None:
    """The root user, if it is not spared, too; the policy itself stays its own."""
    s3, name = enforcing_local_aws.client("s3"), unique("spared")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"1")
    spared, other = (User(enforcing_local_aws, {"Action": "s3:*"}) for _ in range(2))
    spare = {"Effect": "Deny", "NotPrincipal": {"AWS": [spared.arn, ROOT]}, "Resource": f"arn:aws:s3:::{name}/*"}
    s3.put_bucket_policy(Bucket=name, Policy=policy(spare))
    readers = [spared.client("s3"), other.client("s3"), s3]
    assert [is_allowed(each.get_object, Bucket=name, Key="k") for each in readers] == [True, False, True]
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    s3.put_bucket_policy(Bucket=name, Policy=policy({"Effect": "Deny", "Principal": "*", "Resource": arns}))
    assert [is_allowed(each.get_object, Bucket=name, Key="k") for each in readers] == [False, False, False]
    assert [is_allowed(each.delete_bucket_policy, Bucket=name) for each in readers] == [False, False, True]


ALL_OF_S3 = {"Action": "s3:*"}


@pytest.mark.parametrize(
    ("action", "members"),
    [
        ("s3:PutObjectTagging", {"Tagging": "x=1"}),
        ("s3:PutObjectAcl", {"ACL": "private"}),
        ("s3:PutObjectAcl", {"GrantRead": 'id="0"'}),
        ("s3:GetObject", {"CopySource": "plain"}),
        ("s3:GetObjectTagging", {"CopySource": "tagged"}),
        ("s3:PutObjectTagging", {"CopySource": "tagged"}),
        ("s3:PutObjectTagging", {"CopySource": "plain", "TaggingDirective": "REPLACE", "Tagging": "x=1"}),
    ],
)
def test_what_is_put_with_an_object_needs_its_own_action(
    enforcing_local_aws: LocalAws, bucket: str, action: str, members: dict[str, Any]
) -> None:
    denied = User(enforcing_local_aws, ALL_OF_S3, {"Effect": "Deny", "Action": action}).client("s3")
    source = members.get("CopySource")
    given = members | ({"CopySource": {"Bucket": bucket, "Key": source}} if source else {})
    call = "copy_object" if source else "put_object"
    assert not is_allowed(getattr(denied, call), Bucket=bucket, Key="new", **given)
    if not source:
        assert is_allowed(denied.put_object, Bucket=bucket, Key="new")
        assert not is_allowed(denied.create_multipart_upload, Bucket=bucket, Key="new", **given)


def test_the_tags_that_an_object_is_put_with_are_condition_keys(enforcing_local_aws: LocalAws, bucket: str) -> None:
    only = {
        "StringEquals": {"s3:RequestObjectTag/x": "1"},
        "ForAllValues:StringEquals": {"s3:RequestObjectTagKeys": "x"},
    }
    s3 = User(enforcing_local_aws, {"Action": ["s3:PutObject", "s3:PutObjectTagging"], "Condition": only}).client("s3")
    tags = ["x=1", "x=2", "x=1&y=2"]
    assert [is_allowed(s3.put_object, Bucket=bucket, Key="t", Tagging=each) for each in tags] == [True, False, False]


def test_what_headers_need() -> None:
    locked = {"x-amz-object-lock-mode": "GOVERNANCE", "x-amz-object-lock-legal-hold": "ON"}
    arn = "arn:aws:s3:::b/k"
    assert list(needs("s3:PutObject", path_of("/b/k"), locked, lambda *_: {})) == [
        ("s3:PutObjectRetention", arn),
        ("s3:PutObjectLegalHold", arn),
    ]
    made = {"x-amz-bucket-object-lock-enabled": "true", "x-amz-object-ownership": "ObjectWriter"}
    assert [action for action, _ in needs("s3:CreateBucket", path_of("/b"), made, lambda *_: {})] == [
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketVersioning",
        "s3:PutBucketOwnershipControls",
    ]
    versioned = {"x-amz-copy-source": "/b/o%20k?versionId=v"}
    assert list(needs("s3:PutObject", path_of("/b/k"), versioned, lambda *asked: {"x": str(asked)})) == [
        ("s3:GetObjectVersionTagging", "arn:aws:s3:::b/o k"),
        ("s3:PutObjectTagging", arn),
    ]
    assert list(needs("s3:GetObject", path_of("/b/k"), {"x-amz-acl": "private"}, lambda *_: {})) == []
    assert conditions({"x-amz-tagging": "a=1&b=", "x-amz-acl": "private"}) == {
        "s3:x-amz-acl": "private",
        "s3:RequestObjectTag/a": "1",
        "s3:RequestObjectTag/b": "",
        "s3:RequestObjectTagKeys": ["a", "b"],
    }


def test_a_grant_allows_what_it_names_in_its_encryption_context(enforcing_local_aws: LocalAws) -> None:
    kms = enforcing_local_aws.client("kms")
    key, grantee = kms.create_key()["KeyMetadata"]["Arn"], User(enforcing_local_aws)
    mine, asked = grantee.client("kms"), {"KeyId": key, "Plaintext": b"a"}
    assert not is_allowed(mine.encrypt, **asked)
    granted = {"KeyId": key, "GranteePrincipal": grantee.arn, "Operations": ["Encrypt", "DescribeKey"]}
    subset = {"EncryptionContextSubset": {"app": "iris"}}
    grant = kms.create_grant(**granted, Constraints=subset)["GrantId"]
    contexts = [{}, {"app": "iris"}, {"app": "iris", "x": "1"}, {"app": "tulips"}]
    assert [is_allowed(mine.encrypt, **asked, EncryptionContext=each) for each in contexts] == [
        False,
        True,
        True,
        False,
    ]
    assert not is_allowed(mine.generate_data_key, KeyId=key, KeySpec="AES_256", EncryptionContext={"app": "iris"})
    kms.revoke_grant(KeyId=key, GrantId=grant)
    assert not is_allowed(mine.encrypt, **asked, EncryptionContext={"app": "iris"})


def test_the_encryption_context_is_a_condition_key(enforcing_local_aws: LocalAws) -> None:
    only = {"StringEquals": {"kms:EncryptionContext:app": "iris"}}
    key = enforcing_local_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    kms = User(enforcing_local_aws, {"Action": "kms:Encrypt", "Condition": only}).client("kms")
    contexts = [{"app": "iris"}, {"app": "tulips"}, {}]
    found = [is_allowed(kms.encrypt, KeyId=key, Plaintext=b"a", EncryptionContext=each) for each in contexts]
    assert found == [True, False, False]


def test_a_boundary_with_a_tag_of_the_resource(enforcing_local_aws: LocalAws) -> None:
    """MiniStack reads a resource's tags only where a policy of the user's own asks for them."""
    iam, sqs = enforcing_local_aws.client("iam"), enforcing_local_aws.client("sqs")
    ours = {"Condition": {"StringEquals": {"aws:ResourceTag/project": "iris"}}}
    boundary = iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=policy(ours))["Policy"]["Arn"]
    mine = User(enforcing_local_aws, {"Action": "sqs:*"}, PermissionsBoundary=boundary).client("sqs")
    found = []
    for project in ("iris", "tulips"):
        url = sqs.create_queue(QueueName=unique("queue"), tags={"project": project})["QueueUrl"]
        found.append(is_allowed(mine.send_message, QueueUrl=url, MessageBody="m"))
    assert found == [True, False]


def test_a_condition_that_does_not_exist_is_refused(enforcing_local_aws: LocalAws) -> None:
    iam = enforcing_local_aws.client("iam")
    misspelt = policy({"Condition": {"StringEqual": {"aws:username": "Ann"}}})
    with pytest.raises(ClientError, match=r"Invalid Condition type : StringEqual\.") as refused:
        iam.create_policy(PolicyName=unique("misspelt"), PolicyDocument=misspelt)
    assert refused.value.response["Error"]["Code"] == "MalformedPolicyDocument"
