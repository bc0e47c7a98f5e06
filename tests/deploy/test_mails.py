"""What people read in a mail: each kind in full, and the comparison of two versions."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.deploy import samples
from tests.deploy.automation import CODE

PACKAGE = "arn:aws:sagemaker:us-east-1:111122223333:model-package/p/7"
V1, V2 = PACKAGE.replace("/7", "/1"), PACKAGE.replace("/7", "/2")
OTHERS = "arn:aws:sagemaker:us-east-1:111122223333:model-package/other/1"
EXECUTION = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/p-batch/execution/x1"


MESSAGES = "--query 'events[].[message]' --output text"


def log_of(group: str, name: str) -> str:
    """What a mail says of a job's log."""
    show = f"aws logs filter-log-events --log-group-name /aws/sagemaker/{group} --log-stream-name-prefix {name}/"
    return f"Log: group /aws/sagemaker/{group}, streams {name}/...\n    {show} {MESSAGES}"


@pytest.fixture(scope="module")
def mails() -> Iterator[ModuleType]:
    """The module that words the mails, imported as Lambda does."""
    sys.path.insert(0, str(CODE))
    try:
        yield importlib.import_module("mails")
    finally:
        sys.path.remove(str(CODE))
        del sys.modules["mails"]


@pytest.fixture(scope="module")
def place(mails: ModuleType) -> Any:
    return mails.Place("p", "us-east-1", "p")


def test_a_version_that_waits(mails, place):
    mail = mails.registered(place, mails.Version(PACKAGE, {"r2": 0.5}), None)
    assert mail.subject == "[p] Version 7 of the model waits for your decision"
    update = f"    aws sagemaker update-model-package --model-package-arn {PACKAGE} --model-approval-status"
    assert mail.text.split("\n\n") == [
        "Version 7 of the model was registered.",
        "    metric  version 7\n    r2      0.5",
        "No version is in production.",
        "To approve it, which brings it to staging, and after its test and your approval there to production:",
        f"    deploy-model approve-model {PACKAGE}",
        "or",
        f"{update} Approved",
        "To reject it:",
        f"    deploy-model reject-model {PACKAGE} --reason WHY",
        "or",
        f"{update} Rejected",
        "Console: https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/model-registry\n",
    ]


DEPLOYED = "ModelDeploy brings it to staging, tests it there, and asks for your approval for production."
NEWER = (
    "Nothing is deployed: ModelDeploy takes the newest approved version, which is version 7.",
    "To have this one deployed, reject version 7 and whatever else is newer:",
    f"    deploy-model reject-model {PACKAGE} --reason WHY",
)
STAYS = "It is in production, and stays there: no other version is approved."
REPLACED = "It is in production: ModelDeploy brings version 7, the newest that is approved, there."


@pytest.mark.parametrize(
    ("status", "in_production", "newest", "follows"),
    [
        ("Approved", False, None, (DEPLOYED,)),
        ("Approved", False, PACKAGE.replace("/7", "/2"), (DEPLOYED,)),
        ("Approved", False, PACKAGE, NEWER),
        ("Rejected", True, PACKAGE, (REPLACED,)),
        ("Rejected", True, None, (STAYS,)),
        ("Rejected", False, PACKAGE, ("It is not in production: nothing changes there.",)),
    ],
)
def test_a_decision(mails, place, status, in_production, newest, follows):
    detail = samples.model_package("p", status, ApprovalDescription="drifts")["detail"]
    mail = mails.decided(place, detail, newest, in_production=in_production)
    assert mail.subject == f"[p] Version 2 of the model was {status.lower()}"
    what = f"Version 2 of the model was {status.lower()}."
    assert mail.text.split("\n\n") == [what, "Reason: drifts", *follows, f"{detail['ModelPackageArn']}\n"]
    del detail["ApprovalDescription"]
    assert "Reason" not in mails.decided(place, detail, newest, in_production=in_production).text


def test_an_approval(mails, place):
    """What would be deployed, beside what is, and the two commands that answer."""
    detail = samples.action("p-deploy", "Manual", "STARTED")["detail"]
    new, current = mails.Version(PACKAGE, {"r2": 0.5}), mails.Version(PACKAGE.replace("/7", "/5"), {"r2": 0.4})
    mail = mails.approval(place, detail, "Shall it?", new, current)
    assert mail.subject == "[p] Version 7 of the model waits for your approval for production"
    assert mail.text.split("\n\n") == [
        "Version 7 of the model waits for your approval for production.",
        "    metric  version 7  version 5, in production\n    r2      0.5        0.4                       better",
        "Shall it?",
        "To approve it, which deploys it to production:",
        "    deploy-model answer approve --project-name p",
        "To reject it, which leaves production as it is:",
        "    deploy-model answer reject --summary WHY --project-name p",
        VIEW.format(detail["execution-id"]),
    ]
    unknown = mails.approval(place, detail, "", None, current)
    assert unknown.subject == "[p] p-deploy waits for your approval for production"


def test_a_project_that_is_new_has_not_failed(mails, place):
    mail = mails.nothing_to_deploy(place)
    assert mail.subject == "[p] The project is there; ModelDeploy waits for a first version"
    assert "    deploy-model follow --project-name p\n" in mail.text


def test_a_project_without_data_has_not_failed(mails, place):
    reason = 'ClientError: No S3 objects found under S3 URL "s3://b/traindata/" given in input data source'
    assert mails.lacks_data(reason)
    assert not mails.lacks_data(reason.replace("traindata", "other"))
    mail = mails.no_data(place, "p", reason)
    assert mail.subject == "[p] Pipeline p waits for training data"
    assert reason in mail.text


def test_production_is_compared_by_arn(mails, place):
    new = mails.Version(PACKAGE, {"r2": 0.5})
    assert mails.comparison(place, new, new).splitlines() == [
        "    metric  version 7",
        "    r2      0.5",
        "",
        "It is the version that production serves.",
    ]
    # The same number, in another group.
    stranger = mails.Version(PACKAGE.replace("/p/", "/other/"), {})
    assert mails.comparison(place, new, stranger).splitlines() == [
        "    metric  version 7",
        "    r2      0.5",
        "",
        "Production serves other/7, a version of another group.",
    ]


SERVES = "It serves version 7 and other/1 of the model."
EARLIER = "An alarm went off while the update was watched: the earlier configuration goes on serving."


@pytest.mark.parametrize(
    ("status", "what", "serving"),
    [
        ("IN_SERVICE", "is in service", SERVES),
        ("ROLLING_BACK", "is rolled back", EARLIER),
        ("UPDATE_ROLLBACK_FAILED", "could not be rolled back", SERVES),
        ("FAILED", "has failed", SERVES),
    ],
)
def test_an_endpoint(mails, place, status, what, serving):
    mail = mails.endpoint(place, "p-staging", status, [PACKAGE, OTHERS], "no disk")
    group = "/aws/sagemaker/Endpoints/p-staging"
    log = f"Log: group {group}\n    aws logs filter-log-events --log-group-name {group} {MESSAGES}\n"
    assert mail.subject == f"[p] p-staging {what}"
    assert mail.text.split("\n\n") == [f"The endpoint p-staging {what}.", "Reason: no disk", serving, log]
    nothing = mails.endpoint(place, "p-staging", "FAILED", [], None)
    assert nothing.text.split("\n\n") == ["The endpoint p-staging has failed.", log]


def test_an_execution(mails, place):
    steps = [mails.FailedStep("Train", "no column", "Training", "j-1"), mails.FailedStep("Stop", "so be it")]
    mail = mails.execution(place, EXECUTION, "Failed", steps, {"InputDataUrl": "s3://b/i", "OutputDataUrl": "s3://b/o"})
    assert mail.subject == "[p] Pipeline p-batch failed"
    assert mail.text.split("\n\n") == [
        "Pipeline p-batch failed: execution x1.",
        "InputDataUrl: s3://b/i\nOutputDataUrl: s3://b/o",
        f"Step Train: no column\n{log_of('TrainingJobs', 'j-1')}",
        "Step Stop: so be it",
        f"{EXECUTION}\n",
    ]


@pytest.mark.parametrize(
    ("kind", "group"),
    [
        ("Processing", "ProcessingJobs"),
        ("Training", "TrainingJobs"),
        ("Transform", "TransformJobs"),
        # Its training jobs write; source: "Log groups and streams that SageMaker AI sends to CloudWatch Logs".
        ("HyperParameter Tuning", "TrainingJobs"),
    ],
)
def test_a_job(mails, place, kind, group):
    mail = mails.job(place, "p-1", kind, "Stopped", "by hand")
    what, log = f"{kind} job p-1 stopped", f"{log_of(group, 'p-1')}\n"
    assert mail.subject == f"[p] {what}"
    assert mail.text.split("\n\n") == [f"{what}.", "Reason: by hand", log]


VIEW = (
    "Console: https://us-east-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/p-deploy/executions/"
    "{}?region=us-east-1\n"
)


@pytest.mark.parametrize(
    ("provider", "again"),
    [
        (
            "CloudFormation",
            "To try again, from the beginning, where a stack whose creation failed is cleared away:\n\n"
            "    aws codepipeline start-pipeline-execution --name p-deploy",
        ),
        (
            "StepFunctions",
            "To try again:\n\n    aws codepipeline retry-stage-execution --pipeline-name p-deploy --stage-name "
            "DeployStaging --pipeline-execution-id {} --retry-mode FAILED_ACTIONS",
        ),
    ],
)
def test_an_action(mails, place, provider, again):
    detail = samples.action("p-deploy", provider)["detail"]
    mail, number = mails.action(place, detail, "rolled back"), detail["execution-id"]
    assert mail.subject == "[p] p-deploy: DeployResourcesStaging failed"
    assert mail.text.split("\n\n") == [
        f"p-deploy: DeployResourcesStaging failed.\nStage DeployStaging, execution {number}",
        "Reason: rolled back",
        *again.format(number).split("\n\n"),
        "More: https://us-west-2.console.aws.amazon.com/cloudformation/",
        VIEW.format(number),
    ]
    del detail["execution-result"]
    assert "More" not in mails.action(place, detail, "rolled back").text


def test_a_release(mails, place):
    mail = mails.release(place, samples.release("p-deploy")["detail"])
    assert mail.subject == "[p] p-deploy succeeded"
    assert mail.text.split("\n\n") == ["p-deploy succeeded: execution 12345678-1234.", VIEW.format("12345678-1234")]


def test_a_build(mails, place):
    detail = samples.build("p-build", "TIMED_OUT")["detail"]
    mail = mails.build(place, detail, ["r2 is 0.1", "below 0.2"])
    assert mail.subject == "[p] Build p-build timed out"
    log = "The whole log:\n\n    deploy-model log p-build:8745a7a9-c340-456a-9166-edf953571bEX --project-name p"
    assert mail.text.split("\n\n") == [
        "Build p-build timed out.",
        "BUILD: COMMAND_EXECUTION_ERROR: pytest. Reason: exit status 1",
        "The last lines of its log:",
        "    r2 is 0.1\n    below 0.2",
        *log.split("\n\n"),
        "Console: https://console.aws.amazon.com/cloudwatch/home#logEvent\n",
    ]
    del detail["additional-information"]
    assert mails.build(place, detail, []).text == f"Build p-build timed out.\n\n{log}\n"


@pytest.mark.parametrize(
    ("metric", "new", "old", "judgement"),
    [
        *((word, 0.5, 0.4, "better") for word in ("r2", "Accuracy", "precision", "recall", "f1", "auc")),
        *((word, 0.5, 0.4, "WORSE") for word in ("error", "MSE", "mae", "mape", "loss", "latency", "deviation")),
        *((f"weighted_{word}", 0.5, 0.4, "better") for word in ("recall", "f0_5", "f2")),
        *((f"{word}_rate", 0.5, 0.4, "better") for word in ("true_positive", "true_negative")),
        *((f"{word}_rate", 0.5, 0.4, "WORSE") for word in ("false_positive", "false_negative")),
        ("au_prc", 0.3, 0.4, "WORSE"),
        ("accuracy_best_constant_classifier", 0.5, 0.4, ""),
        ("r2", 0.3, 0.4, "WORSE"),
        ("rmse", 3.0, 4.0, "better"),
        ("train:mse", 5.0, 4.0, "WORSE"),
        ("latency_p99", 2.0, 1.0, "WORSE"),
        ("rows", 2.0, 1.0, ""),
        ("r2", 0.5, 0.5, "same"),
    ],
)
def test_which_way_is_better(mails, place, metric, new, old, judgement):
    table = mails.comparison(place, mails.Version(V2, {metric: new}), mails.Version(V1, {metric: old}))
    assert table.splitlines()[1].split() == [metric, f"{new:g}", f"{old:g}", *judgement.split()]


def test_a_metric_that_only_one_of_both_has_is_shown(mails, place):
    table = mails.comparison(place, mails.Version(V2, {"r2": 0.5}), mails.Version(V1, {"mae": 40.0}))
    assert [line.split() for line in table.splitlines()[1:]] == [["mae", "40"], ["r2", "0.5"]]


def test_what_production_was_worth_may_be_unknown(mails, place):
    current = mails.Version(V1, {}, "s3://b/k: gone")
    table = mails.comparison(place, mails.Version(V2, {"r2": 0.5}), current)
    assert table.splitlines()[1:] == ["    r2      0.5", "", "The metrics of version 1 cannot be read: s3://b/k: gone"]
    assert mails.comparison(place, mails.Version(V2, {}), current).splitlines() == [
        "It was registered without metrics.",
        "The metrics of version 1 cannot be read: s3://b/k: gone",
    ]


def test_a_subject_is_what_sns_takes(mails):
    mail = mails.Place("p", "us-east-1", "p").mail("Versuch einer Übertragung " * 10, "text")
    assert mail.subject.isascii()
    assert len(mail.subject) == 100
