"""The check of a declaration: does it fit together, and can it be carried out here? Pure functions."""

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
        A PipelineDeclaration that has passed botocore's model.
    providers : mapping of (category, provider) to Provider
    region : str
        The only one there is.

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
    """The actions of a stage: those that run together in one list, the lists one after the other."""
    orders = sorted({action.get("runOrder", 1) for action in stage["actions"]})
    return [[action for action in stage["actions"] if action.get("runOrder", 1) == order] for order in orders]


def _check_pipeline(pipeline: Document) -> None:
    if ("artifactStore" in pipeline) == ("artifactStores" in pipeline):
        raise InvalidStructure("A pipeline has one of artifactStore and artifactStores")
    if "triggers" in pipeline:
        raise UnsupportedOperation(
            "triggers are of code connections, which local AWS does not have: start the pipeline by a rule of "
            "EventBridge, or poll the source"
        )
    newer = [name for name in ("variables",) if name in pipeline]
    if pipeline.get("executionMode", "SUPERSEDED") != "SUPERSEDED":
        newer.append(f"executionMode {pipeline['executionMode']}")
    if newer and pipeline.get("pipelineType", "V1") == "V1":
        raise InvalidStructure(f"A pipeline of type V1 has no {' and no '.join(newer)}: make it V2")


def _check_stages(stages: list[Document]) -> None:
    if len(stages) < 2:
        raise InvalidStructure(
            f"Pipeline has only {len(stages)} stage(s). There should be a minimum of 2 stages in a pipeline"
        )
    repeated = _repeated(stage["name"] for stage in stages)
    if repeated:
        raise InvalidStructure(f"Stage names are unique in a pipeline: {repeated} is there more than once")
    for number, stage in enumerate(stages):
        name, actions = stage["name"], stage["actions"]
        for member in ("blockers", "beforeEntry", "onSuccess", "onFailure"):
            if stage.get(member):
                raise UnsupportedOperation(f"The stage {name} has {member}, which local AWS does not have")
        if not actions:
            raise InvalidStageDeclaration(f"The stage {name} has no action")
        repeated = _repeated(action["name"] for action in actions)
        if repeated:
            raise InvalidStageDeclaration(f"Action names are unique in a stage: {repeated} is in {name} more than once")
        for action in actions:
            is_source = action["actionTypeId"]["category"] == "Source"
            if number == 0 and not is_source:
                raise InvalidStructure(f"The first stage has source actions only: {action['name']} is none")
            if number > 0 and is_source:
                raise InvalidStructure(f"Source actions are in the first stage only: {action['name']} is in {name}")


def _check_action(stage: str, action: Document, providers: Providers, region: str) -> None:
    kind, where = action["actionTypeId"], f"The action {action['name']} of the stage {stage}"
    provider = providers.get((kind["category"], kind["provider"])) if kind["owner"] == "AWS" else None
    if provider is None:
        known = ", ".join(f"{category}/{name}" for category, name in sorted(providers))
        raise UnsupportedOperation(
            f"{where} is of {kind['owner']}'s {kind['category']}/{kind['provider']}; local AWS has {known}"
        )
    if kind["version"] != "1":
        raise InvalidActionDeclaration(f"{where} is of version {kind['version']}; there is 1")
    if action.get("region", region) != region:
        raise UnsupportedOperation(f"{where} is in {action['region']}; local AWS is in {region} only")
    for member in ("commands", "outputVariables", "environmentVariables"):
        if action.get(member):
            raise UnsupportedOperation(f"{where} has {member}, which are of Compute actions only")
    if "timeoutInMinutes" in action and kind["category"] != "Approval":
        raise InvalidActionDeclaration(f"{where} has timeoutInMinutes, which is of approvals only")
    _check_counts(where, action, provider)
    _check_configuration(where, action.get("configuration", {}), provider)


def _check_counts(where: str, action: Document, provider: Provider) -> None:
    for member, (least, most) in (("inputArtifacts", provider.inputs), ("outputArtifacts", provider.outputs)):
        count = len(action.get(member, ()))
        if not least <= count <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise InvalidActionDeclaration(f"{where} has {count} {member}; its provider takes {wanted}")
    if any(artifact.get("files") for artifact in action.get("outputArtifacts", ())):
        raise InvalidActionDeclaration(f"{where} names files of an output artifact, which Compute actions do only")


def _check_configuration(where: str, configuration: Document, provider: Provider) -> None:
    missing = [name for name in provider.required if not configuration.get(name)]
    if missing:
        raise InvalidActionDeclaration(f"{where} is missing required configuration: {', '.join(missing)}")
    unknown = sorted(set(configuration) - {*provider.required, *provider.optional})
    if unknown:
        known = ", ".join(sorted({*provider.required, *provider.optional}))
        raise InvalidActionDeclaration(
            f"{where} contains unknown configuration '{', '.join(unknown)}'; there is {known}"
        )
    for name, refused in provider.refused.items():
        if configuration.get(name) in refused:
            raise UnsupportedOperation(f"{where} has {name}={configuration[name]}, which local AWS does not have")
    for name, allowed in provider.allowed.items():
        if configuration.get(name, allowed[0]) not in allowed:
            raise InvalidActionDeclaration(f"{where} has {name}={configuration[name]}; there is {', '.join(allowed)}")


def _check_artifacts(stages: list[Document]) -> None:
    """What an action takes is what an action before it has given; nothing is given twice."""
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
                            f"Output artifact names are unique in a pipeline: {artifact['name']} is there twice"
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
                    raise InvalidStructure(f"Namespaces are unique in a pipeline: {namespace} is there more than once")
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
                raise InvalidStructure(f"{where}: the namespace codepipeline has PipelineExecutionId, not {name}")
    except UnknownVariable as error:
        raise ValidationError(f"{where}: {error}") from error


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
