"""AWS's console, which is not on this machine: the commands that show what a page of it would.

A link stands in the text of a message that somebody published, such as a mail of a project: on AWS it leads on, here it
would lead to another account.

Sources: the addresses that CodePipeline, CodeBuild and CloudWatch put into their own events and answers.
"""

import re
from urllib.parse import unquote

_LABEL, _LABEL_HERE = "Console: ", "Command: "
_LINK = re.compile(
    rf"({_LABEL})?(https://(?:[a-z0-9-]+\.)?console\.(?:aws\.amazon|amazonaws-us-gov|amazonaws)\.com(?:\.cn)?/[^\s\"<>]*)"
)
_ROWS: tuple[tuple[str, str], ...] = (
    (r"/codesuite/codepipeline/pipelines/([^/?]+)/executions/([^/?]+)", "local-aws logs {0}/{1} --type codepipeline"),
    (r"/codesuite/codepipeline/pipelines/([^/?]+)", "local-aws logs {0} --type codepipeline"),
    (r"/codepipeline/home\?[^#]*#/view/([^/?]+)", "local-aws logs {0} --type codepipeline"),
    (r"/codesuite/codebuild/.*?build/([^/?]+)", "local-aws logs {0}"),
    (r"/codebuild/home\?[^#]*#/builds/([^/?]+)", "local-aws logs {0}"),
    (r"log-group/+aws/codebuild/([^/]+)/log-events/(.+)", "local-aws logs {0}:{1}"),
    (r"log-group/+aws/sagemaker/\w+Jobs/log-events/([^/]+)", "local-aws logs {0}"),
    (r"log-group/+aws/sagemaker/Endpoints/([^/]+)", "local-aws logs {0} --type endpoint"),
    (r"log-group/+aws/lambda/([^/]+)", "local-aws logs {0} --type function"),
    (
        r"/cloudformation/home.*#/stacks.*stackId=(.+?)(?:&|$)",
        "aws cloudformation describe-stack-events --stack-name {0}",
    ),
    (r"/cloudwatch/home.*#alarmsV2:alarm/(.+)", "aws cloudwatch describe-alarms --alarm-names {0}"),
    (r"/states/home.*#/(?:v2/)?executions/details/(.+)", "local-aws logs {0}"),
    (r"/sagemaker/home.*#/model-registry", "aws sagemaker list-model-package-groups"),
    (r"/sagemaker/home.*#/endpoints/(.+)", "aws sagemaker describe-endpoint --endpoint-name {0}"),
)


def without_console(text: str) -> str:
    """Return a text with commands in place of links to the console."""
    return _LINK.sub(lambda link: _command(link[1] or "", link[2]), text)


def needs_environment(text: str) -> bool:
    """Return whether a text has commands that ask AWS, which have to be told that AWS is here."""
    return re.search(r"(?m)^\s*(?:\S+: )?(?:aws|deploy-model|run-pipeline|local-aws) ", text) is not None


def _command(label: str, link: str) -> str:
    # The console writes a slash in a fragment as $252F: percent-encoded twice, and with a dollar sign.
    plain = unquote(unquote(link.replace("$25", "%25")))
    for pattern, command in _ROWS:
        if found := re.search(pattern, plain):
            return (_LABEL_HERE if label else "") + command.format(*found.groups())
    return f"{label}(AWS's console is not on this machine: {link.partition('?')[0].partition('#')[0]})"
