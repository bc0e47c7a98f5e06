"""What to do next when AWS cannot be reached, or does not know the caller: one sentence for each cause.

Codes are those that botocore shows; sources: "Common errors" of the STS and the IAM API reference, botocore.exceptions.
"""

from collections.abc import Mapping

from model_road import aws

_SIGN_IN = "the session is over: run `aws sso login`, or put new keys into the environment or ~/.aws/credentials"
_NETWORK = (
    "AWS does not answer: check the region's name, the network, and HTTPS_PROXY if there is a proxy; "
    "without a network, add --local"
)
_GONE = "AWS on this machine has ended, or does not answer: run `local-aws start`, and this command again"
_CLOCK = "AWS refuses requests whose time is more than minutes off: set this machine's clock"
# Of answers of AWS.
_BY_CODE: Mapping[str, str] = {
    "ExpiredToken": _SIGN_IN,
    "ExpiredTokenException": _SIGN_IN,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "InvalidClientTokenId": "AWS does not know this access key: it was deleted, is of another partition, or "
    "the account has not enabled this region; see `aws configure list`, and AWS Regions in the account's settings",
    "SignatureDoesNotMatch": "the secret does not belong to the access key, or this machine's clock is wrong: "
    "run `aws configure` again",
}
_BY_CODE_TOO = {
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidAccessKeyId": "InvalidClientTokenId",
    "AuthFailure": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "IncompleteSignature": "SignatureDoesNotMatch",
}
# Of botocore's own exceptions, by the name of a class among their bases.
_BY_CLASS: Mapping[str, str] = {
    "UnauthorizedSSOTokenError": _SIGN_IN,
    "SSOTokenLoadError": _SIGN_IN,
    "SSOError": _SIGN_IN,
    "TokenRetrievalError": _SIGN_IN,
    "LoginError": "run `aws login` again",
    "ProfileNotFound": "`aws configure list-profiles` shows those there are; unset AWS_PROFILE, or correct it",
    "PartialCredentialsError": "give both, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither",
    "CredentialRetrievalError": "the profile gets its credentials from a program or a service: try that by itself",
    "InvalidRegionError": "give --region, for example --region eu-west-1",
    "EndpointConnectionError": _NETWORK,
    "ConnectionError": _NETWORK,
    "HTTPClientError": _NETWORK,
}


def advice(error: BaseException) -> str:
    """Return what to do about an error of boto3's that is about access; empty for any other."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    if code:
        return _BY_CODE.get(_BY_CODE_TOO.get(code, code), "")
    if aws.is_this_machine(getattr(error, "kwargs", {}).get("endpoint_url") or ""):
        return _GONE
    bases = (base.__name__ for base in type(error).__mro__)
    return next((_BY_CLASS[name] for name in bases if name in _BY_CLASS), "")
