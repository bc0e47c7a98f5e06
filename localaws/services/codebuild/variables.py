"""The environment variables of a build's commands: CodeBuild's own, the project's, and the buildspec's.

A variable of the project, or of the request that started the build, overrides one of the buildspec. Values in
Parameter Store or Secrets Manager are looked up when the build begins; they are masked in the log.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from localaws.account.clients import Aws
from localaws.document import Document
from localaws.services.codebuild.buildspec import Buildspec
from localaws.services.codebuild.errors import PhaseFailure


@dataclass(frozen=True)
class Variables:
    """The variables that the commands see.

    Attributes
    ----------
    values : mapping of str to str
    secrets : frozenset of str
        The values that logs must not show.
    """

    values: Mapping[str, str]
    secrets: frozenset[str]


def resolve(aws: Aws, buildspec: Buildspec, build: Document, own: Mapping[str, str]) -> Variables:
    """Return all variables of a build.

    Parameters
    ----------
    aws : Aws
    buildspec : Buildspec
    build : dict
        As returned by BatchGetBuilds.
    own : mapping of str to str
        CodeBuild's own variables.

    Raises
    ------
    PhaseFailure
        If a parameter or a secret does not exist.
    """
    wanted = [("PLAINTEXT", name, value) for name, value in buildspec.variables.items()]
    wanted += [("PARAMETER_STORE", name, value) for name, value in buildspec.parameter_store.items()]
    wanted += [("SECRETS_MANAGER", name, value) for name, value in buildspec.secrets_manager.items()]
    wanted += [
        (variable.get("type", "PLAINTEXT"), variable["name"], variable["value"])
        for variable in build["environment"].get("environmentVariables", ())
    ]
    values, secrets = dict(own), set()
    for name, (kind, value) in {name: (kind, value) for kind, name, value in wanted}.items():
        values[name] = _LOOK_UP[kind](aws, value)
        if kind != "PLAINTEXT":
            secrets.add(values[name])
    return Variables(values, frozenset(secrets))


def own_variables(build: Document, region: str) -> dict[str, str]:
    """Return the CODEBUILD_* variables that follow from the build's document."""
    source = build["source"]
    found = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "CI": "true",
        "CODEBUILD_CI": "true",
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_LOG_PATH": build["logs"].get("streamName", ""),
        "CODEBUILD_PROJECT_ARN": build["arn"].partition(":build/")[0] + f":project/{build['projectName']}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": build.get("resolvedSourceVersion", ""),
        "CODEBUILD_SOURCE_REPO_URL": source.get("location", ""),
        "CODEBUILD_SOURCE_VERSION": build.get("sourceVersion", ""),
        "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
    }
    return {name: value for name, value in found.items() if value}


def _plain(_aws: Aws, value: str) -> str:
    return value


def _parameter(aws: Aws, name: str) -> str:
    try:
        [found] = aws.client("ssm").get_parameters(Names=[name], WithDecryption=True)["Parameters"]
    except (ClientError, ValueError) as error:
        raise PhaseFailure("CLIENT_ERROR", f"Parameter Store has no value for '{name}': {error}") from error
    return str(found["Value"])


def _secret(aws: Aws, reference: str) -> str:
    """Look up ``secret-id:json-key:version-stage:version-id``, of which all but the first part may be omitted."""
    prefix = ""
    if reference.startswith("arn:"):  # arn:aws:secretsmanager:region:account:secret:name-suffix
        prefix, reference = ":".join(reference.split(":")[:6]) + ":", ":".join(reference.split(":")[6:])
    name, key, stage, version, *_ = [*reference.split(":"), "", "", ""]
    chosen = {"VersionStage": stage} if stage else {}
    chosen |= {"VersionId": version} if version else {}
    try:
        text: str = aws.client("secretsmanager").get_secret_value(SecretId=prefix + name, **chosen)["SecretString"]
        return str(json.loads(text)[key]) if key else text
    except (ClientError, ValueError, KeyError) as error:
        message = f"Secrets Manager has no value for '{prefix}{reference}': {type(error).__name__}: {error}"
        raise PhaseFailure("Secrets Manager Error", message) from error


_LOOK_UP = {"PLAINTEXT": _plain, "PARAMETER_STORE": _parameter, "SECRETS_MANAGER": _secret}
