"""The road of a model: from raw CSV files to a registered version.

    Preprocess ─> Train ─> Evaluate ─> CheckQuality ─┬─ good enough ─> Register
                                                     └─ otherwise ───> QualityTooLow, a Fail step

A `Road` says what is particular about a model. Preprocess and Evaluate run the scripts of `pipelines.containers`, Train
the model's own `train.py`, which puts `inference.py` beside the model. Every number that a run may want to change is a
parameter of the pipeline, not of `get_pipeline`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import code, session, steps

_NUMBER = r"([0-9.eE+-]+)"
_REPORT = "EvaluationReport"
# What training and serving scripts import of `pipelines.containers`.
_SHARED = ("job.py", "hyperparameters.py", "csv_tables.py", "model_file.py", "rows.py", "refusals.py")
_CONTENT_TYPES = ("application/json", "application/jsonlines", "text/csv")


@dataclass(frozen=True)
class Hyperparameter:
    """A number that Train takes, as a parameter of the pipeline.

    Attributes
    ----------
    name : str
        What the script calls it: ``learning_rate``.
    parameter : str
        What the pipeline calls it: ``LearningRate``.
    default : int or float
    """

    name: str
    parameter: str
    default: float


@dataclass(frozen=True)
class Quality:
    """What a version has to reach to be registered.

    Attributes
    ----------
    metric : str
        Of the report: ``r2``.
    title : str
        What messages call it: ``R2``.
    parameter : str
        The parameter of the pipeline that is the limit: ``R2Threshold``.
    default : float
        The least value that is good enough.
    """

    metric: str
    title: str
    parameter: str
    default: float


@dataclass(frozen=True, kw_only=True)
class Road:
    """What is particular about a model.

    Attributes
    ----------
    name : str
        Of the pipeline, of the group of its versions, and of the folder in S3, unless a project names them.
    folder : Path
        Where the model's own scripts are.
    scripts : sequence of str
        Those of training and serving: ``train.py``, which runs, and what it imports or packs.
    packages : sequence of str, default=("dill",)
        Pure-Python packages that travel with them, because the image lacks them.
    feature_columns : str
        The default of the parameter FeatureColumns: names with commas between them.
    target_column : str
        The default of the parameter TargetColumn.
    problem : str
        ``regression``, or ``multiclass`` for a target that is one of several texts.
    test_rows : int
        The default of the parameter TestRows.
    random_state : int, optional
        The seed that the test set is drawn with; by default it is the last rows of the data.
    hyperparameters : sequence of Hyperparameter
    metrics : sequence of str
        What the log of Train says as ``name=number``.
    quality : Quality
    """

    name: str
    folder: Path
    scripts: Sequence[str]
    packages: Sequence[str] = ("dill",)
    feature_columns: str
    target_column: str
    problem: str
    test_rows: int
    random_state: int | None = None
    hyperparameters: Sequence[Hyperparameter] = ()
    metrics: Sequence[str] = ()
    quality: Quality

    def get_pipeline(  # noqa: PLR0913 -- the argument names are those of AWS's project template
        self,
        region: str,
        role: str | None = None,
        default_bucket: str | None = None,
        *,
        model_package_group_name: str | None = None,
        pipeline_name: str | None = None,
        base_job_prefix: str | None = None,
        image_uri: str | None = None,
        kms_key_arn: str | None = None,
        volume_kms_key_arn: str | None = None,
        network_config: Mapping[str, Any] | None = None,
        max_runtime_in_seconds: int = steps.MAX_RUNTIME_IN_SECONDS,
        commit_id: str | None = None,
        sagemaker_project_name: str | None = None,
        sagemaker_session: Any = None,
    ) -> Any:
        """Define the pipeline that builds the model, and upload its code.

        Parameters
        ----------
        region : str
            For example `eu-west-1`.
        role : str, optional
            ARN of the execution role; the caller's own by default, as in Studio.
        default_bucket : str, optional
            For code, data and models; the account's `sagemaker-{region}-{account}` by default.
        model_package_group_name : str, optional
            Where versions are registered; made by the first registration. The model's name by default.
        pipeline_name : str, optional
            What SageMaker calls the pipeline; the model's name by default.
        base_job_prefix : str, optional
            What every S3 key of this pipeline begins with; the model's name by default.
        image_uri : str, optional
            Container image to train and serve with; AWS's scikit-learn image by default.
        kms_key_arn : str, optional
            KMS key of models and outputs; S3's own key, aws/s3, by default.
        volume_kms_key_arn : str, optional
            KMS key of the jobs' volumes; SageMaker's own key by default.
        network_config : mapping, optional
            The network of the jobs, as in `pipelines.steps.job_settings`; SageMaker's own network by default.
        max_runtime_in_seconds : int
            The default of the parameter MaxRuntimeInSeconds, after which a job has failed.
        commit_id : str, optional
            The commit that this is: what the versions say that built them.
        sagemaker_project_name : str, optional
            Prefixes pipeline, group and keys, so that projects of one account keep apart.
        sagemaker_session : PipelineSession, optional
            Opened for `region` and `default_bucket` by default.

        Returns
        -------
        sagemaker.mlops.workflow.pipeline.Pipeline
            The same code and arguments give the same definition, byte for byte.

        Raises
        ------
        PipelineError
            When no role is given and the caller is not running as one.
        """
        sagemaker_session = sagemaker_session or session.pipeline_session(region, default_bucket)
        project = session.project_prefix(sagemaker_project_name)
        settings = steps.job_settings(
            sagemaker_session,
            project + (base_job_prefix or self.name),
            role=role,
            default_bucket=default_bucket,
            image_uri=image_uri,
            kms_key_arn=kms_key_arn,
            commit_id=commit_id,
            volume_kms_key_arn=volume_kms_key_arn,
            network_config=network_config,
        )
        parameters = Parameters(self, settings, max_runtime_in_seconds)
        preprocessed = self._preprocess(settings, parameters)
        test_data = steps.output_uri(preprocessed, "test")
        trained = self._train(settings, parameters, steps.output_uri(preprocessed, "train"))
        model_data = trained.properties.ModelArtifacts.S3ModelArtifacts
        evaluated = self._evaluate(settings, parameters, model_data, test_data)
        registered = _register(
            settings,
            parameters,
            project + (model_package_group_name or self.name),
            model_data,
            _evaluation_of(parameters, evaluated, test_data),
        )
        return steps.Pipeline(
            name=project + (pipeline_name or self.name),
            parameters=parameters.every,
            steps=[preprocessed, trained, evaluated, self._check_quality(parameters, evaluated, registered)],
            sagemaker_session=sagemaker_session,
        )

    def training_code(self) -> dict[str, bytes]:
        """Return the files that Train runs, by name; what serves the model is among them."""
        packed = [code.read_package(name) for name in self.packages]
        files = code.read_files(self.folder, *self.scripts) | code.read_shared(*_SHARED)
        return files | {name: content for package in packed for name, content in package.items()}

    def preprocessing_code(self) -> dict[str, bytes]:
        """Return the files that Preprocess runs, by name."""
        return code.read_shared("preprocess.py", "job.py")

    def evaluation_code(self) -> dict[str, bytes]:
        """Return the files that Evaluate runs, by name; the model brings its own code."""
        return code.read_shared("evaluate.py", "job.py", "csv_tables.py", f"{self.problem}.py")

    def _preprocess(self, settings: steps.JobSettings, parameters: "Parameters") -> Any:
        """Split the raw data into a training and a test set."""
        return steps.processing_step(
            settings,
            "Preprocess",
            code=self.preprocessing_code(),
            script="preprocess.py",
            inputs={"data": parameters.input_data_url},
            outputs={"train": "/opt/ml/processing/output/train", "test": "/opt/ml/processing/output/test"},
            arguments=[
                *("--feature-columns", parameters.feature_columns),
                *("--target-column", parameters.target_column),
                *("--test-rows", parameters.test_rows.to_string()),
                *([] if self.random_state is None else ["--random-state", str(self.random_state)]),
                *(["--labels"] if self.problem == "multiclass" else []),
            ],
            instance_type=parameters.processing_type,
            instance_count=parameters.processing_count,
            max_runtime_in_seconds=parameters.max_runtime,
        )

    def _train(self, settings: steps.JobSettings, parameters: "Parameters", training_data: Any) -> Any:
        """Train the model; its code goes into model.tar.gz with it."""
        return steps.training_step(
            settings,
            "Train",
            code=self.training_code(),
            script="train.py",
            channels={"train": training_data},
            hyperparameters={
                **{name: value.to_string() for name, value in parameters.hyperparameters.items()},
                "target_column": parameters.target_column,
            },
            metrics={name: f"{name}={_NUMBER}" for name in self.metrics},
            instance_type=parameters.training_type,
            instance_count=parameters.training_count,
            max_runtime_in_seconds=parameters.max_runtime,
        )

    def _evaluate(self, settings: steps.JobSettings, parameters: "Parameters", model_data: Any, test_data: Any) -> Any:
        """Test the model; whether it is registered depends on the report."""
        return steps.processing_step(
            settings,
            "Evaluate",
            code=self.evaluation_code(),
            script="evaluate.py",
            inputs={"model": model_data, "test": test_data},
            outputs={"evaluation": "/opt/ml/processing/evaluation"},
            arguments=["--target-column", parameters.target_column, "--problem", self.problem],
            property_files=[steps.PropertyFile(_REPORT, output_name="evaluation", path="evaluation.json")],
            instance_type=parameters.processing_type,
            instance_count=parameters.processing_count,
            max_runtime_in_seconds=parameters.max_runtime,
        )

    def _check_quality(self, parameters: "Parameters", evaluated: Any, if_good: Any) -> Any:
        """Go on with a step if the metric is good enough; end the execution as failed, with the reason, if not."""
        group = _GROUPS[self.problem]
        value = steps.JsonGet(
            step_name=evaluated.name, property_file=_REPORT, json_path=f"{group}.{self.quality.metric}.value"
        )
        quality_too_low = steps.fail_step(
            "QualityTooLow",
            # A message may hold parameters; of what is in a report AWS's guide does not say it.
            f"{self.quality.title} on the test set is below {self.quality.parameter} ",
            parameters.threshold.to_string(),
            f": the model was not registered. The figures are in evaluation.json, which the step {evaluated.name}"
            " wrote.",
        )
        return steps.at_least_step(
            "CheckQuality",
            value=value,
            threshold=parameters.threshold,
            if_steps=[if_good],
            else_steps=[quality_too_low],
        )


# What the modules of `pipelines.containers` call their groups; they are imported by scripts only.
_GROUPS: Mapping[str, str] = {
    "regression": "regression_metrics",
    "multiclass": "multiclass_classification_metrics",
}


class Parameters:
    """The parameters of a pipeline with their defaults: every number that a run may want to change.

    Parameters
    ----------
    road : Road
    settings : JobSettings
    max_runtime_in_seconds : int
    """

    def __init__(self, road: Road, settings: steps.JobSettings, max_runtime_in_seconds: int) -> None:
        text, integer, number = steps.ParameterString, steps.ParameterInteger, steps.ParameterFloat
        self.input_data_url = text("InputDataUrl", f"{settings.folder}/data/")
        self.feature_columns = text("FeatureColumns", road.feature_columns)
        self.target_column = text("TargetColumn", road.target_column)
        self.test_rows = integer("TestRows", road.test_rows)
        self.processing_type = text("ProcessingInstanceType", steps.PROCESSING_INSTANCE_TYPE)
        self.processing_count = integer("ProcessingInstanceCount", 1)
        self.training_type = text("TrainingInstanceType", steps.INSTANCE_TYPE)
        self.training_count = integer("TrainingInstanceCount", 1)
        self.max_runtime = integer("MaxRuntimeInSeconds", max_runtime_in_seconds)
        self.hyperparameters = {
            each.name: (integer if isinstance(each.default, int) else number)(each.parameter, each.default)
            for each in road.hyperparameters
        }
        self.threshold = number(road.quality.parameter, road.quality.default)
        self.approval_status = text(
            "ModelApprovalStatus",
            "PendingManualApproval",
            enum_values=["PendingManualApproval", "Approved", "Rejected"],
        )

    @property
    def every(self) -> list[Any]:
        """All of them, in the order in which they are declared."""
        declared: list[Any] = []
        for value in vars(self).values():
            declared.extend(value.values() if isinstance(value, dict) else [value])
        return declared


def _register(
    settings: steps.JobSettings,
    parameters: Parameters,
    model_package_group_name: str,
    model_data: Any,
    evaluation: steps.Evaluation,
) -> Any:
    """Register the model as a version of its group."""
    return steps.register_step(
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
        content_types=_CONTENT_TYPES,
        evaluation=evaluation,
    )


def _evaluation_of(parameters: Parameters, evaluated: Any, test_data: Any) -> steps.Evaluation:
    """Return how the model was tested: where the report of the step Evaluate is, and with which records."""
    report = steps.Join(on="/", values=[steps.output_uri(evaluated, "evaluation"), "evaluation.json"])
    return steps.Evaluation(statistics_uri=report, test_data_uri=test_data, target_column=parameters.target_column)
