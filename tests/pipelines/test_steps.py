"""What a step's builder writes that no pipeline of ours needs."""

import json
import os
import subprocess
import sys

SCRIPT = """
import json
from pipelines import steps

settings = steps.JobSettings(None, "role", "image", "bucket", "prefix")
evaluation = steps.Evaluation("s3://b/e.json", "s3://b/test", "kind", {"PositiveLabel": "ill"})
step = steps.register_step(
    settings,
    "Register",
    model_data="s3://b/model.tar.gz",
    environment={"SAGEMAKER_PROGRAM": "inference.py"},
    model_package_group_name="group",
    approval_status="Approved",
    content_types=["text/csv"],
    evaluation=evaluation,
)
properties = step.arguments["CustomerMetadataProperties"]
[container] = step.arguments["InferenceSpecification"]["Containers"]
texts = {name: value for name, value in properties.items() if isinstance(value, str)}
print(json.dumps([texts, container["Environment"]]))
"""


def test_a_version_says_what_its_pipeline_says_of_it_and_starts_without_a_network():
    # The SDK needs a region to be imported.
    environ = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    properties, environment = json.loads(done.stdout.splitlines()[-1])
    assert properties == {"TestDataUrl": "s3://b/test", "TargetColumn": "kind", "PositiveLabel": "ill"}
    assert environment == {"SAGEMAKER_PROGRAM": "inference.py", "PIP_NO_BUILD_ISOLATION": "0"}
