"""CloudFormation's requests: what it refuses at once and MiniStack accepts, and the other way round."""

import importlib
import re
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from localaws.ministack.cloudformation import schema
from localaws.ministack.cloudformation.refusals import check_nulls, check_parameters, refusal
from localaws.ministack.cloudformation.template_text import keep_keys, with_texts
from localaws.ministack.private import private
from localaws.ministack.query_protocol import Parameters, Response, first


def refuse_unknown_parameters() -> None:
    """Refuse parameters that the template does not have: of a stack, a change set or a nested stack.

    Hook ``ministack.services.cloudformation.engine._resolve_parameters``, which ``...handlers`` and ``...changesets``
    have under that name, too; its ValueError is answered as a ValidationError, or fails the nested stack.
    """
    resolve = private("ministack.services.cloudformation.engine", "_resolve_parameters")

    def resolve_known(template: dict[str, Any], provided: list[dict[str, Any]], *previous: Any) -> Any:
        check_parameters(template.get("Parameters") or {}, [each["Key"] for each in provided])
        return resolve(template, provided, *previous)

    for name in ("engine", "handlers", "changesets"):
        module: Any = importlib.import_module(f"ministack.services.cloudformation.{name}")
        private(module.__name__, "_resolve_parameters")
        module._resolve_parameters = resolve_known


def refuse_operations_by_status() -> None:
    """Require that a stack whose creation or deletion failed is deleted before it is created again.

    Hooks ``ministack.services.cloudformation.handlers._ACTION_HANDLERS``, ``_resolve_stack`` and ``_error``.
    """
    module = "ministack.services.cloudformation.handlers"
    handlers, find, error = (private(module, name) for name in ("_ACTION_HANDLERS", "_resolve_stack", "_error"))

    def refusing(action: str, answer: Callable[[Parameters], Response]) -> Callable[[Parameters], Response]:
        def answer_or_refuse(request: Parameters) -> Response:
            stack = find(first(request, "StackName"))
            kind = "CREATE" if action == "CreateStack" else first(request, "ChangeSetType") or "UPDATE"
            problem = None if stack is None else refusal(kind, stack)
            refused: Response | None = None if problem is None else error(*problem)
            return answer(request) if refused is None else refused

        return answer_or_refuse

    for action in ("CreateStack", "CreateChangeSet"):
        handlers[action] = refusing(action, handlers[action])


def read_templates_exactly() -> None:
    """Read text where CloudFormation does and YAML has booleans; refuse nulls, which CloudFormation takes nowhere.

    Hook ``ministack.services.cloudformation.engine._parse_template``, which ``...handlers`` and ``...changesets`` have
    under that name, too; its ValueError is answered as a ValidationError, or fails the nested stack. And
    ``...engine.CfnLoader``, which reads mappings.
    """
    parse, loader = (
        private("ministack.services.cloudformation.engine", name) for name in ("_parse_template", "CfnLoader")
    )
    construct_mapping = loader.construct_mapping

    def construct_with_keys(self: Any, node: Any, deep: bool = False) -> Any:
        keep_keys(node)
        return construct_mapping(self, node, deep=deep)

    def parse_exactly(template_body: str) -> Any:
        template = parse(template_body)
        check_nulls(template)
        return with_texts(template)

    loader.construct_mapping = construct_with_keys

    for name in ("engine", "handlers", "changesets"):
        module: Any = importlib.import_module(f"ministack.services.cloudformation.{name}")
        private(module.__name__, "_parse_template")
        module._parse_template = parse_exactly


_BUCKET_HOST = re.compile(r"https://([a-z0-9.-]+)\.s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com/")


def require_capabilities() -> None:
    """Require CAPABILITY_IAM or CAPABILITY_NAMED_IAM for stacks with IAM resources, from every caller.

    Hook ``ministack.services.cloudformation.handlers._capabilities_enforced``, which says so with AUTH=true only.
    """
    handlers: Any = importlib.import_module("ministack.services.cloudformation.handlers")
    private(handlers.__name__, "_capabilities_enforced")
    handlers._capabilities_enforced = lambda: True


def accept_bucket_host_urls() -> None:
    """Accept a TemplateURL that names its bucket as the host, as S3's own URLs do.

    Hook ``ministack.services.cloudformation.helpers._resolve_document``, which takes the bucket for a part of the path.
    """
    helpers: Any = importlib.import_module("ministack.services.cloudformation.helpers")
    resolve = private(helpers.__name__, "_resolve_document")

    def resolve_in_bucket(params: dict[str, Any], body_key: str, url_key: str, label: str) -> Any:
        [url] = params.get(url_key) or [""]
        path_style = _BUCKET_HOST.sub(r"https://s3.amazonaws.com/\1/", url)
        return resolve({**params, url_key: [path_style]} if url else params, body_key, url_key, label)

    helpers._resolve_document = resolve_in_bucket


def describe_types() -> None:
    """Answer DescribeType for resource types, which MiniStack lacks: CloudFormation's schema says what handlers call.

    Hooks ``ministack.services.cloudformation.handlers._ACTION_HANDLERS``, ``_error`` and ``_xml``.
    """
    module = "ministack.services.cloudformation.handlers"
    handlers, error, xml = (private(module, name) for name in ("_ACTION_HANDLERS", "_error", "_xml"))

    def describe(request: Parameters) -> Response:
        name = first(request, "TypeName")
        published = schema.text(name) if first(request, "Type") in ("", "RESOURCE") else None
        if published is None:
            # Of modules, hooks and third parties' types there are none here.
            refused: Response = error("TypeNotFoundException", f"The type '{name}' cannot be found.", 404)
            return refused
        told = f"<Type>RESOURCE</Type><TypeName>{name}</TypeName><Visibility>PUBLIC</Visibility>"
        body = f"<DescribeTypeResult>{told}<Schema>{escape(published)}</Schema></DescribeTypeResult>"
        answer: Response = xml(200, "DescribeTypeResponse", body)
        return answer

    handlers["DescribeType"] = describe
