"""The validation of a declaration: is it consistent, and can it be carried out here? Pure functions."""

from collections import Counter
from collections.abc import Iterable, Mapping

from localaws.api_errors import UnsupportedOperation, ValidationError
from localaws.document import Document
from localaws.services.codepipeline.actions.action import Provider
from localaws.services.codepipeline.errors import InvalidActionDeclaration, InvalidStageDeclaration, InvalidStructure
from localaws.services.codepipeline.variables import OWN_NAMESPACES, UnknownVariable, references

Providers = Mapping[tuple[str, str], Provider]


def check(pipeline: Document, providers: Providers, region: str) -> None:
    """Refuse a declaration that CodePipeline would refuse, or that cannot be carried out here.

    Parameters
    ----------
    pipeline : dict
        A PipelineDeclaration that is valid in botocore's model.
    providers : mapping of (category, provider) to Provider
    region : str
        The region of local AWS.

    Raises
    ------
    ApiError
    """
    _check_pipeline(pipeline)
    _check_stages(pipeline["stages"])
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            _check_action(stage["name"], action, providers, region)
    _check_artifacts(pipeline["stages"])
    _check_variables(pipeline)


def run_orders(stage: Document) -> list[list[Document]]:
    """Return the actions of a stage: a list for each run order, in sequence."""
    orders = sorted({action.get("runOrder", 1) for action in stage["actions"]})
    return [[action for action in stage["actions"] if action.get("runOrder", 1) == order] for order in orders]


def _check_pipeline(pipeline: Document) -> None:
    if ("artifactStore" in pipeline) == ("artifactStores" in pipeline):
        raise InvalidStructure("A pipeline needs exactly one of artifactStore and artifactStores")
    if "triggers" in pipeline:
        raise UnsupportedOperation(
            "triggers need connections, which local AWS does not have: start the pipeline by an EventBridge "
            "rule, or poll the source"
        )
    newer = [name for name in ("variables",) if name in pipeline]
    if pipeline.get("executionMode", "SUPERSEDED") != "SUPERSEDED":
        newer.append(f"executionMode {pipeline['executionMode']}")
    if newer and pipeline.get("pipelineType", "V1") == "V1":
        raise InvalidStructure(f"A pipeline of type V1 cannot have {' or '.join(newer)}: make it V2")


def _check_stages(stages: list[Document]) -> None:
    if len(stages) < 2:
        raise InvalidStructure(
            f"Pipeline has only {len(stages)} stage(s). There should be a minimum of 2 stages in a pipeline"
        )
    repeated = _repeated(stage["name"] for stage in stages)
    if repeated:
        raise InvalidStructure(f"Stage names must be unique in a pipeline: {repeated} occurs more than once")
    for number, stage in enumerate(stages):
        name, actions = stage["name"], stage["actions"]
        for member in ("blockers", "beforeEntry", "onSuccess", "onFailure"):
            if stage.get(member):
                raise UnsupportedOperation(f"The stage {name} has {member}, which local AWS does not support")
        if not actions:
            raise InvalidStageDeclaration(f"The stage {name} has no action")
        repeated = _repeated(action["name"] for action in actions)
        if repeated:
            raise InvalidStageDeclaration(
                f"Action names must be unique in a stage: {repeated} occurs more than once in {name}"
            )
        for action in actions:
            is_source = action["actionTypeId"]["category"] == "Source"
            if number == 0 and not is_source:
                raise InvalidStructure(f"The first stage can only have source actions: {action['name']} is not one")
            if number > 0 and is_source:
                raise InvalidStructure(f"Source actions can only be in the first stage: {action['name']} is in {name}")


def _check_action(stage: str, action: Document, providers: Providers, region: str) -> None:
    kind, where = action["actionTypeId"], f"The action {action['name']} of the stage {stage}"
    provider = providers.get((kind["category"], kind["provider"])) if kind["owner"] == "AWS" else None
    if provider is None:
        known = ", ".join(f"{category}/{name}" for category, name in sorted(providers))
        raise UnsupportedOperation(
            f"{where} uses {kind['owner']}'s {kind['category']}/{kind['provider']}; local AWS supports {known}"
        )
    if kind["version"] != "1":
        raise InvalidActionDeclaration(f"{where} has version {kind['version']}; the only version is 1")
    if action.get("region", region) != region:
        raise UnsupportedOperation(f"{where} is in {action['region']}; local AWS is in {region} only")
    for member in ("commands", "outputVariables", "environmentVariables"):
        if action.get(member):
            raise UnsupportedOperation(f"{where} has {member}, which only Compute actions have")
    if "timeoutInMinutes" in action and kind["category"] != "Approval":
        raise InvalidActionDeclaration(f"{where} has timeoutInMinutes, which only approvals have")
    _check_counts(where, action, provider)
    _check_configuration(where, action.get("configuration", {}), provider)


def _check_counts(where: str, action: Document, provider: Provider) -> None:
    for member, (least, most) in (("inputArtifacts", provider.inputs), ("outputArtifacts", provider.outputs)):
        count = len(action.get(member, ()))
        if not least <= count <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise InvalidActionDeclaration(f"{where} has {count} {member}; its provider takes {wanted}")
    if any(artifact.get("files") for artifact in action.get("outputArtifacts", ())):
        raise InvalidActionDeclaration(f"{where} names files of an output artifact, which only Compute actions can")


def _check_configuration(where: str, configuration: Document, provider: Provider) -> None:
    missing = [name for name in provider.required if not configuration.get(name)]
    if missing:
        raise InvalidActionDeclaration(f"{where} is missing required configuration: {', '.join(missing)}")
    unknown = sorted(set(configuration) - {*provider.required, *provider.optional})
    if unknown:
        known = ", ".join(sorted({*provider.required, *provider.optional}))
        raise InvalidActionDeclaration(
            f"{where} contains unknown configuration '{', '.join(unknown)}'; allowed are {known}"
        )
    for name, refused in provider.refused.items():
        if configuration.get(name) in refused:
            raise UnsupportedOperation(f"{where} has {name}={configuration[name]}, which local AWS does not support")
    for name, allowed in provider.allowed.items():
        if configuration.get(name, allowed[0]) not in allowed:
            raise InvalidActionDeclaration(
                f"{where} has {name}={configuration[name]}; allowed values: {', '.join(allowed)}"
            )


def _check_artifacts(stages: list[Document]) -> None:
    """Check that what an action takes was produced by an action before it, and that nothing is produced twice."""
    given: set[str] = set()
    for stage in stages:
        for together in run_orders(stage):
            for action in together:
                for artifact in action.get("inputArtifacts", ()):
                    if artifact["name"] not in given:
                        raise InvalidStructure(
                            f"Input artifact {artifact['name']} of action {action['name']} in stage {stage['name']} is "
                            "not an output artifact of any preceding action"
                        )
            for action in together:
                for artifact in action.get("outputArtifacts", ()):
                    if artifact["name"] in given:
                        raise InvalidStructure(
                            f"Output artifact names must be unique in a pipeline: {artifact['name']} occurs twice"
                        )
                    given.add(artifact["name"])


def _check_variables(pipeline: Document) -> None:
    namespaces = set(OWN_NAMESPACES)
    declared = {variable["name"] for variable in pipeline.get("variables", ())}
    for stage in pipeline["stages"]:
        for together in run_orders(stage):
            for action in together:
                for key, text in action.get("configuration", {}).items():
                    _check_references(f"{stage['name']}/{action['name']}: {key}", text, namespaces, declared)
            for namespace in (action["namespace"] for action in together if "namespace" in action):
                if namespace in namespaces:
                    raise InvalidStructure(
                        f"Namespaces must be unique in a pipeline: {namespace} occurs more than once"
                    )
                namespaces.add(namespace)


def _check_references(where: str, text: str, namespaces: set[str], declared: set[str]) -> None:
    try:
        for namespace, name in references(text):
            if namespace not in namespaces:
                raise InvalidStructure(
                    f"{where} references a namespace that does not exist before it: #{{{namespace}.{name}}}"
                )
            if namespace == "variables" and name not in declared:
                raise InvalidStructure(f"{where} references a variable that the pipeline does not have: {name}")
            if namespace == "codepipeline" and name != "PipelineExecutionId":
                raise InvalidStructure(f"{where}: the namespace codepipeline only has PipelineExecutionId, not {name}")
    except UnknownVariable as error:
        raise ValidationError(f"{where}: {error}") from error


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
