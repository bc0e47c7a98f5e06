"""What CodeBuild runs of a model: the `run-pipeline` commands of the buildspecs, with the templates' variables."""

import os
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.services.codebuild import buildspec
from tests.conftest import LocalAws

ROOT = Path(__file__).parents[2]
MODEL_BUILD, MODEL_DEPLOY = ROOT / "codebuild-buildspec.yml", ROOT / "deploy" / "buildspec.yml"
ROLE = "arn:aws:iam::000000000000:role/pipeline"


@dataclass(frozen=True)
class Builds:
    """The builds of a project of a test's own, in a folder that stands for its working copy."""

    aws: LocalAws
    project: str
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """What build.yml and release.yml set, but for the modules."""
        return {
            "SAGEMAKER_PROJECT_NAME": self.project,
            "SAGEMAKER_PROJECT_ID": "p-1",
            "SAGEMAKER_PIPELINE_NAME": self.project,
            "SAGEMAKER_PIPELINE_ROLE_ARN": ROLE,
            "SOURCE_MODEL_PACKAGE_GROUP_NAME": self.project,
            "ARTIFACT_BUCKET": self.project,
            "DATA_BUCKET": f"{self.project}-data",
            "KMS_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555",
        }

    def run(self, path: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command `run-pipeline` of a buildspec, with options of the test's own at its end."""
        spec = buildspec.parse(path.read_text())
        [command] = [each for phase in spec.phases for each in phase.commands if each.startswith("run-pipeline")]
        environment = {**spec.variables, **self.variables, **chosen(), **variables, **self.aws.env}
        return subprocess.run(
            ["sh", "-c", " ".join([command, *options])],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def chosen() -> dict[str, str]:
    """The modules that the environment names, as CodeBuild's does; the buildspecs' own where it names none."""
    return {name: os.environ[name] for name in ("MODULE", "BATCH_MODULE") if name in os.environ}


def begin(aws: LocalAws, folder: Path = ROOT) -> Builds:
    """Make what a project's stack makes before its first build: buckets, and a model package group."""
    project = f"model-{uuid.uuid4().hex[:12]}"
    for bucket in (project, f"{project}-data"):
        aws.client("s3").create_bucket(Bucket=bucket)
    aws.client("sagemaker").create_model_package_group(ModelPackageGroupName=project)
    return Builds(aws, project, folder)


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The steps of a definition, those behind conditions too."""
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from all_steps(step["Arguments"].get(branch, []))
