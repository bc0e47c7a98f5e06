"""Pipelines that end in an endpoint: the model of one step, served by the next two."""

import os
import signal

from botocore.exceptions import BotoCoreError, ClientError

from tests.conftest import until
from tests.localaws.sagemaker.conftest import ROLE, bench_of, unique
from tests.localaws.sagemaker.definitions import definition
from tests.localaws.sagemaker.hosting.conftest import SCRIPT, Endpoints

SLOW = "import time; time.sleep(4)\n" + SCRIPT


def steps_for(endpoints, model, name, **config_members):
    """An EndpointConfig step, and an Endpoint step that refers to it."""
    config = {"ProductionVariants": [endpoints.variant(model)], **config_members}
    endpoint = {"EndpointName": name, "EndpointConfigName": {"Get": "Steps.Config.EndpointConfigName"}}
    return (
        {"Name": "Config", "Type": "EndpointConfig", "Arguments": config},
        {"Name": "Serve", "Type": "Endpoint", "Arguments": endpoint},
    )


def test_a_pipeline_brings_a_model_into_service(endpoints):
    name = unique("endpoint")
    endpoints.made.append(name)
    fail = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Steps.Serve.EndpointStatus"}}}
    text = definition(*steps_for(endpoints, endpoints.model("1"), name), fail)
    execution = endpoints.bench.run_pipeline(text)
    steps = endpoints.bench.steps(execution["PipelineExecutionArn"])
    assert [steps[step]["StepStatus"] for step in ("Config", "Serve")] == ["Succeeded", "Succeeded"], steps
    assert steps["Say"]["FailureReason"] == "InService"
    found = endpoints.client.describe_endpoint(EndpointName=name)
    assert steps["Serve"]["Metadata"]["Endpoint"]["Arn"] == found["EndpointArn"]
    assert steps["Config"]["Metadata"]["EndpointConfig"]["Arn"].endswith(found["EndpointConfigName"].lower())
    assert found["EndpointConfigName"].startswith("pipelines-")
    assert endpoints.invoke(name)["version"] == "1"


def test_an_endpoint_that_fails_or_whose_name_is_taken_fails_the_step(endpoints):
    name = endpoints.serve("1")
    taken = steps_for(endpoints, endpoints.model("2"), name)
    execution = endpoints.bench.run_pipeline(definition(*taken))
    step = endpoints.bench.steps(execution["PipelineExecutionArn"])["Serve"]
    assert (step["StepStatus"], "Cannot create already existing endpoint" in step["FailureReason"]) == ("Failed", True)
    assert endpoints.invoke(name)["version"] == "1"

    broken = unique("endpoint")
    endpoints.made.append(broken)
    model = endpoints.model("2", script="raise OSError('no weights')")
    execution = endpoints.bench.run_pipeline(definition(*steps_for(endpoints, model, broken)))
    step = endpoints.bench.steps(execution["PipelineExecutionArn"])["Serve"]
    assert (step["StepStatus"], "no weights" in step["FailureReason"]) == ("Failed", True)


def test_kill_9_while_the_endpoint_comes_up_does_not_fail_the_step(own_local_aws):
    aws = own_local_aws()
    before = Endpoints(bench_of(aws), aws.client("sagemaker-runtime"))
    name = unique("endpoint")
    made = steps_for(before, before.model("1", SLOW), name, EndpointConfigName=unique("config"))
    pipeline = unique("pipeline")
    before.client.create_pipeline(PipelineName=pipeline, PipelineDefinition=definition(*made), RoleArn=ROLE)
    arn = before.bench.start(pipeline)
    until(lambda: before.client.list_endpoints(StatusEquals="Creating")["Endpoints"] != [])
    os.kill(aws.pids()["sagemaker"], signal.SIGKILL)  # the supervisor starts it again, the other services go on
    until(lambda: _answers(before, arn))
    execution = before.bench.wait_for_execution(arn)
    steps = before.bench.steps(arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded", steps
    assert steps["Serve"]["AttemptCount"] == 2
    assert before.invoke(name)["version"] == "1"


def _answers(endpoints, arn):
    try:
        return bool(endpoints.bench.steps(arn))
    except (ClientError, BotoCoreError):  # the server is being started
        return False
