"""boto3 sessions, made in one place.

boto3 is imported when the first session is made: that takes 0.3 s, which `-h` and the import of a module that only
defines a pipeline should not cost. So commands import this module, and no other of ours imports boto3 late.
"""

import re
from typing import Any
from urllib.parse import urlsplit


def session(region: str | None = None) -> Any:
    """Open a boto3 session for a region, by default that of the environment or profile."""
    import boto3  # noqa: PLC0415 -- see above

    return boto3.Session(region_name=region)


def session_as(role_arn: str) -> Any:
    """Open a boto3 session that signs as a role, which the environment's or profile's user assumes when it has to."""
    import boto3  # noqa: PLC0415 -- see above
    from botocore.credentials import (  # noqa: PLC0415
        AssumeRoleCredentialFetcher,
        CredentialResolver,
        DeferredRefreshableCredentials,
    )
    from botocore.session import get_session  # noqa: PLC0415

    own, assuming = get_session(), get_session()
    fetcher = AssumeRoleCredentialFetcher(
        own.create_client, own.get_credentials(), role_arn, extra_args={"RoleSessionName": "deploy-model"}
    )

    class Provider:
        METHOD = CANONICAL_NAME = "assumed-role"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    assuming.register_component("credential_provider", CredentialResolver([Provider()]))
    return boto3.Session(botocore_session=assuming)


def default_bucket_name(boto_session: Any) -> str:
    """Return the name that SageMaker itself gives to an account's default bucket in a region."""
    account = boto_session.client("sts").get_caller_identity()["Account"]
    return f"sagemaker-{boto_session.region_name}-{account}"


def object_url(region: str, bucket: str, key: str) -> str:
    """Return the URL of an S3 object, as CloudFormation takes it for a template's."""
    return f"https://{bucket}.s3.{region}.{url_suffix(region)}/{key}"


def url_suffix(region: str) -> str:
    """Return what AWS's host names end with in a region: amazonaws.com, in China amazonaws.com.cn."""
    from botocore.loaders import create_loader  # noqa: PLC0415 -- see above

    partitions = create_loader().load_data("partitions")["partitions"]
    suffixes = [each["outputs"]["dnsSuffix"] for each in partitions if re.search(each["regionRegex"], region)]
    # Of a region that is newer than botocore nothing else is known either.
    return str(suffixes[0]) if suffixes else "amazonaws.com"


def is_this_machine(url: str) -> bool:
    """Return whether a URL leads to this machine."""
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}


def is_error(error: BaseException) -> bool:
    """Return whether an exception is one of boto3's: AWS's answer, or the reason why AWS could not be reached."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- needed only after a failure

    return isinstance(error, BotoCoreError | ClientError)


def is_unconfigured(error: BaseException) -> bool:
    """Return whether boto3 raised an exception because it found no credentials or no region."""
    from botocore.exceptions import NoCredentialsError, NoRegionError  # noqa: PLC0415 -- as above

    return isinstance(error, NoCredentialsError | NoRegionError)
