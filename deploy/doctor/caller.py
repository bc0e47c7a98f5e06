"""The caller: whether AWS knows it, and who it is."""

from botocore.exceptions import BotoCoreError, ClientError

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok, warning
from deploy.doctor.launch import Launch, Part
from model_road.advice import advice

CALLER = "Caller"


def known(launch: Launch, _part: Part) -> Verdict:
    """STS says who it is."""
    try:
        return ok(f"account {launch.account}, {launch.identity['Arn']}")
    except (ClientError, BotoCoreError) as error:
        return failed(str(error), advice(error) or "`aws sts get-caller-identity` has to work first")


def not_root(launch: Launch, _part: Part) -> Verdict:
    """The root user needs no permission and leaves no trace of who it was."""
    if launch.identity["Arn"].endswith(":root") and not launch.launch_role_arn:
        return warning(
            "the root user may do everything, and nothing shows who used it", "sign in as a user or role of IAM"
        )
    return ok("a user or a role")


CHECKS = (Check("Known", known), Check("NotRoot", not_root))
