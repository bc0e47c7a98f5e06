"""Test reports, in groups: the results of a build's tests, kept beside its log."""

import time
import uuid
from pathlib import Path

from localaws.account.permission import Question
from localaws.api_errors import UnsupportedOperation
from localaws.document import Document
from localaws.service.context import Context
from localaws.services.codebuild import junit
from localaws.services.codebuild.buildspec import FileSet
from localaws.services.codebuild.errors import InvalidInput, ResourceAlreadyExists, ResourceNotFound
from localaws.services.codebuild.file_sets import select
from localaws.services.codebuild.listing import names_page
from localaws.storage.store import Query, Resource, decode_token, encode_token

GROUP, REPORT = "codebuild/report-group", "codebuild/report"
_NO_EXPORT: Document = {"exportConfigType": "NO_EXPORT"}
_KEPT_SECONDS = 30 * 24 * 3600
_MOST_CASES = 100


def create_group(context: Context, request: Document) -> Document:
    """Handle CreateReportGroup."""
    export = request["exportConfig"].get("exportConfigType", "NO_EXPORT")
    if request["type"] != "TEST" or export != "NO_EXPORT":
        raise UnsupportedOperation(
            f"Local AWS supports report groups of the type TEST with NO_EXPORT, not {request['type']} with {export}"
        )
    now = time.time()
    document = {
        **request,
        "arn": context.arn("codebuild", f"report-group/{request['name']}"),
        "created": now,
        "lastModified": now,
        "status": "ACTIVE",
    }
    if not context.store.add(Resource(GROUP, request["name"], document["arn"], document)):
        raise ResourceAlreadyExists(f"Report group already exists: {document['arn']}")
    return {"reportGroup": document}


def delete_group(context: Context, request: Document) -> Document:
    """Handle DeleteReportGroup; the group's reports are deleted if ``deleteReports`` is set."""
    reports = context.store.every(REPORT, parent=request["arn"])
    if reports and not request.get("deleteReports"):
        raise InvalidInput(f"{request['arn']} has {len(reports)} reports: delete them with deleteReports")
    for report in reports:
        context.store.remove(report.arn)
    context.store.remove(request["arn"])
    return {}


def batch_get_groups(context: Context, request: Document) -> Document:
    """Handle BatchGetReportGroups."""
    found = {arn: context.store.by_arn(arn) for arn in request["reportGroupArns"]}
    return {
        "reportGroups": [group.document for group in found.values() if group],
        "reportGroupsNotFound": [arn for arn, group in found.items() if group is None],
    }


def list_groups(context: Context, request: Document) -> Document:
    """Handle ListReportGroups."""
    columns = {"NAME": "name", "CREATED_TIME": "created", "LAST_MODIFIED_TIME": "modified"}
    order = columns[request.get("sortBy", "NAME")]
    query = Query(GROUP, sort_by=order, descending=request.get("sortOrder") == "DESCENDING")
    return names_page(context.store, query, request, "reportGroups", lambda group: group.arn)


def batch_get(context: Context, request: Document) -> Document:
    """Handle BatchGetReports."""
    found = {arn: context.store.by_arn(arn) for arn in request["reportArns"]}
    return {
        "reports": [report.document for report in found.values() if report],
        "reportsNotFound": [arn for arn, report in found.items() if report is None],
    }


def list_all(context: Context, request: Document) -> Document:
    """Handle ListReports and ListReportsForReportGroup."""
    where = {"parent = ?": request["reportGroupArn"]} if "reportGroupArn" in request else {}
    if status := request.get("filter", {}).get("status"):
        where["status = ?"] = status
    query = Query(REPORT, where, descending=request.get("sortOrder") != "ASCENDING")
    return names_page(context.store, query, request, "reports", lambda report: report.arn)


def describe_test_cases(context: Context, request: Document) -> Document:
    """Handle DescribeTestCases."""
    report = context.store.by_arn(request["reportArn"])
    if report is None:
        raise ResourceNotFound(f"Report cannot be found: {request['reportArn']}")
    wanted = request.get("filter", {})
    cases = [
        {**case, "reportArn": report.arn, "expired": report.document["expired"]}
        for case in report.internal["cases"]
        if wanted.get("status") in (None, case["status"]) and wanted.get("keyword", "") in case["name"]
    ]
    token = request.get("nextToken")
    start = decode_token(token)[1] if token else 0
    end = start + min(int(request.get("maxResults") or _MOST_CASES), _MOST_CASES)
    return {"testCases": cases[start:end], "nextToken": encode_token("", end) if end < len(cases) else None}


def make(context: Context, build: Document, name: str, files: FileSet, source: Path) -> str:
    """Create a report from the files of a build, and its group if that does not exist.

    Parameters
    ----------
    context : Context
        With the other services called under the project's role.
    build : dict
        As returned by BatchGetBuilds.
    name : str
        The name of the report in the buildspec, or the ARN of its group.
    files : FileSet
    source : Path
        The folder that contains them.

    Returns
    -------
    str
        The ARN of the report.

    Raises
    ------
    NothingFound, ValueError
        If a file does not exist or is not JUnit XML.
    ClientError
        If the project's role lacks a permission.
    """
    cases = [
        case
        for relative, path in select(files, source).items()
        for case in junit.test_cases(path.read_bytes(), relative)
    ]
    group = _group(context, build, name)
    for operation in ("CreateReport", "BatchPutTestCases", "UpdateReport"):
        _require(context, operation, group)
    arn = f"{group.replace(':report-group/', ':report/')}:{uuid.uuid4()}"
    now = time.time()
    counts = (found := junit.summary(cases))["statusCounts"]
    document = {
        "arn": arn,
        "type": "TEST",
        "name": arn.rpartition("/")[2],
        "reportGroupArn": group,
        "executionId": build["arn"],
        "status": "FAILED" if counts["FAILED"] or counts["ERROR"] else "SUCCEEDED",
        "created": now,
        "expired": now + _KEPT_SECONDS,
        "exportConfig": _NO_EXPORT,
        "truncated": False,
        "testSummary": found,
    }
    internal = {"cases": cases}
    context.store.add(Resource(REPORT, document["name"], arn, document, internal, group, document["status"]))
    return arn


def _group(context: Context, build: Document, name: str) -> str:
    if name.startswith("arn:"):
        if context.store.by_arn(name) is None:
            raise ValueError(f"the report group {name} does not exist")
        return name
    own = f"{build['projectName']}-{name}"
    arn = context.arn("codebuild", f"report-group/{own}")
    if context.store.by_arn(arn) is None:
        _require(context, "CreateReportGroup", arn)
        create_group(context, {"name": own, "type": "TEST", "exportConfig": _NO_EXPORT})
    return arn


def _require(context: Context, operation: str, group: str) -> None:
    """Check that the project's role allows what CodeBuild does with it; most of that is not an API operation."""
    name = group.rpartition("/")[2]
    context.aws.require(Question("codebuild", f"CodeBuild_20161006.{operation}", {"name": name}))
