"""What an event starts: a deployment, a batch transform, a retraining. One entry point and one role for each.

| entry point | event | starts |
|---|---|---|
| `deployment` | a version of the model was approved; a deployed one was rejected | the CodePipeline of ModelDeploy |
| `batch` | a file arrived in `batchdata/input/` | the batch pipeline, for this file |
| `retraining` | a file arrived in `traindata/`, and then none for a while; a schedule | the training pipeline |

The batch pipeline is given a manifest that names the one file: by its URL alone, `day1` would be `day10` as well.

ModelDeploy runs at the commit that built the version which it is to deploy, so that its templates and tests are those
that the version was built with, whatever has been pushed since. Before that, what the version consists of is kept, if
its approval has not done so.

Quiet time: a file's arrival is noted, if it is the newest, and a message about it is sent to the function's own queue,
which delivers it when the quiet time is over. If no newer file has come by then, training starts.

A new project has no pipelines. Its first ModelBuild makes the training pipeline and trains with all that there is, so
that there is nothing left to start; its first ModelDeploy makes the batch pipeline, and a file waits in the queue.
"""

import json
import os

import aws
from botocore.exceptions import ClientError
from claims import sortable
from messages import Document, work_through
from registry import deployed, newest_approved

from deploy import approved, packages
from model_road.errors import NoModelError

_QUIET = "Quiet Time Over"
_NEWEST = "retraining#newest"
# SQS keeps a message back for no longer.
_LONGEST_DELAY_SECONDS = 900


def deployment(event: Document, _context: object) -> Document:
    """Start ModelDeploy when a version of the model has been approved, or a deployed one rejected."""
    return work_through(event, _decide_deployment)


def batch(event: Document, _context: object) -> Document:
    """Start the batch pipeline for a file that has arrived."""
    return work_through(event, _transform)


def retraining(event: Document, _context: object) -> Document:
    """Start the training pipeline on a schedule, or when new data have been quiet for a while."""
    return work_through(event, _retrain)


def _decide_deployment(event: Document) -> Document:
    detail = event["detail"]
    arn, status = detail["ModelPackageArn"], detail["ModelApprovalStatus"]
    changed = sortable(detail.get("LastModifiedTime") or event["time"])
    about: Document = {"model_package": arn, "status": status}
    if not aws.claims().enter(f"deployment#{arn}", status, changed):
        return {**about, "outcome": "nothing new"}
    if status == "PendingManualApproval":
        return {**about, "outcome": "not decided yet"}
    try:
        if status == "Rejected" and (reason := _stays(arn)):
            return {**about, "outcome": reason}
        if status == "Approved":
            sagemaker = aws.client("sagemaker")
            package = packages.describe(sagemaker, arn)
            about["kept"] = approved.keep(aws.client, sagemaker, package)
            newest = newest_approved(sagemaker, os.environ["MODEL_PACKAGE_GROUP_NAME"])
            if newest not in (None, arn) and packages.describe(sagemaker, newest).created > package.created:
                # ModelDeploy takes the newest: its execution would change nothing, and ask for an approval again.
                return {**about, "outcome": f"{newest}, which is newer, is approved, too"}
        started = aws.claims().once(f"deployment#{arn}#{status}#{changed}", _start_deployment)
    except NoModelError as error:  # what was decided on was deleted, or decided on again
        return {**about, "outcome": str(error)}
    return {**about, "outcome": f"started {started}" if started else "had been started"}


def _stays(arn: str) -> str | None:
    """Return why a version's rejection changes nothing, or None if it does."""
    sagemaker = aws.client("sagemaker")
    newest = newest_approved(sagemaker, os.environ["MODEL_PACKAGE_GROUP_NAME"])
    serving = [each for name in os.environ["ENDPOINT_NAMES"].split(",") for each in deployed(sagemaker, name)]
    if arn not in serving:
        # It may have kept an older version back that was approved after it.
        kept_back = newest is not None and newest not in serving
        if not kept_back or approved.kept(packages.describe(sagemaker, arn)) is None:
            return "it is not deployed"
    if newest is None:
        return "no other version is approved: what is deployed stays"
    return None


def _start_deployment(token: str) -> str:
    sagemaker = aws.client("sagemaker")
    package = packages.latest_approved(sagemaker, os.environ["MODEL_PACKAGE_GROUP_NAME"])
    source = {"actionName": os.environ["SOURCE_ACTION_NAME"], "revisionType": "COMMIT_ID"}
    answer = aws.client("codepipeline").start_pipeline_execution(
        name=os.environ["DEPLOY_PIPELINE_NAME"],
        clientRequestToken=token,
        **({"sourceRevisions": [{**source, "revisionValue": package.commit_id}]} if package.commit_id else {}),
    )
    return str(answer["pipelineExecutionId"])


def _transform(event: Document) -> Document:
    bucket, item = event["detail"]["bucket"]["name"], event["detail"]["object"]
    key: str = item["key"]
    about = {"object": f"s3://{bucket}/{key}"}
    if key.endswith("/"):
        return {**about, "outcome": "a folder, no file"}
    folder = os.path.dirname(key.removeprefix(os.environ["INPUT_PREFIX"]))  # noqa: PTH120 -- a key, not a path
    output = f"s3://{bucket}/{os.environ['OUTPUT_PREFIX']}{folder}{'/' if folder else ''}"
    which = item.get("version-id") or item.get("sequencer") or f"{item.get('etag')} {event['time']}"

    def start(token: str) -> str:
        manifest = {"InputDataType": "ManifestFile", "InputDataUrl": _put_manifest(bucket, key)}
        return _start_pipeline(token, {**manifest, "OutputDataUrl": output}, event)

    try:
        started = aws.claims().once(f"batch#{bucket}/{key}#{which}", start)
    except ClientError as error:
        if not _is_missing(error):
            raise
        _send_later(event, _LONGEST_DELAY_SECONDS)
        return {**about, "outcome": f"no pipeline yet: looking again in {_LONGEST_DELAY_SECONDS} s"}
    return {**about, "outcome": f"started {started}" if started else "had been started"}


def _put_manifest(bucket: str, key: str) -> str:
    """Write the manifest that names one file alone; return its URL. The same file always has the same manifest."""
    folder, slash, name = key.rpartition("/")
    content = json.dumps([{"prefix": f"s3://{bucket}/{folder}{slash}"}, name])
    manifest = f"{os.environ['MANIFEST_PREFIX']}{key.removeprefix(os.environ['INPUT_PREFIX'])}.manifest"
    aws.client("s3").put_object(Bucket=bucket, Key=manifest, Body=content.encode(), ContentType="application/json")
    return f"s3://{bucket}/{manifest}"


def _retrain(event: Document) -> Document:
    if event["detail-type"] == "Object Created":
        return _wait_for_quiet(event)
    if event["detail-type"] == _QUIET:
        newest = event["detail"]["newest"]
        if not aws.claims().latest(_NEWEST, newest):
            return {"newest": newest, "outcome": "newer files have come"}
        key = f"retraining#{newest}"
    else:
        key = f"retraining#{event['id']}"
    outcome = aws.claims().once(key, lambda token: _train(token, event))
    return {"outcome": outcome or "had been started"}


def _train(token: str, event: Document) -> str:
    try:
        started = _start_pipeline(token, {"InputDataUrl": os.environ["TRAINING_DATA_URL"]}, event)
    except ClientError as error:
        if not _is_missing(error):
            raise
        return "no pipeline yet: the build that makes it trains with these data, too"
    return f"started {started}"


def _wait_for_quiet(event: Document) -> Document:
    key, arrived = event["detail"]["object"]["key"], sortable(event["time"])
    if key.endswith("/"):
        return {"object": key, "outcome": "a folder, no file"}
    if not aws.claims().latest(_NEWEST, arrived):
        return {"object": key, "outcome": "a newer one has come"}
    message = {"id": event["id"], "detail-type": _QUIET, "detail": {"newest": arrived}}
    seconds = round(float(os.environ["QUIET_MINUTES"]) * 60)
    _send_later(message, seconds)
    return {"object": key, "outcome": f"training starts in {seconds} s, if nothing else comes"}


def _send_later(message: Document, seconds: int) -> None:
    """Have this function get a message once more, or later."""
    aws.client("sqs").send_message(
        QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(message), DelaySeconds=seconds
    )


def _is_missing(error: ClientError) -> bool:
    """Return whether SageMaker knows no such pipeline. DynamoDB says `ResourceNotFoundException` of its tables."""
    return bool(error.response["Error"]["Code"] == "ResourceNotFound")


def _start_pipeline(token: str, parameters: dict[str, str], event: Document) -> str:
    answer = aws.client("sagemaker").start_pipeline_execution(
        PipelineName=os.environ["PIPELINE_NAME"],
        PipelineExecutionDescription=f"Started by the event {event['id']} ({event['detail-type']})",
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        ClientRequestToken=token,
    )
    return str(answer["PipelineExecutionArn"])
