"""Who may call the API beside those who have its key: signatures, tokens, VPC endpoints, a web ACL."""

import json
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.commands.api import TEMPLATE, deployed_anew
from tests.conftest import LocalAws
from tests.deploy.api_stack import Api, change, create

SCRIPT = Path(__file__).parents[2] / "invoke_api.py"
RIGHT = {"x": [[0.3]]}


@pytest.fixture(scope="module")
def open_api(enforcing_local_aws: LocalAws) -> Api:
    return create(enforcing_local_aws)


@pytest.fixture
def api(open_api: Api) -> Iterator[Api]:
    """With its key alone, as it is by default; and again after each test."""
    assert open_api.post("/stream", RIGHT)[0] == 503, "it reaches the function, whose endpoint is not there"
    yield open_api
    change(open_api.aws, open_api.name, "update_stack")
    assert open_api.post("/stream", RIGHT)[0] == 503


@pytest.fixture
def invoke(api: Api, tmp_path: Path) -> Any:
    """Returns what invoke_api.py says; no endpoint is behind the API, so it always ends with an error."""
    records = tmp_path / "records.csv"
    records.write_text("0.3\n")

    def run(*options: str, variables: Mapping[str, str] | None = None) -> str:
        caller = replace(api.aws, env={**api.aws.env, **(variables or {})})
        done = caller.run([sys.executable, str(SCRIPT), "--records", str(records), *options])
        assert done.returncode == 1, done.stderr
        return str(done.stderr)

    return run


@pytest.fixture
def user(api: Api) -> Iterator[tuple[dict[str, str], Any]]:
    """The environment of a user who may do nothing, and what lets the user invoke the API."""
    iam, name = api.aws.client("iam"), f"{api.name}-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"arn:aws:execute-api:*:*:{api.id}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    yield (
        {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]},
        lambda: iam.put_user_policy(UserName=name, PolicyName="invoke", PolicyDocument=policy),
    )
    for each in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=each)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def test_a_signature_is_asked_for_beside_the_key(api: Api, invoke: Any, user: Any) -> None:
    variables, let_in = user
    change(api.aws, api.name, "update_stack", AuthorizationType="AWS_IAM")
    for route in ("/stream", "/batch"):
        status, _, document = api.post(route, RIGHT)
        assert (status, "sign the request" in document["message"]) == (403, True)
    assert "/stream answered 503" in invoke("--project-name", api.name), "the stack says that it wants signatures"
    with_url = ("--url", api.url, "--api-key")
    assert "/stream answered 403" in invoke(*with_url, api.key, "--sign", variables=variables)
    let_in()
    assert "/stream answered 503" in invoke(*with_url, api.key, "--sign", variables=variables)
    assert "/stream answered 403" in invoke(*with_url, api.key)
    assert "/stream answered 403" in invoke(*with_url, "wrong", "--sign")


def test_a_token_is_asked_for_beside_the_key(api: Api, invoke: Any) -> None:
    arn, token = user_pool(api.aws)
    change(api.aws, api.name, "update_stack", AuthorizationType="COGNITO_USER_POOLS", UserPoolArn=arn)
    assert api.post("/stream", RIGHT)[0] == 401
    assert api.post("/stream", RIGHT, token=token)[0] == 503
    assert api.post("/batch", RIGHT, token=token)[0] == 503
    assert api.post("/stream", RIGHT, token=token, key="wrong")[0] == 403
    assert api.post("/stream", RIGHT, token=user_pool(api.aws)[1])[0] == 401, "a token of another pool"
    assert "/stream answered 401" in invoke("--project-name", api.name)
    assert "/stream answered 503" in invoke("--project-name", api.name, "--authorization-token", token)


def user_pool(aws: LocalAws) -> tuple[str, str]:
    """ARN of a new user pool, and the identity token of a user of it."""
    cognito, password = aws.client("cognito-idp"), f"Aa1!{uuid.uuid4().hex}"
    pool = cognito.create_user_pool(PoolName=uuid.uuid4().hex)["UserPool"]
    flow = "ADMIN_USER_PASSWORD_AUTH"
    named = {"UserPoolId": pool["Id"], "Username": "ann"}
    client = cognito.create_user_pool_client(
        UserPoolId=pool["Id"], ClientName="c", ExplicitAuthFlows=[f"ALLOW_{flow}"]
    )["UserPoolClient"]
    cognito.admin_create_user(**named, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**named, Password=password, Permanent=True)
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool["Id"],
        ClientId=client["ClientId"],
        AuthFlow=flow,
        AuthParameters={"USERNAME": "ann", "PASSWORD": password},
    )
    return pool["Arn"], answer["AuthenticationResult"]["IdToken"]


@pytest.mark.parametrize("authorization", ["NONE", "AWS_IAM"])
def test_a_private_api_is_for_its_vpc_endpoints(api: Api, invoke: Any, user: Any, authorization: str) -> None:
    variables, let_in = user
    let_in()
    endpoints = ["vpce-0a1b", "vpce-2c3d"]
    change(api.aws, api.name, "update_stack", VpcEndpointIds=",".join(endpoints), AuthorizationType=authorization)
    found = api.aws.client("apigateway").get_rest_api(restApiId=api.id)
    assert found["endpointConfiguration"]["types"] == ["PRIVATE"]
    assert found["endpointConfiguration"]["vpcEndpointIds"] == endpoints
    [statement] = json.loads(found["policy"].replace("\\", ""))["Statement"]
    operator = {"Allow": "StringEquals", "Deny": "StringNotEquals"}[statement["Effect"]]
    assert statement["Condition"] == {operator: {"aws:SourceVpce": endpoints}}
    assert statement["Effect"] == ("Allow" if authorization == "NONE" else "Deny")
    assert api.post("/stream", RIGHT)[0] == 403
    with_url = ("--url", api.url, "--api-key", api.key, "--sign")
    assert "/stream answered 403" in invoke(*with_url, variables=variables), "this machine is behind no VPC endpoint"


def test_a_web_acl_is_that_of_the_stage(open_api: Api) -> None:
    api, waf = open_api, open_api.aws.client("wafv2")
    stage = f"arn:aws:apigateway:{waf.meta.region_name}::/restapis/{api.id}/stages/v1"
    for _ in range(2):  # another replaces the first
        arn = web_acl(waf)
        change(api.aws, api.name, "update_stack", WebAclArn=arn)
        assert waf.get_web_acl_for_resource(ResourceArn=stage)["WebACL"]["ARN"] == arn
    change(api.aws, api.name, "update_stack")
    with pytest.raises(waf.exceptions.WAFNonexistentItemException):
        waf.get_web_acl_for_resource(ResourceArn=stage)


def web_acl(waf: Any) -> str:
    """ARN of a new web ACL that lets everything through."""
    name = uuid.uuid4().hex
    made = waf.create_web_acl(
        Name=name,
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": name},
    )
    return str(made["Summary"]["ARN"])


def test_who_may_call_is_in_the_name_of_the_deployment() -> None:
    template = TEMPLATE.read_text()
    pools = [{"AuthorizationType": "COGNITO_USER_POOLS", "UserPoolArn": pool} for pool in ("a", "b")]
    changed = [{}, {"VpcEndpointIds": "vpce-1"}, {"VpcEndpointIds": "vpce-2"}, {"AuthorizationType": "AWS_IAM"}, *pools]
    assert len({deployed_anew(values, template) for values in changed}) == len(changed)
    for nothing in ({"AuthorizationType": "NONE", "UserPoolArn": "", "VpcEndpointIds": ""}, {"RateLimit": "7"}):
        assert deployed_anew(nothing, template) == template
