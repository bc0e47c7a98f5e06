"""Programs that use the SageMaker SDK, in a process of their own with what `local-aws env` gives and nothing else."""

import json
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench

COMMON = f"""
import json, os, sys, time
import boto3
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline

image, role, bucket = {IMAGE!r}, {ROLE!r}, os.environ["BUCKET"]
session = PipelineSession(default_bucket=bucket)

def run(name, *steps):
    pipeline = Pipeline(name=name, steps=list(steps), sagemaker_session=session)
    pipeline.upsert(role_arn=role)
    execution = pipeline.start()
    execution.wait(delay=0.2, max_attempts=300)
    return execution
"""


def run_script(aws: LocalAws, bench: Bench, folder: Path, script: str) -> dict[str, Any]:
    """Run a script that ends by printing JSON; what it printed."""
    (folder / "script.py").write_text(COMMON + dedent(script))
    command = ["env", f"BUCKET={bench.bucket}", sys.executable, str(folder / "script.py")]
    done = aws.run(command, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return printed
