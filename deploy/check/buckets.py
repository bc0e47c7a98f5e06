"""Buckets: encrypted, private, versioned, reached by TLS only; the data bucket tells EventBridge and holds data."""

import json
from typing import Any

from botocore.exceptions import ClientError

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok
from deploy.check.policies import listed, statements
from deploy.check.system import Resource, System

TRAINING_DATA = "traindata/"
_UPDATE = "the stack's template has it: bring the bucket back to that, or"


def there(system: System, resource: Resource) -> Verdict:
    """The bucket exists."""
    system.client("s3").head_bucket(Bucket=resource.physical_id)
    return ok("there")


def encryption(system: System, resource: Resource) -> Verdict:
    """Objects are encrypted with a KMS key, but in a bucket of access logs, for which S3 takes its own keys only."""
    told = system.client("s3").get_bucket_encryption(Bucket=resource.physical_id)
    rule = told["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]
    if rule["SSEAlgorithm"].startswith("aws:kms"):
        return ok(f"{rule['SSEAlgorithm']}, {rule.get('KMSMasterKeyID', 'the key of S3')}")
    if _takes_access_logs(system, resource):
        return ok(f"{rule['SSEAlgorithm']}: access logs can have no other")
    return failed(
        f"{rule['SSEAlgorithm']}: objects are not encrypted with the project's key",
        f"{_UPDATE} `aws s3api put-bucket-encryption` with aws:kms and the project's key",
    )


def private(system: System, resource: Resource) -> Verdict:
    """Nothing can make an object of the bucket public."""
    action = f"{_UPDATE} `aws s3api put-public-access-block --bucket {resource.physical_id}` with all four true"
    told = _or_none(system, resource, "get_public_access_block", "NoSuchPublicAccessBlockConfiguration")
    if told is None:
        return failed("no public access block: a policy or an ACL can make objects public", action)
    block = told["PublicAccessBlockConfiguration"]
    wanted = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    off = [name for name in wanted if not block.get(name)]
    return failed(f"{', '.join(off)} is off", action) if off else ok("public access is blocked")


def versioned(system: System, resource: Resource) -> Verdict:
    """What is overwritten or deleted can be restored."""
    status = system.client("s3").get_bucket_versioning(Bucket=resource.physical_id).get("Status", "never enabled")
    if status == "Enabled":
        return ok("versioning is enabled")
    return failed(
        f"versioning is {status}: what is overwritten is lost",
        f"`aws s3api put-bucket-versioning --bucket {resource.physical_id} --versioning-configuration Status=Enabled`",
    )


def tls_only(system: System, resource: Resource) -> Verdict:
    """The bucket and its objects are denied to requests without TLS."""
    arn = f"arn:{resource.stack.stack_id.split(':')[1]}:s3:::{resource.physical_id}"
    if any(_denies_plain_http(statement, arn) for statement in _policy(system, resource)):
        return ok("plain HTTP is denied")
    return failed(
        "its policy does not deny plain HTTP to the bucket and its objects",
        f"{_UPDATE} add a Deny of s3:* on it and its objects for everybody where aws:SecureTransport is false",
    )


def event_bridge(system: System, resource: Resource) -> Verdict | None:
    """What arrives in the data bucket is an event: without, no file starts anything."""
    if not _holds_data(system, resource):
        return None
    told = system.client("s3").get_bucket_notification_configuration(Bucket=resource.physical_id)
    if "EventBridgeConfiguration" in told:
        return ok("objects that arrive are events")
    return failed(
        "EventBridge is off: no file that arrives starts a training or a batch transform",
        f"`aws s3api put-bucket-notification-configuration --bucket {resource.physical_id} "
        "--notification-configuration EventBridgeConfiguration={}`",
    )


def training_data(system: System, resource: Resource) -> Verdict | None:
    """There is something to train with."""
    if not _holds_data(system, resource):
        return None
    told = system.client("s3").list_objects_v2(Bucket=resource.physical_id, Prefix=TRAINING_DATA, MaxKeys=100)
    files = [item for item in told.get("Contents", []) if item["Size"] > 0]
    place = f"s3://{resource.physical_id}/{TRAINING_DATA}"
    if files:
        return ok(f"{len(files)}{'+' if told.get('IsTruncated') else ''} file(s) in {place}")
    return failed(f"{place} is empty: no training can run", f"`aws s3 cp --recursive FOLDER {place}`")


def _holds_data(system: System, resource: Resource) -> bool:
    return resource.physical_id == system.root.outputs.get("DataBucketName", system.parameter("DataBucketName"))


def _takes_access_logs(system: System, resource: Resource) -> bool:
    services = [
        service
        for statement in _policy(system, resource)
        if statement["Effect"] == "Allow" and isinstance(statement.get("Principal"), dict)
        for service in listed(statement["Principal"].get("Service", []))
    ]
    return "logging.s3.amazonaws.com" in services


def _policy(system: System, resource: Resource) -> list[dict[str, Any]]:
    told = _or_none(system, resource, "get_bucket_policy", "NoSuchBucketPolicy")
    return statements(json.loads(told["Policy"])) if told else []


def _denies_plain_http(statement: dict[str, Any], arn: str) -> bool:
    secure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return (
        statement["Effect"] == "Deny"
        and str(listed(secure or "")[0]).lower() == "false"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and bool({"s3:*", "*"} & set(listed(statement.get("Action", []))))
        and ({arn, f"{arn}/*"} <= set(listed(statement["Resource"])) or "*" in listed(statement["Resource"]))
    )


def _or_none(system: System, resource: Resource, operation: str, absent: str) -> Any:
    """Ask S3 for a configuration; None when the bucket has none."""
    try:
        return getattr(system.client("s3"), operation)(Bucket=resource.physical_id)
    except ClientError as error:
        if error.response["Error"]["Code"] == absent:
            return None
        raise


CHECKS = (
    Check("There", there),
    Check("Encryption", encryption),
    Check("Private", private),
    Check("Versioning", versioned),
    Check("TlsOnly", tls_only),
    Check("EventBridge", event_bridge),
    Check("TrainingData", training_data),
)
