"""The command that docs/your-model.md shows for a module that is written for version 2."""

import re
import shlex
import subprocess
import sys

from conftest import HERE, unique


def test_the_command_of_the_page(session, tmp_path):
    page = (HERE.parent.parent / "docs" / "your-model.md").read_text()
    python, *arguments = shlex.split(re.search(r"^    (v2/bin/python -c .*)$", page, re.MULTILINE)[1])
    assert python == "v2/bin/python"
    name = unique("page")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pipeline.py").write_text(
        "from sagemaker.workflow.condition_step import ConditionStep\n"
        "from sagemaker.workflow.conditions import ConditionEquals\n"
        "from sagemaker.workflow.pipeline import Pipeline\n\n\n"
        "def get_pipeline(region):\n"
        "    step = ConditionStep('Check', conditions=[ConditionEquals(left=1, right=1)], if_steps=[], else_steps=[])\n"
        f"    return Pipeline('{name}', steps=[step])\n"
    )
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, check=True, timeout=100)
    (execution,) = session.sagemaker_client.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert execution["PipelineExecutionStatus"] == "Succeeded"
