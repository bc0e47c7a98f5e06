"""Attacks on IAM enforcement: a request is a key's only if it is signed with the key's secret, the root user's, too."""

import base64
import hashlib
import http.client
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import auth, awsrequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.conftest import LocalAws

ROOT = Credentials("test", "test")
FORGED = Credentials("test", "guessed")
FOREIGN = Credentials("222222222222", "guessed")
JSON = {"Content-Type": "application/x-amz-json-1.1"}
OURS = {
    "sagemaker": "SageMaker.ListModels",
    "codebuild": "CodeBuild_20161006.ListProjects",
    "ssm": "AmazonSSM.DescribeParameters",
}
WEB = {"Content-Type": "application/x-www-form-urlencoded"}


def ports(local_aws: LocalAws) -> dict[str, list[int]]:
    """Where each service answers: by the gateway, and at its own server's port."""
    own = {"sagemaker": local_aws.ports.sagemaker, "codebuild": local_aws.ports.services}
    return {service: [local_aws.port, *([own[service]] if service in own else [])] for service in OURS}


def send(url: str, method: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
    """The status of the answer, and its body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def signed(
    service: str,
    url: str,
    credentials: Credentials = ROOT,
    *,
    method: str = "POST",
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    age: timedelta = timedelta(),
    signer: type[auth.SigV4Auth] = auth.SigV4Auth,
) -> dict[str, str]:
    """The headers of a signed request, as it would have been sent some time ago."""
    request = awsrequest.AWSRequest(method, url, headers=headers or {}, data=body)
    moment = datetime.now(UTC) - age
    signing = signer(credentials, service, "us-east-1")
    at = moment.strftime("%Y%m%dT%H%M%SZ")
    request.context["timestamp"] = at
    signing._modify_request_before_signing(request)
    request.headers.replace_header("X-Amz-Date", at) if "X-Amz-Date" in request.headers else None
    canonical = signing.canonical_request(request)
    signing._inject_signature_to_request(
        request, signing.signature(signing.string_to_sign(request, canonical), request)
    )
    return dict(request.headers.items())


def call(service: str, port: int, credentials: Credentials = ROOT, **options: Any) -> tuple[int, str]:
    """Sign and send a harmless request of each service's."""
    url, body = f"http://127.0.0.1:{port}/", options.pop("sent", None)
    headers = signed(service, url, credentials, headers={**JSON, "X-Amz-Target": OURS[service]}, **options)
    headers |= {"X-Amz-Target": OURS[service]}
    return send(url, "POST", headers, body or options.get("body", b"{}"))


@pytest.mark.parametrize("service", OURS)
def test_no_forged_signature_is_the_root_users(enforcing_local_aws: LocalAws, service: str) -> None:
    for port in ports(enforcing_local_aws)[service]:
        assert call(service, port)[0] == 200
        url = f"http://127.0.0.1:{port}/"
        headers = {**JSON, "X-Amz-Target": OURS[service]}
        credential = f"Credential=test/20990101/us-east-1/{service}/aws4_request"
        short = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00"
        attacks = {
            "a wrong secret": call(service, port, FORGED),
            "another account's root, a wrong secret": call(service, port, FOREIGN),
            "signed 16 minutes ago": call(service, port, age=timedelta(minutes=16)),
            "signed for in 16 minutes": call(service, port, age=-timedelta(minutes=16)),
            "another body": call(service, port, sent=b'{"x": 1}'),
            "a token that nobody issued": call(service, port, Credentials("test", "test", "token")),
            "no signature": send(url, "POST", headers, b"{}"),
            "Signature=00": send(url, "POST", {**headers, "Authorization": short, "X-Amz-Date": now()}, b"{}"),
            "no date": send(url, "POST", {**headers, "Authorization": short}, b"{}"),
            "Bearer": send(url, "POST", {**headers, "Authorization": "Bearer test"}, b"{}"),
            "Basic": send(url, "POST", {**headers, "Authorization": f"Basic {basic('test:test')}"}, b"{}"),
            "AWS": send(url, "POST", {**headers, "Authorization": "AWS test:00"}, b"{}"),
            "ECDSA": send(url, "POST", {**headers, "Authorization": short.replace("HMAC", "ECDSA-P256")}, b"{}"),
            "in the query": send(f"{url}?{query(service)}", "POST", headers, b"{}"),
        }
        assert {name: answer for name, answer in attacks.items() if answer[0] not in (400, 403)} == {}


def now() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def query(service: str) -> str:
    """What a presigned URL's query has, with a signature that is none."""
    scope = f"test%2F{now()[:8]}%2Fus-east-1%2F{service}%2Faws4_request"
    return (
        f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}&X-Amz-Date={now()}&X-Amz-Expires=60"
        "&X-Amz-SignedHeaders=host&X-Amz-Signature=0"
    )


@pytest.fixture(scope="module")
def kept(enforcing_local_aws: LocalAws) -> tuple[str, Any]:
    """The URL of an object, and the client that made it."""
    s3, bucket = enforcing_local_aws.client("s3"), f"kept-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret")
    return f"http://127.0.0.1:{enforcing_local_aws.port}/{bucket}/k", s3


def over(url: str, service: str, signer: Callable[..., Any]) -> str:
    """The root user's presigned URL, good until a second ago."""
    request = awsrequest.AWSRequest("GET", url)
    scope = () if signer is auth.HmacV1QueryAuth else (service, "us-east-1")
    signer(ROOT, *scope, expires=-1).add_auth(request)
    return str(request.url)


def s3_as(url: str, credentials: Credentials, **config: Any) -> Any:
    parts = urlsplit(url)
    keys = {"aws_access_key_id": credentials.access_key, "aws_secret_access_key": credentials.secret_key}
    made = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, **config)
    return boto3.client("s3", endpoint_url=f"http://{parts.netloc}", region_name="us-east-1", config=made, **keys)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_is_good_as_it_was_made_and_until_it_is_over(kept: tuple[str, Any], version: str) -> None:
    url, _ = kept
    bucket = urlsplit(url).path.split("/")[1]
    presign: Callable[..., str] = s3_as(url, ROOT, signature_version=version).generate_presigned_url
    object_ = {"Bucket": bucket, "Key": "k"}
    good = presign("get_object", Params=object_)
    assert send(good, "GET", {}) == (200, "secret")
    signature = good.rpartition("Signature=")[2].partition("&")[0]
    forged = s3_as(url, FORGED, signature_version=version).generate_presigned_url("get_object", Params=object_)
    attacks = {
        "Signature=0": good.replace(f"Signature={signature}", "Signature=0"),
        "no signature": good.replace(f"Signature={signature}", ""),
        "a wrong secret": forged,
        "another object": good.replace("/k?", "/other?"),
        "over": over(url, "s3", auth.HmacV1QueryAuth if version == "s3" else auth.S3SigV4QueryAuth),
        "longer": good.replace("Expires=", "Expires=9"),
    }
    found = {name: send(attack, "GET", {}) for name, attack in attacks.items()}
    assert {name: answer for name, answer in found.items() if answer[0] not in (400, 403)} == {}
    assert send(good, "PUT", {}, b"other")[0] == 403


def test_another_services_presigned_request_is_over_in_time(enforcing_local_aws: LocalAws) -> None:
    sts = enforcing_local_aws.client("sts")
    good = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    assert send(good, "GET", {})[0] == 200
    unsigned = f"http://127.0.0.1:{enforcing_local_aws.port}/?Action=GetCallerIdentity&Version=2011-06-15"
    assert send(over(unsigned, "sts", auth.SigV4QueryAuth), "GET", {})[0] == 403
    assert send(good.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), "GET", {})[0] == 403


def test_an_upload_is_what_was_signed(kept: tuple[str, Any]) -> None:
    url, s3 = kept
    bucket = urlsplit(url).path.split("/")[1]

    def put(body: bytes, sent: bytes, credentials: Credentials = ROOT, **headers: str) -> tuple[int, str]:
        signing = signed("s3", url, credentials, method="PUT", body=body, headers=headers, signer=auth.S3SigV4Auth)
        return send(url, "PUT", signing, sent)

    assert put(b"other", b"other")[0] == 200
    assert put(b"other", b"changed")[0] in (400, 403)
    assert put(b"", b"x", FORGED, **{"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})[0] == 403
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"other"
    s3.put_object(Bucket=bucket, Key="k", Body=b"secret")


class Streaming(auth.S3SigV4Auth):  # type: ignore[misc] # botocore has no types
    """Signs that the body is signed in chunks."""

    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

    def payload(self, _request: Any) -> str:
        return self.kind


class Unsigned(Streaming):
    """Signs that the body is not signed, and has a checksum at its end."""

    kind = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


class Nonsense(Streaming):
    """Signs what is no hash."""

    kind = "None"


@pytest.mark.parametrize(
    ("forgery", "status"), [("", 200), ("seed", 403), ("chunk", 403), ("unsigned", 403), ("nonsense", 403)]
)
def test_an_upload_in_chunks_is_signed_chunk_by_chunk(kept: tuple[str, Any], forgery: str, status: int) -> None:
    """``STREAMING-AWS4-HMAC-SHA256-PAYLOAD``: each chunk's signature covers the one before."""
    url, data = f"{kept[0]}-{forgery or 'good'}", b"chunk"
    signer = {"unsigned": Unsigned, "nonsense": Nonsense}.get(forgery, Streaming)
    encoded = {"Content-Encoding": "aws-chunked", "X-Amz-Decoded-Content-Length": str(len(data))}
    who = FORGED if forgery in ("seed", "unsigned") else ROOT
    headers = signed("s3", url, who, method="PUT", headers=encoded, body=b"", signer=signer)
    previous, body = headers["Authorization"].rpartition("Signature=")[2], b""
    for chunk in (data, b""):
        previous = chunk_signature(headers["X-Amz-Date"], previous, chunk)
        shown = "0" * 64 if forgery == "chunk" and chunk else previous
        body += f"{len(chunk):x};chunk-signature={shown}\r\n".encode() + chunk + b"\r\n"
    answer = send(url, "PUT", {**headers, "Content-Length": str(len(body))}, body)
    assert answer[0] == status, answer


def chunk_signature(date: str, previous: str, chunk: bytes) -> str:
    signer = auth.S3SigV4Auth(ROOT, "s3", "us-east-1")
    scope = f"{date[:8]}/us-east-1/s3/aws4_request"
    hashes = [hashlib.sha256(b"").hexdigest(), hashlib.sha256(chunk).hexdigest()]
    text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, *hashes])
    request = awsrequest.AWSRequest()
    request.context["timestamp"] = date
    return str(signer.signature(text, request))


def test_a_session_is_its_key_its_secret_and_its_token(enforcing_local_aws: LocalAws) -> None:
    iam, name = enforcing_local_aws.client("iam"), f"session-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(everything))
    assumer = enforcing_local_aws.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    key, secret, token = (assumer[each] for each in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    for service, found in ports(enforcing_local_aws).items():
        for port in found:
            assert call(service, port, Credentials(key, secret, token))[0] == 200
            for wrong in ((key, secret, None), (key, secret, token[:-1]), (key, "guessed", token)):
                assert call(service, port, Credentials(*wrong))[0] in (400, 403)


def test_nobody_but_the_root_user_says_that_a_service_asks(enforcing_local_aws: LocalAws) -> None:
    """`localaws.account.roles.SERVICE_HEADER` opens the roles that trust a service, and the events of ``aws.*``."""
    iam, name = enforcing_local_aws.client("iam"), f"spoof-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.create_user(UserName=name)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    url = f"http://127.0.0.1:{enforcing_local_aws.port}"
    sts = boto3.client("sts", endpoint_url=url, region_name="us-east-1", **keys)
    events = boto3.client("events", endpoint_url=url, region_name="us-east-1", **keys)
    header = {"X-Localaws-Service": "codebuild.amazonaws.com"}
    for client in (sts, events):
        client.meta.events.register("before-send", lambda request, **_: request.headers.update(header))
    with pytest.raises(ClientError, match="is not authorized to perform: sts:AssumeRole"):
        sts.assume_role(RoleArn=role, RoleSessionName="session")
    entry = {"Source": "aws.sagemaker", "DetailType": "t", "Detail": "{}"}
    [told] = events.put_events(Entries=[entry])["Entries"]
    assert told["ErrorCode"] == "NotAuthorizedForSourceException"


def test_nobody_pushes_or_pulls_images_as_whoever_they_say(enforcing_local_aws: LocalAws) -> None:
    """Docker's requests: MiniStack knows one password, and asks for none."""
    ecr, name = enforcing_local_aws.client("ecr"), f"images-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=name)
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    url = f"http://127.0.0.1:{enforcing_local_aws.port}/v2"
    asked = [("POST", f"{name}/blobs/uploads/"), ("PUT", f"{name}/manifests/1"), ("GET", f"{name}/tags/list")]
    for headers in ({}, {"Authorization": f"Basic {token}"}, {"Authorization": "Basic QVdTOmd1ZXNz"}):
        answers = {path: send(f"{url}/{path}", method, headers, b"{}") for method, path in [*asked, ("GET", "")]}
        assert {status for status, _ in answers.values()} == {403}, answers
        assert all("cannot tell who asks" in body for _, body in answers.values()), answers
    assert ecr.list_images(repositoryName=name)["imageIds"] == []


@pytest.mark.parametrize("path", ["/_localaws/authorize", "/_localaws/policy", "/_localaws/account"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a": 1}\n{}', b'{"access_key": 1}', b"\xff"])
def test_what_is_no_question_is_refused(enforcing_local_aws: LocalAws, path: str, body: bytes) -> None:
    answer = send(f"http://127.0.0.1:{enforcing_local_aws.port}{path}?method=POST", "POST", JSON, body)
    assert answer[0] == (200 if path == "/_localaws/account" else 400), answer
