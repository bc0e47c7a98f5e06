"""What the pipeline is made of: its parameters, and its steps in the order in which they run.

Imported when there is a region, which the SDK needs to be imported: by `pipelines.lr.pipeline`, inside of its function.
"""

from pathlib import Path
from typing import Any

from pipelines import _code, _steps
from pipelines.lr import sample_data

_HERE = Path(__file__).parent
_NUMBER = r"([0-9.eE+-]+)"
_REPORT = _steps.PropertyFile("EvaluationReport", output_name="evaluation", path="evaluation.json")


class Parameters:
    """The parameters of the pipeline with their defaults: every number that a run may want to change.

    Parameters
    ----------
    settings : JobSettings
    """

    def __init__(self, settings: _steps.JobSettings) -> None:
        text, integer, number = _steps.ParameterString, _steps.ParameterInteger, _steps.ParameterFloat
        self.input_data_url = text("InputDataUrl", f"s3://{settings.bucket}/{settings.prefix}/{sample_data.FOLDER}")
        self.feature_columns = text("FeatureColumns", "bmi")
        self.target_column = text("TargetColumn", sample_data.TARGET_COLUMN)
        self.test_rows = integer("TestRows", 20)
        self.processing_type = text("ProcessingInstanceType", "ml.m5.large")
        self.processing_count = integer("ProcessingInstanceCount", 1)
        self.training_type = text("TrainingInstanceType", "ml.m5.large")
        self.training_count = integer("TrainingInstanceCount", 1)
        self.learning_rate = number("LearningRate", 0.1)
        self.max_iterations = integer("MaxIterations", 15001)
        self.r2_threshold = number("R2Threshold", 0.2)
        self.approval_status = text(
            "ModelApprovalStatus",
            "PendingManualApproval",
            enum_values=["PendingManualApproval", "Approved", "Rejected"],
        )

    @property
    def every(self) -> list[Any]:
        """All of them, in the order in which they are declared."""
        return list(vars(self).values())


def preprocess(settings: _steps.JobSettings, parameters: Parameters) -> Any:
    """Split the raw data into a training and a test set."""
    return _steps.processing_step(
        settings,
        "Preprocess",
        code=_code.read_files(_HERE, "preprocess.py"),
        script="preprocess.py",
        inputs={"data": parameters.input_data_url},
        outputs={"train": "/opt/ml/processing/output/train", "test": "/opt/ml/processing/output/test"},
        arguments=[
            *("--feature-columns", parameters.feature_columns),
            *("--target-column", parameters.target_column),
            *("--test-rows", parameters.test_rows.to_string()),
        ],
        instance_type=parameters.processing_type,
        instance_count=parameters.processing_count,
    )


def train(settings: _steps.JobSettings, parameters: Parameters, training_data: Any) -> Any:
    """Train the model; its code goes into model.tar.gz with it."""
    return _steps.training_step(
        settings,
        "Train",
        code={
            **_code.read_files(_HERE, "train.py", "linear_regression.py", "model_file.py", "inference.py"),
            **_code.read_package("dill"),
        },
        script="train.py",
        channels={"train": training_data},
        hyperparameters={
            "learning_rate": parameters.learning_rate.to_string(),
            "max_iter": parameters.max_iterations.to_string(),
            "target_column": parameters.target_column,
        },
        metrics={"train:mse": f"train:mse={_NUMBER}", "train:r2": f"train:r2={_NUMBER}"},
        instance_type=parameters.training_type,
        instance_count=parameters.training_count,
    )


def evaluate(settings: _steps.JobSettings, parameters: Parameters, model_data: Any, test_data: Any) -> Any:
    """Test the model; whether it is registered depends on the report."""
    return _steps.processing_step(
        settings,
        "Evaluate",
        code=_code.read_files(_HERE, "evaluate.py"),  # the model brings its own code
        script="evaluate.py",
        inputs={"model": model_data, "test": test_data},
        outputs={"evaluation": "/opt/ml/processing/evaluation"},
        arguments=["--target-column", parameters.target_column],
        property_files=[_REPORT],
        instance_type=parameters.processing_type,
        instance_count=parameters.processing_count,
    )


def register(
    settings: _steps.JobSettings,
    parameters: Parameters,
    model_package_group_name: str,
    model_data: Any,
    evaluation: _steps.Evaluation,
) -> Any:
    """Register the model as a version of its group."""
    return _steps.register_step(
        settings,
        "Register",
        model_data=model_data,
        # train.py packs the code into model.tar.gz, so nothing is repacked here.
        environment={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
        model_package_group_name=model_package_group_name,
        approval_status=parameters.approval_status,
        content_types=["application/json", "application/jsonlines", "text/csv"],
        evaluation=evaluation,
    )


def evaluation_of(parameters: Parameters, evaluated: Any, test_data: Any) -> _steps.Evaluation:
    """Say how the model was tested: where the report of the step Evaluate is, and with which records."""
    report = _steps.Join(on="/", values=[_steps.output_uri(evaluated, "evaluation"), "evaluation.json"])
    return _steps.Evaluation(statistics_uri=report, test_data_uri=test_data, target_column=parameters.target_column)


def check_quality(parameters: Parameters, evaluated: Any, if_good: Any) -> Any:
    """Go on with a step if R2 on the test set is good enough; end the execution as failed, with the reason, if not."""
    r2 = _steps.JsonGet(step_name=evaluated.name, property_file=_REPORT, json_path="regression_metrics.r2.value")
    quality_too_low = _steps.fail_step(
        "QualityTooLow",
        *("R2 on the test set is ", r2, ", below R2Threshold ", parameters.r2_threshold.to_string()),
        ": the model was not registered.",
    )
    return _steps.at_least_step(
        "CheckQuality", value=r2, threshold=parameters.r2_threshold, if_steps=[if_good], else_steps=[quality_too_low]
    )
