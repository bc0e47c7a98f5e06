"""Other accounts of the shared local AWS, each with an id that no other test has."""

import random
from dataclasses import dataclass
from typing import Any

from tests.conftest import LocalAws


@dataclass(frozen=True)
class AccountOf(LocalAws):
    """One account of a local AWS; its clients are its root user's.

    Attributes
    ----------
    account_id : str
    """

    account_id: str = ""

    def client(self, service_name: str, **options: Any) -> Any:
        """A client of the account."""
        keys = {"aws_access_key_id": self.account_id, "aws_secret_access_key": "test"}
        return super().client(service_name, **keys | options)


def another_account(local_aws: LocalAws) -> AccountOf:
    """An account that nothing is in yet."""
    number = f"{random.randrange(10**11, 10**12)}"
    environment = {**local_aws.env, "AWS_ACCESS_KEY_ID": number}
    return AccountOf(local_aws.ports, local_aws.state_dir, environment, number)


def as_role(account: LocalAws, role_arn: str, **members: Any) -> AccountOf:
    """What the account sees that a role is in, once this one has assumed it."""
    sts = account.client("sts")
    keys = sts.assume_role(RoleArn=role_arn, RoleSessionName="test", **members)["Credentials"]
    environment = {
        **account.env,
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    return _Session(account.ports, account.state_dir, environment, role_arn.split(":")[4])


class _Session(AccountOf):
    def client(self, service_name: str, **options: Any) -> Any:
        keys = {
            "aws_access_key_id": self.env["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.env["AWS_SECRET_ACCESS_KEY"],
            "aws_session_token": self.env["AWS_SESSION_TOKEN"],
        }
        return LocalAws.client(self, service_name, **keys | options)
