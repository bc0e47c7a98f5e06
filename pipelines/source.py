"""What a module's text says before it is imported: whether there is one, with a get_pipeline(), for which SDK.

To import a module may take what is not there yet, such as a region; servers are started in the meantime only where its
text does not speak against it already.
"""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from model_road.errors import UsageError

# The modules of version 2 of SageMaker's SDK, of which version 3 has none: doc/api of its repository, branch master-v2,
# and the files of the package.
_MODULES_OF_V2 = frozenset(
    """
    accept_types algorithm amazon amtviz analytics apiutils async_inference automl aws_batch base_deserializers
    base_predictor base_serializers batch_inference chainer clarify cli collection compute_resource_requirements config
    container_base_model content_types dataset_definition debugger deprecations deserializers djl_inference
    drift_check_baselines enums environment_variables estimator exceptions experiments explainer feature_store fw_utils
    git_utils huggingface hyperparameters image_uri_config image_uris inference_recommender inputs instance_group
    instance_types instance_types_gpu_info interactive_apps iterators job jumpstart lambda_helper local logs
    metadata_properties metric_definitions mlflow model model_card model_life_cycle model_metrics model_monitor
    model_uris modules multidatamodel mxnet network parameter partner_app payloads pipeline predictor predictor_async
    processing pytorch remote_function resource_requirements rl s3 s3_utils script_uris serializer_utils serializers
    serverless session session_settings sklearn spark sparkml stabilityai telemetry tensorflow training_compiler
    transformer tuner user_agent utilities utils vpc_utils workflow wrangler wrangler_processor xgboost
    """.split()  # noqa: SIM905 - a list of them would take 80 lines
)
_GUIDE = "https://github.com/aws/sagemaker-python-sdk/blob/master/migration.md"


def check(name: str, directory: Path) -> None:
    """Refuse a module of which its text says that no pipeline can come of it; any other passes.

    Raises
    ------
    UsageError
        When there is no such module, when it defines no get_pipeline(), or when it is written for SDK v2.
    """
    path = _path(name, directory)
    if path is None:
        return
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, ValueError, SyntaxError):
        return  # the import says it, with its line
    for line, imported in _imports_of_v2(tree):
        raise UsageError(
            f"{path}:{line} imports {imported}, of version 2 of SageMaker's SDK, and this is version 3: change the "
            f"module as {_GUIDE} says, or make an environment for it (python3 -m venv v2 && v2/bin/pip install "
            "'sagemaker<3') and start its pipeline there, as docs/your-model.md shows"
        )
    if not _may_define(tree, "get_pipeline"):
        raise UsageError(f"the module {name} ({path}) defines no get_pipeline()")


def _path(name: str, directory: Path) -> Path | None:
    """Return the file of a module; None where only its import can tell.

    Raises
    ------
    UsageError
        When there is neither such a file nor such a package.
    """
    parts = name.split(".")
    for file in (directory.joinpath(*parts).with_suffix(".py"), directory.joinpath(*parts, "__init__.py")):
        if file.is_file():
            return file
    if directory.joinpath(*parts).is_dir():
        return None
    installed = importlib.util.find_spec(parts[0]) if parts[0].isidentifier() else None
    places = [Path(place) for place in (installed.submodule_search_locations or [])] if installed else []
    for place in places:
        file = place.joinpath(*parts[1:]).with_suffix(".py")
        if len(parts) > 1 and file.is_file():
            return file
    is_there = installed is not None and (
        len(parts) == 1 or any(place.joinpath(*parts[1:]).exists() or _is_compiled(place, parts) for place in places)
    )
    if not is_there:
        raise UsageError(f"there is no module {name!r} in {directory} or among the installed packages")
    return None


def _is_compiled(place: Path, parts: list[str]) -> bool:
    folder = place.joinpath(*parts[1:-1])
    return any(folder.glob(f"{parts[-1]}.*"))


def _imports_of_v2(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and name of what is imported from version 2 of the SDK, or used of it, and cannot be done without."""
    tried, package = set(_tried(tree)), _names_of_the_package(tree)
    for node in ast.walk(tree):
        if node in tried:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in package:
            names = [f"sagemaker.{node.attr}"]
        else:
            continue
        for name in names:
            top, _, rest = name.partition(".")
            first = rest.partition(".")[0]
            if top == "sagemaker" and (first in _MODULES_OF_V2 or (first[:1].isupper() or first.startswith("get_"))):
                yield node.lineno, name


def _tried(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what is in a try statement that goes on without it: such a module may be written for both versions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(_catches_import_errors(handler) for handler in node.handlers):
            for statement in node.body:
                yield from ast.walk(statement)


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    caught = (
        {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else {"Exception"}
    )
    return bool(caught & {"ImportError", "ModuleNotFoundError", "Exception"})


def _names_of_the_package(tree: ast.Module) -> set[str]:
    """Return what ``import sagemaker`` binds, unless the module gives the name to something else as well."""
    nodes = list(ast.walk(tree))
    bound = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "sagemaker"
    }
    stored = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bound - stored - {node.arg for node in nodes if isinstance(node, ast.arg)}


def _may_define(tree: ast.Module, name: str) -> bool:
    """Return whether a module binds a name at its top, or may do so in a way that its text does not show."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name in (
            name,
            "__getattr__",
        ):
            return True
        if isinstance(node, ast.Name) and node.id in (name, "globals", "exec"):
            return True
        if isinstance(node, ast.Import | ast.ImportFrom) and any(
            (alias.asname or alias.name) in (name, "*") for alias in node.names
        ):
            return True
    return False
