"""The operations on EndpointConfigs and Endpoints: validated as AWS does, stored, passed to the host."""

import time
from collections import Counter

from botocore.exceptions import BotoCoreError

from localaws.document import Document
from localaws.sagemaker.errors import ValidationError
from localaws.sagemaker.families.defaults import completed
from localaws.sagemaker.families.lookup import find
from localaws.sagemaker.families.table import Family, read_handlers
from localaws.sagemaker.hosting.announcements import announce
from localaws.sagemaker.hosting.fleet import Capacity, initial_capacity, variants_of
from localaws.sagemaker.hosting.host import CONFIG, ENDPOINT, Host
from localaws.sagemaker.hosting.multi_model_rules import check_multi_model
from localaws.sagemaker.hosting.serverless_rules import check_capacity, check_serverless, check_update
from localaws.sagemaker.hosting.update_rules import check_guardrails, check_scaled, check_steps
from localaws.sagemaker.parts import Handler, Parts
from localaws.storage.store import Resource

_FAMILIES = (
    Family("EndpointConfig", CONFIG, "EndpointConfigs", descending=True, deletable=True),
    Family("Endpoint", ENDPOINT, "Endpoints", descending=True),
)


def handlers(host: Host) -> dict[str, Handler]:
    """Return the operations by name."""

    def create_endpoint(parts: Parts, request: Document) -> Document:
        return _create_endpoint(parts, host, request)

    def describe_endpoint(parts: Parts, request: Document) -> Document:
        resource = find(parts, ENDPOINT, request["EndpointName"], "DescribeEndpoint")
        return resource.document | host.summaries(resource)

    def update_endpoint(parts: Parts, request: Document) -> Document:
        return _update_endpoint(parts, host, request)

    def update_capacities(parts: Parts, request: Document) -> Document:
        return _update_capacities(parts, host, request)

    def delete_endpoint(parts: Parts, request: Document) -> Document:
        resource = find(parts, ENDPOINT, request["EndpointName"], "DeleteEndpoint")
        if resource.status in ("Creating", "Updating", "RollingBack"):
            raise ValidationError(f'Cannot update in-progress endpoint "{resource.arn}".')
        if resource.status != "Deleting":
            host.delete(_begin(parts, resource, {"EndpointStatus": "Deleting"}))
        return {}

    return read_handlers(_FAMILIES) | {
        "CreateEndpointConfig": create_config,
        "CreateEndpoint": create_endpoint,
        "DescribeEndpoint": describe_endpoint,
        "UpdateEndpoint": update_endpoint,
        "UpdateEndpointWeightsAndCapacities": update_capacities,
        "DeleteEndpoint": delete_endpoint,
    }


def create_config(parts: Parts, request: Document) -> Document:
    """Store an EndpointConfig whose models exist."""
    for name, count in Counter(variant["VariantName"] for variant in variants_of(request)).items():
        if count > 1:
            raise ValidationError(f"Variant names must be unique: {name} occurs {count} times")
    counts = len(request["ProductionVariants"]), len(request.get("ShadowProductionVariants", ()))
    if counts[1] and counts != (1, 1):
        raise ValidationError(
            "An endpoint with a shadow has one variant in ProductionVariants and one in ShadowProductionVariants, not"
            f" {counts[0]} and {counts[1]}"
        )
    for variant in variants_of(request):
        _check_variant(parts, variant)
    check_serverless(parts.store, parts.aws, request)
    check_multi_model(parts.store, parts.aws, request)
    name = request["EndpointConfigName"]
    arn = parts.aws.arn(CONFIG, name)
    document = {key: value for key, value in request.items() if key != "Tags"}
    document |= {"EndpointConfigArn": arn, "CreationTime": time.time()}
    document = completed("DescribeEndpointConfig", document)
    if not parts.store.add(Resource(CONFIG, name, arn, document)):
        raise ValidationError(f'Cannot create already existing endpoint configuration "{arn}".')
    parts.tag(arn, request)
    return {"EndpointConfigArn": arn}


def _check_variant(parts: Parts, variant: Document) -> None:
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise ValidationError(f"The variant {name} needs a ModelName: inference components are not supported here")
    find(parts, "model", variant["ModelName"], "CreateEndpointConfig")
    if ("ServerlessConfig" in variant) == ("InstanceType" in variant):
        raise ValidationError(f"The variant {name} must have either an InstanceType or a ServerlessConfig")
    if "InstanceType" in variant and "InitialInstanceCount" not in variant:
        raise ValidationError(f"The variant {name} needs an InitialInstanceCount")


def _create_endpoint(parts: Parts, host: Host, request: Document) -> Document:
    name, config_name = request["EndpointName"], request["EndpointConfigName"]
    config = find(parts, CONFIG, config_name, "CreateEndpoint")
    arn, now = parts.aws.arn(ENDPOINT, name), time.time()
    document = {
        "EndpointName": name,
        "EndpointArn": arn,
        "EndpointConfigName": config.name,
        "EndpointStatus": "Creating",
        "CreationTime": now,
        "LastModifiedTime": now,
        **_deployment(request),
    }
    with parts.store.transaction():
        if not parts.store.add(Resource(ENDPOINT, name, arn, document, status="Creating")):
            raise ValidationError(f'Cannot create already existing endpoint "{arn}".')
        parts.tag(arn, request)
        announce(parts, arn)
    host.create(_stored(parts, arn))
    return {"EndpointArn": arn}


def _update_endpoint(parts: Parts, host: Host, request: Document) -> Document:
    resource = _in_service(parts, request, "UpdateEndpoint")
    config = find(parts, CONFIG, request["EndpointConfigName"], "UpdateEndpoint")
    current = find(parts, CONFIG, resource.document["EndpointConfigName"], "UpdateEndpoint")
    options = dict(request)
    if request.get("RetainDeploymentConfig"):
        options["DeploymentConfig"] = resource.document.get("LastDeploymentConfig")
    check_update(current.document, config.document, options)
    check_guardrails(current.document, config.document, options.get("DeploymentConfig"))
    check_scaled(current.document, config.document, _scaled(parts, resource, current.document))
    members = {"EndpointStatus": "Updating", "FailureReason": None, **_deployment(options)}
    host.update(_begin(parts, resource, members), config.name, options)
    return {"EndpointArn": resource.arn}


def _scaled(parts: Parts, resource: Resource, config: Document) -> list[str]:
    """Return the variants whose number of instances Application Auto Scaling sets; none where there is no such."""
    prefix = f"endpoint/{resource.name}/variant/"
    ids = [f"{prefix}{variant['VariantName']}" for variant in config["ProductionVariants"]]
    client = parts.aws.client("application-autoscaling")
    try:
        found = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=ids)
    except BotoCoreError:  # it does not answer: SageMaker can run beside other services than ours
        return []
    return [target["ResourceId"].removeprefix(prefix) for target in found["ScalableTargets"]]


def _update_capacities(parts: Parts, host: Host, request: Document) -> Document:
    resource = _in_service(parts, request, "UpdateEndpointWeightsAndCapacities")
    config = find(parts, CONFIG, resource.document["EndpointConfigName"], "UpdateEndpointWeightsAndCapacities")
    now = {variant["VariantName"]: initial_capacity(variant) for variant in variants_of(config.document)}
    now |= host.capacities(resource)
    wanted: dict[str, Capacity] = {}
    for item in request["DesiredWeightsAndCapacities"]:
        name = item["VariantName"]
        if name not in now:
            raise ValidationError(f'The variant name(s) "{name}" is/are not present within endpoint "{resource.arn}".')
        check_capacity(config.document, item)
        weight, count = item.get("DesiredWeight", now[name].weight), item.get("DesiredInstanceCount", now[name].count)
        wanted[name] = Capacity(weight, count)
    host.scale(_begin(parts, resource, {"EndpointStatus": "Updating"}), wanted)
    return {"EndpointArn": resource.arn}


def _deployment(request: Document) -> Document:
    """Return the part of a request's DeploymentConfig that is stored.

    Raises
    ------
    ValidationError
        If SageMaker does not take the size of its steps.
    """
    config = request.get("DeploymentConfig")
    if not config:
        return {}
    check_steps(config)
    return {"LastDeploymentConfig": config}


def _in_service(parts: Parts, request: Document, operation: str) -> Resource:
    resource = find(parts, ENDPOINT, request["EndpointName"], operation)
    if resource.status == "Failed":
        raise ValidationError(
            f'Cannot update endpoint "{resource.arn}" in status Failed: delete it and create it again.'
        )
    if resource.status != "InService":
        raise ValidationError(f'Cannot update in-progress endpoint "{resource.arn}".')
    return resource


def _begin(parts: Parts, resource: Resource, members: Document) -> Resource:
    """Store a new status, unless another change has begun at this moment."""

    def edit(document: Document, _: Document) -> dict[str, str]:
        if document["EndpointStatus"] != resource.status:
            raise ValidationError(f'Cannot update in-progress endpoint "{resource.arn}".')
        document.update(members, LastModifiedTime=time.time())
        for name in [name for name, value in document.items() if value is None]:
            del document[name]
        return {"status": document["EndpointStatus"]}

    with parts.store.transaction():
        parts.store.change(resource.arn, edit)
        announce(parts, resource.arn)
    return _stored(parts, resource.arn)


def _stored(parts: Parts, arn: str) -> Resource:
    return find(parts, ENDPOINT, arn, "DescribeEndpoint")
