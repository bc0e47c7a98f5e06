"""From the registry to production and back: every command against the real local AWS, in the order of the workflow."""

import json
import random
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import urllib3

from benchmarks import api_fuzz
from benchmarks.api_stack import ApiStack
from deploy import deploy_model, executions
from tests.conftest import LocalAws
from tests.deploy.conftest import hasty_local_aws, run_module

pytestmark = pytest.mark.timeout(600)

Run = Callable[..., subprocess.CompletedProcess[str]]

BUCKET = "sagemaker-us-east-1-000000000000"


WRONG = [
    ("/stream", {"x": [[0.3], [0.1]]}),
    ("/stream", {"x": []}),
    ("/stream", {"x": [["a"]]}),
    ("/stream", {"x": [[True]]}),
    ("/stream", {"x": [[0.3, 0.1]]}),
    ("/stream", {"y": [[0.3]]}),
    ("/stream", [[0.3]]),
    ("/stream", "text"),
    ("/batch", {"x": [[0.3], [0.1, 0.2]]}),
    ("/batch", {"x": [[float("nan")]]}),
]


@dataclass(frozen=True)
class Api:
    """The API behind a stack, and keys to it."""

    client: Any
    url: str
    api_id: str
    key: str

    @classmethod
    def of(cls, aws: LocalAws, stack: str) -> "Api":
        [found] = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
        gateway = aws.client("apigateway")
        key = gateway.get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
        assert key not in outputs.values()
        url = f"http://127.0.0.1:{aws.port}/_aws/execute-api/{outputs['ApiId']}/v1"
        return cls(gateway, url, outputs["ApiId"], key)

    def post(self, path: str, body: Any, key: str | None = None) -> tuple[int, Any]:
        headers = {"x-api-key": self.key if key is None else key, "Content-Type": "application/json"}
        answer = urllib3.request("POST", self.url + path, body=json.dumps(body), headers=headers, retries=False)
        return answer.status, json.loads(answer.data)

    def key_of_plan(self, stages: bool, **limits: Any) -> str:
        """A key of another usage plan."""
        name = uuid.uuid4().hex
        key = self.client.create_api_key(name=name, enabled=True)
        of = [{"apiId": self.api_id, "stage": "v1"}] if stages else []
        plan = self.client.create_usage_plan(name=name, apiStages=of, **limits)
        self.client.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
        value: str = self.client.get_api_key(apiKey=key["id"], includeValue=True)["value"]
        return value


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS in which the five minutes that production is watched for take a second and a half."""
    yield from hasty_local_aws(tmp_path_factory.mktemp("hasty") / "state", 0.005)


@pytest.fixture(scope="module")
def project() -> str:
    return f"way-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def versions(local_aws: LocalAws, project: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two versions of the linear regression, the second a little worse."""
    for rate in ("0.1", "0.01"):
        kwargs = f'{{"sagemaker_project_name": "{project}"}}'
        command = [sys.executable, "-P", "-m", "pipelines.run_pipeline", "--local", "--kwargs", kwargs]
        done = subprocess.run(
            [*command, "--parameters", f"LearningRate={rate}", "R2Threshold=0.1"],
            env={**local_aws.env, "LOCALAWS_STATE_DIR": str(local_aws.state_dir)},
            cwd=tmp_path_factory.mktemp("build"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    pages = local_aws.client("sagemaker").list_model_packages(
        ModelPackageGroupName=f"{project}-LinearRegression", SortBy="CreationTime", SortOrder="Ascending"
    )
    return [package["ModelPackageArn"] for package in pages["ModelPackageSummaryList"]]


@pytest.fixture(scope="module")
def run(local_aws: LocalAws, project: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs `deploy-model`; deletes what it has made in the end."""
    own = (
        "--project-name",
        project,
        "--model-package-group-name",
        f"{project}-LinearRegression",
        "--s3-bucket",
        BUCKET,
    )
    role = ("--role-arn", "arn:aws:iam::000000000000:role/AmazonSageMakerProjectsExecutionRole")
    folder = tmp_path_factory.mktemp("deploy")

    def deploy_model(*arguments: str, returncode: int = 0) -> subprocess.CompletedProcess[str]:
        done = run_module("deploy_model", *arguments, *own, *role, environ=local_aws.env, cwd=folder)
        assert done.returncode == returncode, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    yield deploy_model
    deploy_model("delete", "all", "--yes")


def predict(local_aws: LocalAws, endpoint: str) -> float:
    runtime = local_aws.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=b"0.3")
    return float(answer["Body"].read())


def check_the_api(local_aws: LocalAws, run: Run, project: str, tmp_path: Path) -> None:
    run("api", "--parameters", "QuotaLimit=90000")
    again = run("api").stdout
    assert "No change" in again, "what is not named is not kept"
    script = Path(__file__).parents[2] / "invoke_api.py"
    tried = local_aws.run([sys.executable, str(script), "--project-name", project, "--calls", "20"])
    assert tried.returncode == 0, tried.stderr
    assert "/stream  434.0765649977" in tried.stdout
    assert "R2 0.4723 on the test set" in tried.stdout
    assert "over 20 calls" in tried.stdout

    api = Api.of(local_aws, f"sagemaker-{project}-deploy-api")
    assert f"ApiUrl         {api.url}\n" in again
    assert f"ApiUrl         {api.url}\n" in run("status").stdout
    assert api.post("/batch", {"x": [[0.3], [0.1]]})[1] == pytest.approx([434.0765649977469, 246.638427], abs=1e-6)
    for path, body in WRONG:
        status, answer = api.post(path, body)
        assert (status, list(answer)) == (400, ["message"]), (path, body, answer)
    path = f"/_aws/execute-api/{api.api_id}/v1"
    stack = ApiStack(port=local_aws.port, path=path, api_id=api.api_id, key=api.key, model=tmp_path)
    chance, schemas = random.Random(7), api_fuzz.exported(stack)
    assert api_fuzz.send(stack, [api_fuzz.generate(chance, schemas) for _ in range(200)]) == []
    assert api.post("/stream", {"x": [[0.3]]}, key="")[0] == 403
    assert api.post("/stream", {"x": [[0.3]]}, key="wrong")[0] == 403
    assert api.post("/stream", {"x": [[0.3]]}, key=api.key_of_plan(stages=False))[0] == 403
    limited = api.key_of_plan(stages=True, quota={"limit": 2, "period": "DAY"})
    assert [api.post("/stream", {"x": [[0.3]]}, key=limited)[0] for _ in range(3)] == [200, 200, 429]
    refused = local_aws.run([sys.executable, str(script), "--project-name", project, "--api-key", limited])
    assert (refused.returncode, limited in refused.stderr) == (1, False)
    assert "answered 429 (The quota of this key is used up): over the rate or the quota" in refused.stderr


def check_the_system_test(aws: LocalAws, run: Run, project: str, other: str) -> None:
    passed = run("system-test", "--calls", "20").stdout
    assert "r2                         0.472329" in passed
    assert "r2 0.472329 is at least 0.467605" in passed
    failed = run("system-test", "--thresholds", "r2=0.9", "--calls", "5", returncode=1)
    assert "No change" in failed.stdout
    assert "SystemTestFailed: r2 0.472329 is below 0.9; 20 records" in failed.stderr
    assert "InputError: Thresholds has f1; known are" in run("system-test", "--thresholds", "f1=1", returncode=1).stderr

    # Without the command, as CodePipeline starts it: what the input leaves out is the stack's.
    [stack] = aws.client("cloudformation").describe_stacks(StackName=f"sagemaker-{project}-deploy-system-test")[
        "Stacks"
    ]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    causes = {}
    for name, document in {"other": {"ModelPackageArn": other}, "none": {}}.items():
        started = aws.client("stepfunctions").start_execution(
            stateMachineArn=outputs["StateMachineArn"], input=json.dumps(document)
        )
        *_steps, ending = executions.follow(aws.client("stepfunctions"), started["executionArn"])
        causes[name] = f"{ending.error}: {ending.cause}"
    assert re.search(rf"EndpointNotAsDeployed: {project}-staging serves .* not made of {other}", causes["other"])
    assert causes["none"].startswith("InputError: The input names no version")
    rows = aws.client("dynamodb").scan(TableName=outputs["ResultsTableName"])["Items"]
    assert sorted(row["Passed"]["BOOL"] for row in rows) == [False, False, False, True]
    [told] = [row for row in rows if row["Passed"]["BOOL"]]
    bucket, _, key = told["ReportUri"]["S"].removeprefix("s3://").partition("/")
    junit = aws.client("s3").get_object(Bucket=bucket, Key=f"{key}junit.xml")["Body"].read()
    [suite] = ElementTree.fromstring(junit)
    assert (suite.get("tests"), suite.get("failures")) == ("5", "0")


def try_experiments(aws: LocalAws, run: Run, production: str, version: str, answer: float) -> None:
    """A/B test, shadow, and the version of it for everybody."""
    run("ab", version, "--weight", "50")
    assert "No change" in run("ab", version, "--weight", "50").stdout
    seen = {round(predict(aws, production), 3) for _ in range(40)}
    assert seen == {434.077, round(answer, 3)}
    run("shadow", version)
    assert {round(predict(aws, production), 3) for _ in range(20)} == {434.077}
    assert "an update of its own has to end" in run("promote", "--no-wait", returncode=1).stderr
    promoted = run("promote").stdout
    assert f"Ends           shadow: 99 % of the requests to {version}, too" in promoted
    assert promoted.count("Stack          ") == 2
    assert predict(aws, production) == answer


def test_the_whole_workflow(local_aws: LocalAws, run: Run, versions: list[str], project: str, tmp_path: Path):
    first, second = versions
    staging, production = f"{project}-staging", f"{project}-production"

    run("approve-model", first)
    assert "would be created" in run("plan").stdout
    run("staging")
    assert "No change" in run("staging").stdout
    assert "deploy-staging: no change" in run("plan").stdout
    assert predict(local_aws, staging) == pytest.approx(434.0765649977469, abs=1e-6)

    assert "has not been tested in staging" in run("production", returncode=1).stderr
    report = tmp_path / "report.xml"
    tested = run("test", "--report", str(report))
    assert tested.stdout.count(" passed ") == 8
    [suite] = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("8", "0")
    check_the_system_test(local_aws, run, project, second)
    assert "has not been approved" in run("production", returncode=1).stderr
    run("approve")
    run("production")
    assert "No change" in run("production").stdout
    assert predict(local_aws, production) == pytest.approx(434.0765649977469, abs=1e-6)

    check_the_api(local_aws, run, project, tmp_path)

    assert "runs no experiment: begin one with `ab` or `shadow`" in run("promote", returncode=1).stderr
    assert "is what production serves: try another version" in run("ab", first, returncode=1).stderr
    assert "no other approved version has been in production" in run("rollback", returncode=1).stderr
    assert "in the registry: `deploy-model approve-model" in run("shadow", second, returncode=1).stderr
    run("approve-model", second)
    assert "/2 has never been in production" in run("rollback", "--to", second, returncode=1).stderr
    run("staging")
    for command in ("test", "approve", "production"):
        run(command)
    worse = predict(local_aws, production)
    assert worse != pytest.approx(434.0765649977469, abs=1e-3)

    assert f"from {project}-LinearRegression/2 to {project}-LinearRegression/1" in run("rollback").stdout
    assert predict(local_aws, production) == pytest.approx(434.0765649977469, abs=1e-6)
    assert "was withdrawn" in run("production", returncode=1).stderr

    try_experiments(local_aws, run, production, second, worse)
    status = run("status").stdout
    assert f"model package  {second}  Approved" in status
    assert status.count("scales   from 2 to 4 instances") == 1
    assert "CREATE_COMPLETE" in status or "UPDATE_COMPLETE" in status
    proposed = status.partition("Try next\n")[2].splitlines()
    assert len(proposed) == 5
    for line in proposed:
        arguments = shlex.split(line.partition(" deploy-model ")[2])
        assert deploy_model.parser().parse_args(arguments).project_name == project
