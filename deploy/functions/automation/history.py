"""Keep the metrics of every version and the state of every job, taken from events.

| table | key | what an item says |
|---|---|---|
| versions | ModelPackageGroupName, ModelPackageVersion | its approval, metrics, the execution that made it |
| jobs | Type, Arn | status, reason, begin and end; of executions, their steps, jobs and endpoints |

What has come to production is written on the version itself, too: `production`.

Events come several times and in any order: an item takes an event that is later than what it holds. Of two of the same
time, the one that is nearer to the end is the later one, since EventBridge gives whole seconds.
"""

import json
import os
import time

import aws
import production
from botocore.exceptions import ClientError
from claims import sortable
from messages import Document, work_through
from registry import UnreadableMetricsError, metrics

_KEPT_SECONDS = 400 * 24 * 3600
_BEGUN = ("Starting", "Executing", "InProgress", "CREATING", "UPDATING", "SYSTEM_UPDATING")
_ENDING = ("Stopping", "ROLLING_BACK", "DELETING")


def handler(event: Document, _context: object) -> Document:
    """Write down each event of a batch."""
    return work_through(event, _keep)


def _keep(event: Document) -> Document:
    kind, detail = event["detail-type"], event["detail"]
    if kind == "SageMaker Model Package State Change":
        return _version(event)
    if kind == "SageMaker Model Building Pipeline Execution Status Change":
        status, changed = detail["currentPipelineExecutionStatus"], _latest(event, "execution")
        return _job("PipelineExecution", detail["pipelineExecutionArn"], status, changed, detail)
    if kind == "SageMaker Model Building Pipeline Execution Step Status Change":
        arn = f"{detail['pipelineExecutionArn']}/step/{detail['stepName']}"
        return _job("PipelineStep", arn, detail["currentStepStatus"], _latest(event, "step"), detail)
    if kind == "SageMaker Endpoint State Change":
        return _endpoint(event)
    member = f"{kind.removeprefix('SageMaker ').removesuffix(' Job State Change').replace(' ', '')}Job"
    return _job(member, detail[f"{member}Arn"], detail[f"{member}Status"], _latest(event, ""), detail)


def _latest(event: Document, prefix: str) -> str:
    """Return when it happened, as precisely as the event says."""
    detail = event["detail"]
    if "LastModifiedTime" in detail:
        return str(sortable(detail["LastModifiedTime"]))
    times = [detail[f"{prefix}{end}"] for end in ("StartTime", "EndTime") if detail.get(f"{prefix}{end}")]
    return str(max(sortable(moment) for moment in [*times, event["time"]]))


def _endpoint(event: Document) -> Document:
    detail = event["detail"]
    told = _job("Endpoint", detail["EndpointArn"], detail["EndpointStatus"], _latest(event, ""), detail)
    if (detail["EndpointName"], detail["EndpointStatus"]) != (os.environ["PRODUCTION_ENDPOINT_NAME"], "IN_SERVICE"):
        return told
    return {**told, "version": production.remember(aws.client("sagemaker"), os.environ["PROJECT_NAME"], detail)}


def _job(kind: str, arn: str, status: str, changed: str, detail: Document) -> Document:
    rank = 0 if status in _BEGUN else 1 if status in _ENDING else 2
    attributes = {"JobStatus": status, "ChangedAt": changed, "ChangeOrder": f"{changed} {rank}"}
    attributes["FailureReason"] = detail.get("FailureReason") or detail.get("failureReason") or ""
    metadata = detail.get("metadata")
    attributes |= {"Metadata": json.dumps(metadata, sort_keys=True)} if metadata else {}
    written = _update(
        os.environ["JOBS_TABLE"],
        {"Type": {"S": kind}, "Arn": {"S": arn}},
        {name: {"S": value} for name, value in attributes.items()}
        | {"ExpiresAt": {"N": str(int(time.time()) + _KEPT_SECONDS)}},
    )
    return {"arn": arn, "status": status, "outcome": "written" if written else "known already, or older"}


def _version(event: Document) -> Document:
    detail = event["detail"]
    changed = sortable(detail.get("LastModifiedTime") or event["time"])
    made_by = detail.get("MetadataProperties", {}).get("GeneratedBy")
    attributes: Document = {
        "ModelPackageArn": {"S": detail["ModelPackageArn"]},
        "ModelApprovalStatus": {"S": detail["ModelApprovalStatus"]},
        "ChangedAt": {"S": changed},
        "ChangeOrder": {"S": changed},
        "CreationTime": {"S": sortable(detail["CreationTime"])},
        **_metrics(detail),
    }
    attributes |= {"GeneratedBy": {"S": made_by}} if made_by else {}
    key = {
        "ModelPackageGroupName": {"S": detail["ModelPackageGroupName"]},
        "ModelPackageVersion": {"N": str(detail["ModelPackageVersion"])},
    }
    written = _update(os.environ["VERSIONS_TABLE"], key, attributes)
    return {"arn": detail["ModelPackageArn"], "outcome": "written" if written else "known already, or older"}


def _metrics(detail: Document) -> Document:
    """Return the attributes with a version's metrics; if they cannot be read now, those read before stay."""
    try:
        found = metrics(aws.client("s3"), detail)
    except UnreadableMetricsError as error:
        return {"MetricsError": {"S": f"metrics cannot be read: {error}"}}
    return {
        "Metrics": {"M": {name: {"N": repr(value)} for name, value in found.items()}},
        "MetricsError": {"S": ""},
    }


def _update(table: str, key: Document, attributes: Document) -> bool:
    """Set an item's attributes, unless it holds the same event or a later one."""
    try:
        aws.client("dynamodb").update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ConditionExpression="attribute_not_exists(#ChangeOrder) OR #ChangeOrder < :ChangeOrder",
            ExpressionAttributeNames={f"#{name}": name for name in attributes},
            ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True
