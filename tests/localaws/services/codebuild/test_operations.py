"""Projects, lists, limits and refusals."""

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.localaws.services.codebuild.conftest import ENVIRONMENT, Project, spec


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_project_from_creation_to_deletion(project: Project) -> None:
    client = project.client
    project.create(spec("true"), description="first", tags=[{"key": "team", "value": "ml"}])
    with pytest.raises(ClientError, match="Project already exists") as caught:
        project.create(spec("true"))
    assert code(caught) == "ResourceAlreadyExistsException"
    updated = client.update_project(name=project.name, description="second")["project"]
    assert updated["description"] == "second" and updated["timeoutInMinutes"] == 60
    assert project.name in client.list_projects()["projects"]
    answer = client.batch_get_projects(names=[project.name, "nobody"])
    assert [found["tags"] for found in answer["projects"]] == [[{"key": "team", "value": "ml"}]]
    assert answer["projectsNotFound"] == ["nobody"]
    client.delete_project(name=project.name)
    client.delete_project(name=project.name)
    with pytest.raises(ClientError, match="Project cannot be found") as caught:
        client.start_build(projectName=project.name)
    assert code(caught) == "ResourceNotFoundException"


def test_builds_are_listed_newest_first_numbered_and_deleted(project: Project) -> None:
    project.create(spec("true"))
    builds = [project.build() for _ in range(2)]
    assert [build["buildNumber"] for build in builds] == [1, 2]
    ids = [build["id"] for build in builds]
    assert project.client.list_builds_for_project(projectName=project.name)["ids"] == ids[::-1]
    assert set(ids) <= set(project.client.list_builds()["ids"])
    assert project.client.batch_delete_builds(ids=ids[:1])["buildsDeleted"] == [builds[0]["arn"]]
    assert project.client.batch_get_builds(ids=ids)["buildsNotFound"] == ids[:1]


def test_one_token_starts_one_build(project: Project) -> None:
    project.create(spec("true"))
    first, second = (
        project.client.start_build(projectName=project.name, idempotencyToken="once")["build"]["id"] for _ in range(2)
    )
    assert first == second
    with pytest.raises(ClientError, match="used with other parameters"):
        project.client.start_build(projectName=project.name, idempotencyToken="once", timeoutInMinutesOverride=9)
    project.ended(first)


def test_as_many_builds_at_once_as_the_project_allows(project: Project) -> None:
    project.create(spec("sleep 600"), concurrentBuildLimit=1)
    build_id = project.client.start_build(projectName=project.name)["build"]["id"]
    with pytest.raises(ClientError, match="Cannot have more than 1 builds") as caught:
        project.client.start_build(projectName=project.name)
    assert code(caught) == "AccountLimitExceededException"
    project.client.stop_build(id=build_id)


@pytest.mark.parametrize(
    ("members", "error", "message"),
    [
        ({"source": {"type": "GITHUB", "location": "x"}}, "UnsupportedOperation", "not from GITHUB"),
        ({"source": {"type": "S3"}}, "InvalidInputException", "location must be provided"),
        ({"source": {"type": "NO_SOURCE"}}, "InvalidInputException", "a buildspec must be provided"),
        ({"cache": {"type": "S3", "location": "b"}}, "UnsupportedOperation", "the cache S3"),
        ({"artifacts": {"type": "S3"}}, "InvalidInputException", "location must be provided for artifacts"),
        ({"environment": {**ENVIRONMENT, "type": "WINDOWS_CONTAINER"}}, "UnsupportedOperation", "WINDOWS_CONTAINER"),
        ({"autoRetryLimit": 2}, "UnsupportedOperation", "autoRetryLimit"),
        ({"timeoutInMinutes": 1}, "InvalidInputException", "greater than or equal to 5"),
    ],
)
def test_what_is_wrong_or_not_here_is_refused_by_name(
    project: Project, members: dict[str, object], error: str, message: str
) -> None:
    # boto3 would refuse some of these itself.
    client = project.local_aws.client("codebuild", config=Config(parameter_validation=False))
    usual = {
        "source": {"type": "NO_SOURCE", "buildspec": "x"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": ENVIRONMENT,
        "serviceRole": "r",
    }
    with pytest.raises(ClientError, match=message) as caught:
        client.create_project(name=project.name, **{**usual, **members})
    assert code(caught) == error


def test_a_project_of_a_pipeline_is_started_by_a_pipeline(project: Project) -> None:
    project.create(source={"type": "CODEPIPELINE"}, artifacts={"type": "CODEPIPELINE"})
    with pytest.raises(ClientError, match="come from CodePipeline"):
        project.client.start_build(projectName=project.name)
    source = project.put_source({"buildspec.yml": spec("echo 1 > a.txt", more="artifacts: {files: [a.txt]}")})
    build = project.build(
        sourceTypeOverride="S3",
        sourceLocationOverride=source["location"],
        artifactsOverride={"type": "S3", "location": project.name, "path": "p/Out", "name": "x", "packaging": "ZIP"},
    )
    assert build["buildStatus"] == "SUCCEEDED", project.log(build)
    assert build["artifacts"]["location"] == f"arn:aws:s3:::{project.name}/p/Out/x"


JUNIT = '<testsuite name="s"><testcase name="{}"/>{}</testsuite>'


def test_report_groups_are_listed_and_keep_their_reports_until_they_may_go(project: Project) -> None:
    client, none = project.client, {"exportConfigType": "NO_EXPORT"}
    arns = [
        client.create_report_group(name=f"{project.name}-{name}", type="TEST", exportConfig=none)["reportGroup"]["arn"]
        for name in ("b", "a")
    ]
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException, match="Report group already exists"):
        client.create_report_group(name=f"{project.name}-a", type="TEST", exportConfig=none)
    by_name = [arn for arn in client.list_report_groups()["reportGroups"] if arn in arns]
    assert by_name == arns[::-1]
    newest = client.list_report_groups(sortBy="CREATED_TIME", sortOrder="DESCENDING")["reportGroups"]
    assert [arn for arn in newest if arn in arns] == arns[::-1]
    missing = client.batch_get_report_groups(reportGroupArns=[arns[0], "arn:none"])
    assert (len(missing["reportGroups"]), missing["reportGroupsNotFound"]) == (1, ["arn:none"])

    good, bad = JUNIT.format("x", ""), JUNIT.format("x", '<testcase name="y"><failure/></testcase>')
    more = "reports:\n" + "".join(
        f"  {arn}: {{files: [{name}.xml]}}\n" for arn, name in zip(arns, ("good", "bad"), strict=True)
    )
    project.create(spec(f"echo '{good}' > good.xml", f"echo '{bad}' > bad.xml", more=more))
    build = project.build()
    assert build["buildStatus"] == "SUCCEEDED", project.log(build)
    kept = {report.rpartition(":")[0]: report for report in build["reportArns"]}
    passed, failed = (kept[arn.replace(":report-group/", ":report/")] for arn in arns)
    assert [arn for arn in client.list_reports()["reports"] if arn in kept.values()] == build["reportArns"][::-1]
    only = client.list_reports(filter={"status": "FAILED"}, sortOrder="ASCENDING")["reports"]
    assert (failed in only, passed in only) == (True, False)

    with pytest.raises(client.exceptions.InvalidInputException, match="has 1 reports: delete them with deleteReports"):
        client.delete_report_group(arn=arns[0])
    client.delete_report_group(arn=arns[0], deleteReports=True)
    assert client.batch_get_reports(reportArns=[passed, failed])["reportsNotFound"] == [passed]
    assert arns[0] not in client.list_report_groups()["reportGroups"]
