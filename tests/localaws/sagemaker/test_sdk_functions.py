"""Functions as jobs: `@remote`, RemoteExecutor and `@step` of the SDK v3, as its guide introduces them."""

from pathlib import Path

from tests.conftest import LocalAws
from tests.localaws.sagemaker.conftest import Bench, unique
from tests.localaws.sagemaker.sdk_script import run_script

# The SDK asks for a job's state for the first time after 30 seconds: that is a long time for a test.
_PATIENCE = """
    from sagemaker.core.exceptions import UnexpectedStatusException
    from sagemaker.core.remote_function import job as remote_job

    def wait(self, timeout=None):
        while True:
            self._last_describe_response = self.sagemaker_session.sagemaker_client.describe_training_job(
                TrainingJobName=self.job_name
            )
            status = self._last_describe_response["TrainingJobStatus"]
            if status == "Failed":
                raise UnexpectedStatusException("failed", ["Completed"], status)
            if status != "InProgress":
                return
            time.sleep(0.1)

    remote_job._Job.wait = wait
"""
_REMOTE = (
    _PATIENCE
    + """
    from concurrent.futures import ThreadPoolExecutor

    import numpy, pandas
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.remote_function import remote

    os.chdir(os.path.dirname(__file__))
    settings = dict(
        instance_type="ml.m5.large", image_uri=image, role=role, sagemaker_session=Session(default_bucket=bucket)
    )

    class Refused(Exception):
        pass

    @remote(**settings, pre_execution_commands=["echo before > before.txt"], include_local_workdir=True,
            environment_variables={"WORD": "given"}, tags=[{"Key": "team", "Value": "a"}])
    def combine(array, table, *rest, scale=1):
        import helper
        with open("before.txt") as file:
            before = file.read().strip()
        return array.sum() * scale, table.assign(z=table.x * 2), rest, helper.WORD, os.environ["WORD"], before

    @remote(**settings)
    def refuse(code):
        raise Refused(code)

    @remote(**settings, dependencies="requirements.txt",
            environment_variables={"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"})
    def unreachable():
        pass

    @remote(**settings, dependencies="environment.yml")
    def with_conda():
        pass

    def outcome(function, *arguments, **named):
        try:
            return function(*arguments, **named)
        except Exception as error:
            return error

    calls = [
        (combine, numpy.arange(4.0), pandas.DataFrame({"x": [1, 2]}), {"nested": [1]}),
        (refuse, 4), (unreachable,), (with_conda,),
    ]
    with ThreadPoolExecutor() as pool:
        result, refusal, network, conda = pool.map(lambda call: outcome(*call), calls)
    assert not isinstance(result, Exception), result
    total, table, rest, *words = result
    print(json.dumps({
        "total": total, "table": table.z.tolist(), "rest": rest, "words": words,
        "refusal": [type(refusal) is Refused, refusal.args],
        "network": [type(network).__name__, str(network)], "conda": [type(conda).__name__, str(conda)],
    }))
"""
)
_STEPS = """
    from sagemaker.core.workflow.conditions import ConditionGreaterThan
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join
    from sagemaker.core.workflow.parameters import ParameterInteger
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.function_step import step

    settings = dict(instance_type="ml.m5.large", image_uri=image, role=role)
    count = ParameterInteger("Count", 4)

    @step(name="Prepare", **settings)
    def prepare(count, execution) -> tuple:
        return list(range(count)), {"execution": execution}

    @step(name="Score", display_name="The score", **settings)
    def score(numbers, facts) -> float:
        return float(sum(numbers)) if facts["execution"] else 0.0

    @step(name="Broken", **settings)
    def broken(total):
        raise ValueError(f"no data for {total}")

    prepared = prepare(count, ExecutionVariables.PIPELINE_EXECUTION_ID)
    scored = score(prepared[0], prepared[1])
    low = FailStep(name="Low", error_message=Join(on=" ", values=["too low:", scored]))
    check = ConditionStep(
        name="Check", conditions=[ConditionGreaterThan(left=scored, right=5)],
        if_steps=[broken(scored)], else_steps=[low],
    )
    pipeline = Pipeline(
        name=NAME, parameters=[count], steps=[check], sagemaker_session=session
    )
    pipeline.upsert(role_arn=role)
    execution = pipeline.start()
    while execution.describe()["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.1)
    rows = {row["StepName"]: row for row in execution.list_steps()}
    print(json.dumps({
        "statuses": {name: row["StepStatus"] for name, row in rows.items()},
        "broken": rows["Broken"].get("FailureReason"),
        "shown": rows["Score"].get("StepDisplayName"), "result": execution.result("Score"),
        "prepared": execution.result("Prepare")[0],
    }))
"""


def test_remote_functions_with_arguments_files_and_failures(local_aws: LocalAws, bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("WORD = 'helped'\n")
    (tmp_path / "requirements.txt").write_text("no-such-package==1\n")
    (tmp_path / "environment.yml").write_text("name: x\n")
    printed = run_script(local_aws, bench, tmp_path, _REMOTE)
    assert printed["total"] == 6
    assert (printed["table"], printed["rest"]) == ([2, 4], [{"nested": [1]}])
    assert printed["words"] == ["helped", "given", "before"]
    assert printed["refusal"] == [True, [4]], "an exception travels back with its own type"
    name, reason = printed["network"]
    assert name == "RuntimeEnvironmentError"
    assert "requirements.txt" in reason
    assert "no-such-package" in reason
    assert printed["conda"] == [
        "RuntimeEnvironmentError",
        "AlgorithmError: Neither conda nor mamba is installed on the image, exit code: 1",
    ]


def test_functions_as_steps_with_conditions_on_what_they_returned(
    local_aws: LocalAws, bench: Bench, tmp_path: Path
) -> None:
    printed = run_script(local_aws, bench, tmp_path, _STEPS.replace("NAME", repr(unique("functions"))))
    assert printed["statuses"] == {
        "Prepare": "Succeeded",
        "Score": "Succeeded",
        "Check": "Succeeded",
        "Broken": "Failed",
    }
    assert (printed["result"], printed["prepared"], printed["shown"]) == (6.0, [0, 1, 2, 3], "The score")
    assert printed["broken"] == "AlgorithmError: ValueError('no data for 6.0'), exit code: 1"
