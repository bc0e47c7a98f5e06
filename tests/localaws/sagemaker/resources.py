"""Models and packages of tests, and how a request is refused."""

import io
import tarfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.conftest import IMAGE, ROLE, Bench, unique

INFERENCE = """
import json, pathlib
def model_fn(folder):
    return float(pathlib.Path(folder, "factor").read_text())
def input_fn(body, content_type):
    if content_type != "text/csv":
        raise ValueError(f"{content_type} is not text/csv")
    text = body.decode() if isinstance(body, bytes) else body
    return [float(line) for line in text.split()]
def predict_fn(data, model):
    return [value * model for value in data]
def output_fn(prediction, accept):
    return "".join(f"{value}\\n" for value in prediction), "text/csv"
"""


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    """The code and the sentence that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def make_package(bench: Bench, group: str, **members: Any) -> str:
    uri = bench.put("packaged/model.tar.gz", b"")
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": uri}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    arn: str = bench.sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification, **members
    )["ModelPackageArn"]
    return arn


def make_model(bench: Bench, inference: str = INFERENCE) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in (("factor", "2.5"), ("code/inference.py", inference)):
            member = tarfile.TarInfo(name)
            member.size = len(content.encode())
            tar.addfile(member, io.BytesIO(content.encode()))
    name = unique("model")
    uri = bench.put(f"{name}/model.tar.gz", packed.getvalue())
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    container = {"Image": IMAGE, "ModelDataUrl": uri, "Environment": environment}
    bench.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return name
