"""SageMaker's XGBoost as a built-in algorithm: endpoints and batch transforms of models without a script."""

import json
from typing import Any

import numpy as np
import pytest
import xgboost
from botocore.exceptions import ClientError

from tests.localaws.sagemaker.conftest import ROLE, unique
from tests.localaws.sagemaker.hosting.conftest import Endpoints

REPOSITORY = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost"
FEATURES = np.random.default_rng(5).normal(size=(40, 3)).astype(np.float32)
ROWS = "\n".join(",".join(map(str, row)) for row in FEATURES[:3].tolist())
SCRIPT = b"""
import os, xgboost

def model_fn(model_dir):
    return xgboost.Booster(model_file=os.path.join(model_dir, "mine.json"))
"""


def booster(slope: float = 1.0) -> Any:
    """A model of three features."""
    return xgboost.train({"max_depth": 2, "nthread": 1}, xgboost.DMatrix(FEATURES, slope * FEATURES[:, 0]), 4)


def predicted(slope: float = 1.0) -> list[float]:
    """What xgboost itself predicts."""
    return booster(slope).predict(xgboost.DMatrix(FEATURES[:3])).tolist()  # type: ignore[no-any-return]


def saved(endpoints: Endpoints, key: str, slope: float = 1.0) -> str:
    """The model.tar.gz of a model."""
    return endpoints.put_files(key, {"xgboost-model": bytes(booster(slope).save_raw())})


def created(endpoints: Endpoints, tag: str = "1.7-1", **members: Any) -> str:
    """A model of the image; without more, of one model of the algorithm."""
    name = unique("xgboost")
    data = {"ModelDataUrl": saved(endpoints, f"{name}/model.tar.gz")} if "ModelDataUrl" not in members else {}
    container = {"Image": f"{REPOSITORY}:{tag}", **data, **members}
    endpoints.client.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    return name


def asked(endpoints: Endpoints, name: str, body: str = ROWS, **members: Any) -> str:
    """What an endpoint answers."""
    answer = endpoints.runtime.invoke_endpoint(
        EndpointName=name, Body=body.encode(), **{"ContentType": "text/csv", **members}
    )
    text: str = answer["Body"].read().decode()
    return text


def test_an_endpoint_needs_no_script(endpoints: Endpoints) -> None:
    name = endpoints.create(endpoints.config(endpoints.variant(created(endpoints))))
    assert [float(line) for line in asked(endpoints, name).splitlines()] == predicted()
    scores = json.loads(asked(endpoints, name, Accept="application/json"))
    assert scores == {"predictions": [{"score": value} for value in predicted()]}
    with pytest.raises(ClientError) as refused:
        asked(endpoints, name, "1,2,3,4")
    assert refused.value.response["OriginalStatusCode"] == 400
    assert refused.value.response["OriginalMessage"].startswith("Unable to evaluate payload provided: ")


def test_a_script_of_ones_own_has_the_defaults_of_the_image(endpoints: Endpoints) -> None:
    key = f"{unique('xgboost')}/model.tar.gz"
    files = {"mine.json": bytes(booster().save_raw("json")), "code/mine.py": SCRIPT}
    variables = {"SAGEMAKER_PROGRAM": "mine.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    model = created(endpoints, ModelDataUrl=endpoints.put_files(key, files), Environment=variables)
    name = endpoints.create(endpoints.config(endpoints.variant(model)))
    assert json.loads(asked(endpoints, name)) == predicted()
    assert [float(line) for line in asked(endpoints, name, Accept="text/csv").splitlines()] == predicted()
    with pytest.raises(ClientError) as refused:
        asked(endpoints, name, "[[1, 2, 3]]", ContentType="application/json")
    assert refused.value.response["OriginalStatusCode"] == 415


def test_many_models_are_loaded_when_they_are_asked_for(endpoints: Endpoints) -> None:
    prefix = unique("xgboost")
    for slope in (1.0, 2.0):
        saved(endpoints, f"{prefix}/{slope}.tar.gz", slope)
    model = created(endpoints, Mode="MultiModel", ModelDataUrl=f"s3://{endpoints.bench.bucket}/{prefix}/")
    name = endpoints.create(endpoints.config(endpoints.variant(model)))
    for slope in (1.0, 2.0):
        assert json.loads(asked(endpoints, name, TargetModel=f"{slope}.tar.gz")) == predicted(slope)


def test_a_batch_transform_splits_by_line(endpoints: Endpoints) -> None:
    name = created(endpoints, "3.0-5", Environment={"SAGEMAKER_INFERENCE_OUTPUT": "predicted_score"})
    source = endpoints.bench.put(f"{name}/in/rows.csv", ROWS)
    endpoints.client.create_transform_job(
        TransformJobName=name,
        ModelName=name,
        BatchStrategy="SingleRecord",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={
            "S3OutputPath": f"s3://{endpoints.bench.bucket}/{name}/out",
            "AssembleWith": "Line",
            "Accept": "text/csv",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    job = endpoints.bench.wait("transform", name)
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    text = endpoints.bench.read(f"s3://{endpoints.bench.bucket}/{name}/out/rows.csv.out").decode()
    assert [float(line) for line in text.splitlines()] == predicted()


def test_what_is_no_model_fails_the_endpoint_with_its_reason(endpoints: Endpoints) -> None:
    key = f"{unique('xgboost')}/model.tar.gz"
    model = created(endpoints, ModelDataUrl=endpoints.put_files(key, {"xgboost-model": b"nothing"}))
    name = endpoints.create(endpoints.config(endpoints.variant(model)), "Failed")
    reason = endpoints.client.describe_endpoint(EndpointName=name)["FailureReason"]
    assert "Model /opt/ml/model/xgboost-model cannot be loaded" in reason
