"""A build may do what the project's role may, and nothing else, where IAM is enforced."""

import json
import uuid

from tests.conftest import LocalAws
from tests.localaws.roles import allow, make_role
from tests.localaws.services.codebuild.conftest import Project, spec

ASK = "python -c \"import boto3; boto3.client('{service}').{operation}\""


MAY = [allow("sns:ListTopics"), allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])]


def test_the_commands_run_as_the_projects_role(enforcing_local_aws: LocalAws) -> None:
    allowed = ASK.format(service="sns", operation="list_topics()")
    denied = ASK.format(service="sqs", operation="list_queues()")
    project = Project(enforcing_local_aws, f"build-{uuid.uuid4().hex[:12]}")
    project.create(
        spec(f"{allowed} && echo is-allowed", denied), serviceRole=make_role(enforcing_local_aws, "codebuild", *MAY)
    )
    build = project.build()
    log = project.log(build)
    assert build["buildStatus"] == "FAILED"
    assert "\nis-allowed" in log, log
    assert "AccessDenied" in log and "assumed-role/role-" in log, log


def test_a_role_that_is_not_there_fails_the_build(enforcing_local_aws: LocalAws) -> None:
    project = Project(enforcing_local_aws, f"build-{uuid.uuid4().hex[:12]}")
    project.create(spec("echo never"), serviceRole="arn:aws:iam::000000000000:role/nobody")
    build = project.build()
    assert build["buildStatus"] == "FAILED"
    [context] = next(phase["contexts"] for phase in build["phases"] if phase["phaseType"] == "DOWNLOAD_SOURCE")
    assert context["statusCode"] == "ACCESS_DENIED"
    assert "role/nobody" in context["message"]


def test_source_artifacts_and_reports_are_the_roles(enforcing_local_aws: LocalAws) -> None:
    local_aws, name = enforcing_local_aws, f"build-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3").create_bucket(Bucket=name)
    project = Project(local_aws, name)
    report = "<testsuite><testcase name='t'/></testsuite>"
    more = "artifacts: {files: [report.xml]}\nreports: {unit: {files: [report.xml]}}"
    source = project.put_source({"report.xml": report, "buildspec.yml": spec("true", more=more)})
    artifacts = {"type": "S3", "location": name, "packaging": "ZIP"}
    project.create(source=source, artifacts=artifacts, serviceRole=make_role(local_aws, "codebuild", *MAY))
    read, write = (allow(f"s3:{action}Object", f"arn:aws:s3:::{name}/*") for action in ("Get", "Put"))
    reports = ["CreateReportGroup", "CreateReport", "UpdateReport", "BatchPutTestCases"]
    group = f"arn:aws:codebuild:us-east-1:000000000000:report-group/{name}-unit"
    for statements, denied in (
        ([], "s3:GetObject"),
        ([read], "s3:PutObject"),
        ([read, write], ""),
        ([read, write, allow([f"codebuild:{action}" for action in reports], group)], ""),
    ):
        project.client.update_project(name=name, serviceRole=make_role(local_aws, "codebuild", *MAY, *statements))
        build = project.build()
        assert build["buildStatus"] == ("FAILED" if denied else "SUCCEEDED")
        assert denied in json.dumps(build["phases"], default=str)
        if len(statements) == 2:
            assert "is not authorized to perform: codebuild:CreateReportGroup" in project.log(build)
    assert build["reportArns"][0].startswith(group.replace(":report-group/", ":report/"))
