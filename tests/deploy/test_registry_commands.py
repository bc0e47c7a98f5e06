"""list, approve-model, reject-model: real processes on a real registry."""

from pathlib import Path

import pytest

from tests.deploy.conftest import ROLE, Registry, Run, run_module


def status(registry: Registry, arn: str) -> tuple[str, str]:
    document = registry.local_aws.client("sagemaker").describe_model_package(ModelPackageName=arn)
    return document["ModelApprovalStatus"], document.get("ApprovalDescription", "")


def test_versions_are_listed_with_their_metrics_side_by_side(registry: Registry, deploy_model: Run):
    registry.register(r2=0.25)
    registry.register(r2=0.5, mae=41.25)
    done = deploy_model("list")
    assert done.returncode == 0, done.stderr
    head, newest, oldest, legend = (line.split() for line in done.stdout.splitlines())
    assert head == ["Version", "Created", "Approval", "mae", "r2", "Staging", "Production"]
    assert (newest[0], *newest[3:6]) == ("2", "PendingManualApproval", "41.25", "0.5*")
    assert (oldest[0], *oldest[3:6]) == ("1", "PendingManualApproval", "-", "0.25")
    assert " ".join(legend) == "* the best of these versions"
    assert len(deploy_model("list", "--max-items", "1").stdout.splitlines()) == 2
    registry.register(evaluation=f"s3://{registry.bucket}/gone.json")
    incomplete = deploy_model("list")
    assert (incomplete.returncode, len(incomplete.stdout.splitlines())) == (0, 5)
    assert f"version 3: its metrics in s3://{registry.bucket}/gone.json cannot be read: " in incomplete.stderr


def test_the_best_of_each_metric_is_marked_whichever_way_it_is_better(registry: Registry, deploy_model: Run):
    registry.register(accuracy=0.9, mse=3.0, rows=20, false_positive_rate=0.5)
    registry.register(accuracy=0.8, mse=2.0, rows=30, false_positive_rate=0.5)
    head, newest, oldest, _legend = (line.split() for line in deploy_model("list").stdout.splitlines())
    assert head[3:7] == ["accuracy", "false_positive_rate", "mse", "rows"]
    assert (newest[4:8], oldest[4:8]) == (["0.8", "0.5", "2*", "30"], ["0.9*", "0.5", "3", "20"])


@pytest.mark.parametrize("name", ["arn", "1", "latest"])
def test_a_version_is_approved_by_arn_number_or_as_the_latest(registry: Registry, deploy_model: Run, name: str):
    arn = registry.register()
    done = deploy_model("approve-model", arn if name == "arn" else name, "--reason", "looks good")
    assert done.returncode == 0, done.stderr
    assert f"Model package  {arn}\nApproval       Approved\n" in done.stdout
    assert f"Next           deploy-model staging --project-name {registry.group} --model-package-" in done.stdout
    assert status(registry, arn) == ("Approved", "looks good")


def test_approving_an_older_version_says_what_happens(registry: Registry, deploy_model: Run):
    older, newer = registry.register(), registry.register("Approved")
    done = deploy_model("approve-model", older)
    assert done.returncode == 0, done.stderr
    group = registry.group
    assert f"Newer          {group}/2 is approved, too: `staging` and ModelDeploy take that one" in done.stdout
    assert f"Next           deploy-model staging --model-package {older} --project-name {group}" in done.stdout
    assert f"or             deploy-model reject-model {newer} --reason WHY --project-name {group}" in done.stdout


def test_a_version_is_rejected_with_a_reason_and_twice_is_no_change(registry: Registry, deploy_model: Run):
    arn = registry.register("Approved")
    assert "no change" not in deploy_model("reject-model", arn, "--reason", "drifts").stdout
    assert status(registry, arn) == ("Rejected", "drifts")
    again = deploy_model("reject-model", arn, "--reason", "drifts")
    assert (again.returncode, "Rejected (no change)" in again.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "returncode", "why"),
    [
        (["approve-model", "7"], 1, "has no version 7: see `deploy-model list --project-name "),
        (["approve-model", "latest"], 1, "is empty: build a model with run-pipeline"),
        (["approve-model", "nonsense"], 1, "there is no model package 'nonsense'"),
        (["reject-model", "latest"], 2, "the following arguments are required: --reason"),
        (["staging"], 1, "no version of the model package group"),
        (["plan", "--model-package", "3"], 1, "has no version 3"),
        (["test"], 1, "staging is not deployed: run `deploy-model staging "),
        (["approve"], 1, "staging is not deployed"),
        (["production"], 1, "staging is not deployed"),
        (["rollback"], 1, "production is not deployed"),
        (["promote"], 1, "production is not deployed"),
        (["api"], 1, "production is not deployed"),
        (["ab", "1", "--weight", "100"], 2, "'100' is not a number from 1 to 99"),
        (["shadow", "1", "--sampling", "x"], 2, "'x' is not a number from 1 to 99"),
        (["test", "--max-latency", "nan"], 2, "'nan' is not a number from"),
        (["delete"], 2, "the following arguments are required"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(deploy_model: Run, arguments: list[str], returncode: int, why: str):
    done = deploy_model(*arguments)
    assert (done.returncode, done.stdout) == (returncode, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unapproved_version_does_not_reach_staging(registry: Registry, deploy_model: Run):
    arn = registry.register()
    done = deploy_model("staging", "--model-package", arn)
    assert done.returncode == 1
    assert (
        f"{registry.group}/1 is PendingManualApproval in the registry: `deploy-model approve-model {arn}" in done.stderr
    )


def test_an_untested_version_gets_no_users_traffic(registry: Registry, deploy_model: Run):
    arn = registry.register_approved()
    done = deploy_model("ab", arn)
    assert done.returncode == 1
    assert (
        f"{registry.group}/1 has not been tested in staging: `deploy-model staging --project-name {registry.group} "
        in done.stderr
    )


def test_nothing_deployed_is_no_error(deploy_model: Run):
    shown = deploy_model("status")
    stacks = ("staging", "system-test", "production", "api")
    assert (shown.returncode, shown.stdout.split()) == (0, " ".join(f"{name} not deployed" for name in stacks).split())
    deleted = deploy_model("delete", "all", "--yes")
    assert (deleted.returncode, "No change" in deleted.stdout) == (0, True)
    unknown = deploy_model("delete", "project", "--yes")
    assert (unknown.returncode, "has no stack of its own" in unknown.stderr) == (1, True)


def test_a_build_does_not_read_the_projects_stack(registry: Registry, tmp_path: Path) -> None:
    """It is given all of it as variables, and its role may not."""
    arn = registry.register(r2=0.5)
    nowhere = {"SAGEMAKER_PROJECT_ID": "p-0123456789ab", "AWS_ENDPOINT_URL_CLOUDFORMATION": "http://127.0.0.1:9"}
    own = ("--model-package-group-name", registry.group, "--project-name", registry.group)
    more = ("--s3-bucket", registry.bucket, "--role-arn", ROLE, "--reason", "too slow")
    environ = registry.local_aws.env | nowhere
    done = run_module("deploy_model", "reject-model", arn, *own, *more, environ=environ, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert status(registry, arn)[0] == "Rejected"
