"""The iris classifier on this machine: from its sample data to an endpoint that names species."""

import json
import sys
import uuid
from pathlib import Path

from tests.conftest import LocalAws

BUCKET = "sagemaker-us-east-1-000000000000"
RUN_PIPELINE = Path(sys.executable).with_name("run-pipeline")


def test_from_raw_data_to_predictions_of_species(local_aws: LocalAws) -> None:
    group = f"iris-{uuid.uuid4().hex[:12]}"
    names = {"pipeline_name": group, "model_package_group_name": group, "base_job_prefix": group}
    command = ["env", f"LOCALAWS_STATE_DIR={local_aws.state_dir}", str(RUN_PIPELINE), "--local"]
    done = local_aws.run([*command, "-n", "pipelines.iris.pipeline", "--kwargs", json.dumps(names)])
    assert done.returncode == 0, done.stderr
    assert "accuracy 0.9" in done.stdout
    sagemaker, s3 = local_aws.client("sagemaker"), local_aws.client("s3")
    [version] = sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    package = sagemaker.describe_model_package(ModelPackageName=version["ModelPackageArn"])
    assert package["CustomerMetadataProperties"]["TargetColumn"] == "species"

    given = ("--kwargs", json.dumps(names), "--parameters", "AccuracyThreshold=1.01")
    refused = local_aws.run([*command, "-n", "pipelines.iris.pipeline", *given])
    assert refused.returncode == 1
    assert "The accuracy on the test set is below AccuracyThreshold 1.01" in refused.stdout + refused.stderr

    sagemaker.update_model_package(ModelPackageArn=version["ModelPackageArn"], ModelApprovalStatus="Approved")
    names |= {"pipeline_name": f"{group}-batch"}
    done = local_aws.run([*command, "-n", "pipelines.iris.pipeline_batch", "--kwargs", json.dumps(names)])
    assert done.returncode == 0, done.stderr
    found = s3.get_object(Bucket=BUCKET, Key=f"{group}/batch/output/flowers.csv.out")["Body"].read()
    assert found.split() == [b"setosa", b"versicolor", b"virginica"]
