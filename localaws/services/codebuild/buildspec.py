"""The build specification, version 0.2: parses YAML into a validated document. Pure functions.

What AWS supports and this does not, such as runtimes other than Python, is refused by name: the build then fails in
DOWNLOAD_SOURCE with ``YAML_FILE_ERROR``, as it does on AWS if a buildspec is invalid.

Source: "Build specification reference for CodeBuild", AWS CodeBuild User Guide.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml

from localaws.document import Document
from localaws.services.codebuild.errors import PhaseFailure

PHASES = ("install", "pre_build", "build", "post_build")
_TOP = ("version", "env", "phases", "reports", "artifacts", "cache")
_ENV = ("shell", "variables", "parameter-store", "secrets-manager", "exported-variables")
_PHASE = ("on-failure", "runtime-versions", "commands", "finally")
_ARTIFACTS = ("files", "name", "discard-paths", "base-directory", "exclude-paths")
_REPORT = ("files", "base-directory", "discard-paths", "file-format")
_SHELLS = ("sh", "bash")


class _TextLoader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML whose scalars are text as they are written: `true` is a command, 3.10 a version; an empty one is nothing."""

    yaml_implicit_resolvers: ClassVar[Any] = {
        first: [each for each in resolvers if each[0] in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class Phase:
    """One of the four phases; it has no commands if the buildspec does not name it.

    Attributes
    ----------
    on_failure : str
        ``ABORT`` or ``CONTINUE``.
    """

    name: str
    commands: Sequence[str] = ()
    last: Sequence[str] = ()
    on_failure: str = "ABORT"


@dataclass(frozen=True)
class FileSet:
    """Files of the build, for an artifact or a report."""

    files: Sequence[str]
    base_directory: str = ""
    exclude_paths: Sequence[str] = ()
    discard_paths: bool = False
    name: str = ""

    def expanded(self, environment: Mapping[str, str]) -> "FileSet":
        """Return the set with the variables in it replaced by their values."""
        return FileSet(
            files=[expanded(pattern, environment) for pattern in self.files],
            base_directory=expanded(self.base_directory, environment),
            exclude_paths=[expanded(pattern, environment) for pattern in self.exclude_paths],
            discard_paths=self.discard_paths,
            name=expanded(self.name, environment),
        )


@dataclass(frozen=True)
class Buildspec:
    """The contents of a buildspec.

    Attributes
    ----------
    parameter_store, secrets_manager : mapping of str to str
        The sources of variables' values, by variable.
    runtimes : mapping of str to str
        Version by language.
    artifacts : FileSet or None
        The primary artifact.
    secondary_artifacts, reports : mapping of str to FileSet
        By identifier, and by the report group's name or ARN.
    """

    phases: Sequence[Phase]
    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported_variables: Sequence[str] = ()
    runtimes: Mapping[str, str] = field(default_factory=dict)
    artifacts: FileSet | None = None
    secondary_artifacts: Mapping[str, FileSet] = field(default_factory=dict)
    reports: Mapping[str, FileSet] = field(default_factory=dict)


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """Replace ``$NAME`` and ``${NAME}`` in a text by their values; the shell's other expressions are not supported.

    Raises
    ------
    PhaseFailure
        If the text contains a command.
    """
    if "$(" in text or "`" in text:
        message = f"commands in a name are not supported here: {text}; set a variable and use it"
        raise PhaseFailure("CLIENT_ERROR", message)
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: environment.get(found[1] or found[2], ""), text)


def parse(text: str) -> Buildspec:
    """Parse a buildspec.

    Raises
    ------
    PhaseFailure
        If it is invalid, or uses something that is not supported here.
    """
    try:
        document = yaml.load(text, Loader=_TextLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise _wrong(f"the buildspec is not YAML: {error}") from error
    top = _mapping(document, "the buildspec", _TOP)
    if str(top.get("version")) != "0.2":
        raise _wrong(f"version: {top.get('version')} is not supported; write version: 0.2")
    env = _mapping(top.get("env"), "env", _ENV)
    shell = str(env.get("shell", "sh"))
    if shell not in _SHELLS:
        raise _wrong(f"env/shell: {shell!r} is not one of {', '.join(_SHELLS)}")
    phases = _mapping(top.get("phases"), "phases", PHASES)
    if not phases:
        raise _wrong(f"phases: at least one of {', '.join(PHASES)} is needed")
    artifacts = _mapping(top.get("artifacts"), "artifacts", (*_ARTIFACTS, "secondary-artifacts"))
    secondary = _mapping(artifacts.pop("secondary-artifacts", None), "artifacts/secondary-artifacts")
    return Buildspec(
        phases=[_phase(name, phases.get(name)) for name in PHASES],
        shell=shell,
        variables=_strings(env, "variables"),
        parameter_store=_strings(env, "parameter-store"),
        secrets_manager=_strings(env, "secrets-manager"),
        exported_variables=_list(env.get("exported-variables"), "env/exported-variables"),
        runtimes=_runtimes(phases),
        artifacts=_file_set(artifacts, "artifacts", _ARTIFACTS) if artifacts else None,
        secondary_artifacts={
            name: _file_set(found, f"artifacts/secondary-artifacts/{name}", _ARTIFACTS)
            for name, found in secondary.items()
        },
        reports={name: _report(name, found) for name, found in _mapping(top.get("reports"), "reports").items()},
    )


def _phase(name: str, content: Any) -> Phase:
    known = _PHASE if name == "install" else tuple(key for key in _PHASE if key != "runtime-versions")
    phase = _mapping(content, f"phases/{name}", known)
    # A failed build still runs post_build, unless the buildspec says otherwise.
    usual = "CONTINUE" if name == "build" else "ABORT"
    on_failure = str(phase.get("on-failure", usual))
    if on_failure not in ("ABORT", "CONTINUE"):
        raise _wrong(f"phases/{name}/on-failure: {on_failure!r} is not supported here; ABORT and CONTINUE are")
    where = f"phases/{name}"
    commands = _list(phase.get("commands"), f"{where}/commands")
    return Phase(name.upper(), commands, _list(phase.get("finally"), f"{where}/finally"), on_failure)


def _runtimes(phases: Document) -> dict[str, str]:
    found = _mapping((phases.get("install") or {}).get("runtime-versions"), "phases/install/runtime-versions")
    for language in found:
        if language != "python":
            raise _wrong(f"phases/install/runtime-versions: {language} is not supported here; python is")
    return {language: str(version) for language, version in found.items()}


def _report(name: str, content: Any) -> FileSet:
    where = f"reports/{name}"
    report = _mapping(content, where, _REPORT)
    form = str(report.pop("file-format", "JUNITXML"))
    if form.upper() != "JUNITXML":
        raise _wrong(f"{where}/file-format: {form} is not supported here; JUNITXML is")
    return _file_set(report, where, _REPORT)


def _file_set(content: Any, where: str, known: Sequence[str]) -> FileSet:
    found = _mapping(content, where, known)
    files = _list(found.get("files"), f"{where}/files")
    if not files:
        raise _wrong(f"{where}/files: at least one is needed")
    return FileSet(
        files=files,
        base_directory=str(found.get("base-directory", "")),
        exclude_paths=_list(found.get("exclude-paths"), f"{where}/exclude-paths"),
        discard_paths=str(found.get("discard-paths", "no")).lower() in ("yes", "true"),
        name=str(found.get("name", "")),
    )


def _mapping(content: Any, where: str, known: Sequence[str] = ()) -> Document:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise _wrong(f"{where}: a mapping was expected, not {str(content)[:80]!r}")
    for key in content:
        if known and key not in known:
            raise _wrong(f"{where}: {key} is not supported here; {', '.join(known)} are")
    return {str(key): value for key, value in content.items()}


def _list(content: Any, where: str) -> list[str]:
    if content is None:
        return []
    if not isinstance(content, list):
        raise _wrong(f"{where}: a list was expected, not {str(content)[:80]!r}")
    for item in content:
        if not isinstance(item, str | int | float):
            raise _wrong(f"{where}: Expected {where}[...] to be of string type: found {str(item)[:80]!r}; quote it")
    return [str(item) for item in content]


def _strings(env: Document, key: str) -> dict[str, str]:
    return {name: str(value) for name, value in _mapping(env.get(key), f"env/{key}").items()}


def _wrong(message: str) -> PhaseFailure:
    return PhaseFailure("YAML_FILE_ERROR", message)
