"""Multi-model endpoints: each model is loaded when it is first asked for, and unloaded when there is no room."""

import asyncio
import datetime
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from localaws.containers.errors import JobFailure
from localaws.sagemaker.hosting.model_cache import ModelCache, NotLoadedError
from tests.conftest import until
from tests.localaws.sagemaker.conftest import IMAGE, ROLE, unique


@pytest.fixture
def models(endpoints):
    """The prefix of some models, and the name of the model that serves them."""
    return create(endpoints)


def create(endpoints, **members):
    name = unique("many")
    for version in ("a", "b", "deep/c"):
        endpoints.put_archive(f"{name}/{version}.tar.gz", version)
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{endpoints.bench.bucket}/{name}/"}
    endpoints.client.create_model(ModelName=name, PrimaryContainer=container | members, ExecutionRoleArn=ROLE)
    return name


def test_each_request_names_its_model(endpoints, models, local_aws):
    assert endpoints.client.describe_model(ModelName=models)["PrimaryContainer"]["Mode"] == "MultiModel"
    name = endpoints.create(endpoints.config(endpoints.variant(models)))
    for version in ("a", "b", "deep/c", "a"):
        assert endpoints.invoke(name, TargetModel=f"{version}.tar.gz")["version"] == version
    # A model that comes later needs no update of the endpoint.
    endpoints.put_archive(f"{models}/later.tar.gz", "later")
    assert endpoints.invoke(name, TargetModel="later.tar.gz")["version"] == "later"
    with ThreadPoolExecutor(8) as pool:
        asked = ["a", "b", "deep/c", "later"] * 10
        found = list(
            pool.map(lambda version: endpoints.invoke(name, TargetModel=f"{version}.tar.gz")["version"], asked)
        )
    assert found == asked
    assert refusal(endpoints, name) == ("ValidationError", "multi-model endpoint")
    assert refusal(endpoints, name, TargetModel="none.tar.gz") == ("ValidationError", "Failed to download model data")

    def is_counted():
        dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
        hits = total(local_aws, "AWS/SageMaker", "ModelCacheHit", dimensions)
        loads = total(local_aws, "AWS/SageMaker", "ModelLoadingTime", dimensions, "SampleCount")
        return hits >= 41 and loads == 4

    until(is_counted)


def test_a_model_that_cannot_be_loaded_is_that_models_error(endpoints, models):
    endpoints.put_archive(f"{models}/broken.tar.gz", "x", "def model_fn(d):\n    raise RuntimeError('no such luck')\n")
    name = endpoints.create(endpoints.config(endpoints.variant(models)))
    assert refusal(endpoints, name, TargetModel="broken.tar.gz") == ("ModelError", "no such luck")
    assert endpoints.invoke(name, TargetModel="a.tar.gz")["version"] == "a"


def test_a_server_that_is_replaced_loads_its_models_again(endpoints, models):
    name = endpoints.create(endpoints.config(endpoints.variant(models)))
    first = endpoints.invoke(name, TargetModel="a.tar.gz")
    refusal(endpoints, name, "die", TargetModel="a.tar.gz")
    until(lambda: process(endpoints, name) not in (None, first["pid"]))


def test_nothing_stays_loaded_without_caching(endpoints, local_aws):
    model = create(endpoints, MultiModelConfig={"ModelCacheSetting": "Disabled"})
    name = endpoints.create(endpoints.config(endpoints.variant(model)))
    for _ in range(2):
        assert endpoints.invoke(name, TargetModel="a.tar.gz")["version"] == "a"
    dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
    until(lambda: total(local_aws, "AWS/SageMaker", "ModelUnloadingTime", dimensions, "SampleCount") == 2)


def test_what_a_multi_model_container_cannot_be(endpoints, models):
    client = endpoints.client
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{endpoints.bench.bucket}/{models}/"}
    with pytest.raises(ClientError, match="chain"):
        client.create_model(ModelName=unique("m"), Containers=[container, container], ExecutionRoleArn=ROLE)
    with pytest.raises(ClientError, match="prefix"):
        client.create_model(
            ModelName=unique("m"), PrimaryContainer={"Image": IMAGE, "Mode": "MultiModel"}, ExecutionRoleArn=ROLE
        )
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    with pytest.raises(ClientError, match="ServerlessConfig"):
        endpoints.config(endpoints.variant(models, ServerlessConfig=serverless))
    output = {"OutputConfig": {"S3OutputPath": f"s3://{endpoints.bench.bucket}/out"}}
    with pytest.raises(ClientError, match="AsyncInferenceConfig"):
        endpoints.config(endpoints.variant(models), AsyncInferenceConfig=output)


def test_cloudformation_makes_a_multi_model(endpoints, models, local_aws):
    container = {"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": f"s3://{endpoints.bench.bucket}/{models}/"}
    container["MultiModelConfig"] = {"ModelCacheSetting": "Disabled"}
    resource = {
        "Type": "AWS::SageMaker::Model",
        "Properties": {"PrimaryContainer": container, "ExecutionRoleArn": ROLE, "ModelName": unique("stacked")},
    }
    stacks, name = local_aws.client("cloudformation"), unique("many")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Model": resource}}))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    made = endpoints.client.describe_model(ModelName=resource["Properties"]["ModelName"])
    assert made["PrimaryContainer"] == container
    stacks.delete_stack(StackName=name)


def test_a_target_model_of_an_endpoint_with_one_is_refused(endpoints):
    name = endpoints.serve("v1")
    assert refusal(endpoints, name, TargetModel="a.tar.gz") == ("ValidationError", "is not a multi-model endpoint")


def process(endpoints, name):
    try:
        return endpoints.invoke(name, TargetModel="a.tar.gz")["pid"]
    except ClientError:
        return None


def refusal(endpoints, name, body="x", **members):
    """The error's code, and which of the known sentences its message has."""
    known = ("is not a multi-model endpoint", "multi-model endpoint", "Failed to download model data", "no such luck")
    with pytest.raises(ClientError) as caught:
        endpoints.invoke(name, body, **members)
    error = caught.value.response["Error"]
    return error["Code"], next((sentence for sentence in known if sentence in error["Message"]), error["Message"])


def total(local_aws, namespace, metric, dimensions, statistic="Sum"):
    now = datetime.datetime.now(datetime.UTC)
    found = local_aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - datetime.timedelta(minutes=10),
        EndTime=now + datetime.timedelta(minutes=1),
        Period=60,
        Statistics=[statistic],
    )
    return sum(point[statistic] for point in found["Datapoints"])


class Server:
    """A container's side of the contract: room for so many models."""

    def __init__(self, room):
        self.room, self.loaded, self.most = room, [], 0

    async def ask(self, method, path, body):
        await asyncio.sleep(0)
        if method == "DELETE":
            self.loaded.remove(path.rpartition("/")[2])
            return 200, b""
        if len(self.loaded) >= self.room:
            return 507, b"no room"
        name = body.decode().split('"')[3]
        assert name not in self.loaded
        self.loaded.append(name)
        self.most = max(self.most, len(self.loaded))
        return 200, b""


def cache_of(tmp_path, is_full=lambda: False, **options):
    def fetch(target, folder):
        if target == "none":
            raise JobFailure("no such object")
        (folder / "model").mkdir(parents=True)

    return ModelCache(tmp_path, fetch, is_full, **options)


def test_the_model_that_was_used_longest_ago_makes_room(tmp_path):
    async def play():
        server, cache = Server(2), cache_of(tmp_path)
        hits = []
        for target in ("a", "b", "a", "c", "a", "b"):
            async with cache.use(server.ask, target) as model:
                hits.append(model.metrics["ModelCacheHit"])
        return hits, len(cache), len(list(tmp_path.iterdir()))

    assert asyncio.run(play()) == ([0, 0, 1, 0, 1, 0], 2, 2)


def test_a_model_that_is_in_use_is_not_unloaded(tmp_path):
    async def play():
        server, cache = Server(1), cache_of(tmp_path)
        async with cache.use(server.ask, "a"):
            with pytest.raises(NotLoadedError, match="no room"):
                async with cache.use(server.ask, "b"):
                    pass
            assert len(cache) == 1

    asyncio.run(play())


def test_a_container_over_its_memory_unloads_before_it_loads(tmp_path):
    async def play():
        server = Server(99)
        cache = cache_of(tmp_path, is_full=lambda: len(server.loaded) >= 3)
        for number in range(10):
            async with cache.use(server.ask, str(number)):
                pass
        return server.most

    assert asyncio.run(play()) == 3


@pytest.mark.parametrize("keeps", [True, False])
def test_many_at_once_load_each_model_once_at_a_time(tmp_path, keeps):
    async def play():
        server, cache = Server(3), cache_of(tmp_path, keeps=keeps)

        async def one(number):
            target = str(number % 5)
            for _ in range(20):
                try:
                    async with cache.use(server.ask, target):
                        await asyncio.sleep(0)
                    return
                except NotLoadedError:  # all three are in use
                    await asyncio.sleep(0.01)
            raise AssertionError(target)

        await asyncio.gather(*(one(number) for number in range(60)))
        with pytest.raises(JobFailure):
            async with cache.use(server.ask, "none"):
                pass
        return server.most, len(cache) == len(server.loaded), cache._users, cache._locks

    most, agrees, users, locks = asyncio.run(play())
    assert most <= 3
    assert (agrees, dict(users), dict(locks)) == (True, {}, {})
