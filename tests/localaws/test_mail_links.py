"""A mail of a laptop has commands that work there, where a mail of AWS has links to the console."""

import shlex
import subprocess
from pathlib import Path

import pytest

from localaws.ministack.sns.console import without_console
from localaws.ministack.sns.mailbox import Mailbox
from localaws.ministack.sns.mails import Mailer

BUILD = (
    "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
    "$252Faws$252Fcodebuild$252Fdemo-build/log-events/8745a7a9-c340"
)
PIPELINE = "https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/p-deploy"


@pytest.mark.parametrize(
    ("link", "command"),
    [
        (BUILD, "local-aws logs demo-build:8745a7a9-c340"),
        (f"{PIPELINE}/executions/1-2?region=eu-west-1", "local-aws logs p-deploy/1-2 --type codepipeline"),
        (f"{PIPELINE}/view?region=eu-west-1", "local-aws logs p-deploy --type codepipeline"),
        (
            "https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/model-registry",
            "aws sagemaker list-model-package-groups",
        ),
        (
            "https://console.aws.amazon.com/iam/home?region=us-east-1#/roles",
            "(AWS's console is not on this machine: https://console.aws.amazon.com/iam/home)",
        ),
    ],
)
def test_a_link_to_the_console_is_a_command(link: str, command: str) -> None:
    assert without_console(f"More: {link}\nand on") == f"More: {command}\nand on"
    label = "Console" if command.startswith("(") else "Command"
    assert without_console(f"Console: {link}\nand on") == f"{label}: {command}\nand on"


def test_other_links_stay() -> None:
    text = "See https://docs.aws.amazon.com/console/x and https://example.com/console.aws.amazon.com/"
    assert without_console(text) == text


def notified(folder: Path, message: str) -> str:
    mailbox = Mailbox(folder / "outbox")
    subscription = {"endpoint": "you@example.com", "protocol": "email", "arn": "arn:s"}
    Mailer(mailbox, "http://127.0.0.1:4566").notify(subscription, "", "subject", message, "{}")
    return mailbox.mails()[-1].text


def test_a_mail_with_commands_says_where_they_work(tmp_path: Path) -> None:
    folder = tmp_path / "my state"
    text = notified(folder, f"It failed.\n\nConsole: {BUILD}\n")
    assert "\nCommand: local-aws logs demo-build:8745a7a9-c340\n" in text
    [setup] = [line.strip() for line in text.splitlines() if "local-aws env" in line]
    export = setup.partition(";")[0]
    said = subprocess.run(
        ["sh", "-c", f'{export}; echo "$LOCALAWS_STATE_DIR"'], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == str(folder)
    assert shlex.split(export) == ["export", f"LOCALAWS_STATE_DIR={folder}"]
    assert "local-aws env" not in notified(folder, "Nothing to do.")
