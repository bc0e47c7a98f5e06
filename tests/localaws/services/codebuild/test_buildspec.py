"""What is a buildspec, and what a wrong one is told."""

import pytest

from localaws.services.codebuild import buildspec
from localaws.services.codebuild.errors import PhaseFailure

WHOLE = """
version: 0.2
env:
  shell: bash
  variables: {NUMBER: 3, TRUTH: "true"}
  parameter-store: {LOGIN: /my/login}
  secrets-manager: {KEY: "my-secret:key"}
  exported-variables: [RESULT]
phases:
  install:
    runtime-versions: {python: 3.12}
    commands: [pip install x]
  build:
    on-failure: ABORT
    commands: [make]
    finally: [clean]
reports:
  tests: {files: ["*.xml"], base-directory: out, file-format: JUNITXML}
artifacts:
  files: ["**/*"]
  exclude-paths: [secret.txt]
  discard-paths: yes
  secondary-artifacts:
    other: {files: [a.txt], base-directory: out}
cache: {paths: [/root/.cache/**/*]}
"""


def test_all_that_is_there_is_read() -> None:
    spec = buildspec.parse(WHOLE)
    assert spec.shell == "bash"
    assert spec.variables == {"NUMBER": "3", "TRUTH": "true"}
    assert (spec.parameter_store, spec.secrets_manager) == ({"LOGIN": "/my/login"}, {"KEY": "my-secret:key"})
    assert spec.exported_variables == ["RESULT"]
    assert spec.runtimes == {"python": "3.12"}
    assert [phase.name for phase in spec.phases] == ["INSTALL", "PRE_BUILD", "BUILD", "POST_BUILD"]
    build = spec.phases[2]
    assert (build.commands, build.last, build.on_failure) == (["make"], ["clean"], "ABORT")
    assert spec.artifacts is not None
    assert spec.artifacts.discard_paths and spec.artifacts.exclude_paths == ["secret.txt"]
    assert spec.secondary_artifacts["other"].base_directory == "out"
    assert spec.reports["tests"].files == ["*.xml"]


def test_what_yaml_makes_other_things_of_is_what_is_written() -> None:
    written = "[true, 'yes', 0644, 1_000, 2026-01-01]"
    spec = buildspec.parse(
        f"{{version: 0.2, env: {{variables: {{ON: on, NO: 3.10}}}}, phases: {{build: {{commands: {written}}}}}}}"
    )
    assert spec.phases[2].commands == ["true", "yes", "0644", "1_000", "2026-01-01"]
    assert spec.variables == {"ON": "on", "NO": "3.10"}


def test_post_build_follows_a_failed_build_unless_the_buildspec_says_otherwise() -> None:
    spec = buildspec.parse("{version: 0.2, phases: {build: {commands: [a]}}}")
    assert {phase.name: phase.on_failure for phase in spec.phases} == {
        "INSTALL": "ABORT",
        "PRE_BUILD": "ABORT",
        "BUILD": "CONTINUE",
        "POST_BUILD": "ABORT",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "not YAML"),
        ("[1]", "a mapping was expected"),
        ("version: 0.1", "version: 0.1 is not supported"),
        ("version: 0.2", "at least one of install, pre_build, build, post_build"),
        ("{version: 0.2, phases: {build: {commands: [{a: b}]}}}", r"phases/build/commands\[...\] to be of string type"),
        ("{version: 0.2, phases: {build: {commands: make}}}", "phases/build/commands: a list was expected"),
        ("{version: 0.2, phases: {deploy: {commands: [a]}}}", "phases: deploy is not supported here"),
        ("{version: 0.2, phases: {install: {runtime-versions: {java: 17}}}}", "java is not supported here; python is"),
        ("{version: 0.2, phases: {build: {on-failure: RETRY-2}}}", "'RETRY-2' is not supported here"),
        ("{version: 0.2, env: {shell: fish}, phases: {build: {commands: [a]}}}", "'fish' is not one of sh, bash"),
        ("{version: 0.2, proxy: {logs: yes}, phases: {build: {commands: [a]}}}", "proxy is not supported here"),
        (
            "{version: 0.2, phases: {build: {commands: [a]}}, reports: {r: {files: [a], file-format: NUNITXML}}}",
            "reports/r/file-format: NUNITXML is not supported here",
        ),
        ("{version: 0.2, phases: {build: {commands: [a]}}, artifacts: {name: a}}", "artifacts/files: at least one"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(PhaseFailure, match=message) as caught:
        buildspec.parse(text)
    assert caught.value.status_code == "YAML_FILE_ERROR"
