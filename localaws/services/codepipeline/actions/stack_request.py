"""The requests to CloudFormation: an action's template, parameters and tags, read from artifacts."""

import json
from typing import Any

from localaws.document import Document
from localaws.services.codepipeline.actions.action import Job
from localaws.services.codepipeline.artifacts import ArtifactError

_BODY_MOST = 51_200


def stack_request(job: Job) -> Document:
    """Return the members that CreateStack, UpdateStack and CreateChangeSet have in common.

    Raises
    ------
    ArtifactError
        If a file is missing or invalid.
    """
    configuration = job.configuration
    settings = _json(job, _file(job, "TemplateConfiguration")) if configuration.get("TemplateConfiguration") else {}
    overrides = _json(job, configuration.get("ParameterOverrides") or "{}")
    parameters = {**settings.get("Parameters", {}), **{key: _value(job, each) for key, each in overrides.items()}}
    request: Document = {
        "StackName": configuration["StackName"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": _text(each)} for key, each in parameters.items()],
        "Tags": [{"Key": key, "Value": _text(each)} for key, each in settings.get("Tags", {}).items()],
        "Capabilities": [each.strip() for each in configuration.get("Capabilities", "").split(",") if each.strip()],
        **_template(job),
    }
    if configuration.get("RoleArn"):
        request["RoleARN"] = configuration["RoleArn"]
    return request


def _template(job: Job) -> Document:
    body = _file(job, "TemplatePath")
    if len(body.encode()) <= _BODY_MOST:
        return {"TemplateBody": body}
    location = job.artifacts.location(job.pipeline_name, "template", job.number)
    s3 = job.context.aws.client("s3")
    s3.put_object(Bucket=location["bucket"], Key=location["key"], Body=body.encode(), **job.artifacts.encryption())
    return {"TemplateURL": f"https://{location['bucket']}.s3.amazonaws.com/{location['key']}"}


def _file(job: Job, member: str) -> str:
    """Return the file that ``Artifact::path`` names."""
    artifact, colons, path = job.configuration[member].partition("::")
    if not colons or artifact not in job.inputs:
        raise ArtifactError(
            f"{member} is {job.configuration[member]}: write Artifact::file, with one of the input artifacts "
            f"({', '.join(job.inputs) or 'none'})"
        )
    return job.artifacts.read(job.inputs[artifact], path).decode()


def _value(job: Job, value: Any) -> Any:
    """Return a parameter of ParameterOverrides, which may refer to a value in an artifact."""
    if not isinstance(value, dict):
        return value
    [(function, arguments)] = value.items() if len(value) == 1 else [("", [])]
    if function == "Fn::GetArtifactAtt" and len(arguments) == 2 and arguments[0] in job.inputs:
        location = job.inputs[arguments[0]]
        url = f"https://s3.amazonaws.com/{location['bucket']}/{location['key']}"
        found = {"BucketName": location["bucket"], "ObjectKey": location["key"], "URL": url}.get(arguments[1])
        if found is not None:
            return found
    if function == "Fn::GetParam" and len(arguments) == 3 and arguments[0] in job.inputs:
        content = _json(job, job.artifacts.read(job.inputs[arguments[0]], arguments[1]).decode())
        if arguments[2] in content:
            return content[arguments[2]]
    raise ArtifactError(f"ParameterOverrides cannot be resolved: {json.dumps(value)}")


def _json(job: Job, text: str) -> Document:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ArtifactError(f"Not JSON, in action {job.declaration['name']}: {error}") from error
    if not isinstance(found, dict):
        raise ArtifactError(f"Not a JSON object, in action {job.declaration['name']}: {text[:100]}")
    return found


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(each) for each in value)
    return value if isinstance(value, str) else json.dumps(value)
