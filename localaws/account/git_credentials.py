"""How git names its user to CodeCommit over HTTP: by HTTP's basic authentication, made by ``aws codecommit``.

The user's name is an access key, with ``%`` and the session token after it; the password is a time and the signature
(version 4) of the method ``GIT``, the repository's path and the host's name.

Source: "Setup steps for HTTPS connections with the AWS CLI credential helper" in CodeCommit's guide.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.settings import REGION, root_credentials

_TIME = "%Y%m%dT%H%M%S"
_VALID = timedelta(minutes=15)


@dataclass(frozen=True)
class GitCredentials:
    """Who asks, and the proof of it.

    Attributes
    ----------
    access_key : str
    session_token : str
        Empty for a user's key.
    password : str
    """

    access_key: str
    session_token: str
    password: str

    def are_signed(self, secret_key: str, host: str, path: str, now: datetime) -> bool:
        """Return whether the password was made with the key's secret, for this repository and recently.

        Parameters
        ----------
        secret_key : str
        host : str
            Its name and port.
        path : str
            The repository's, such as ``/v1/repos/iris``.
        now : datetime
            With its time zone.
        """
        time, _, signature = self.password.partition("Z")
        try:
            signed_at = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
        except ValueError:
            return False
        signer = SigV4Auth(Credentials(self.access_key, secret_key), "codecommit", REGION)
        request = AWSRequest(method="GIT")
        request.context["timestamp"] = time
        text = signer.string_to_sign(request, f"GIT\n{path}\n\nhost:{host.partition(':')[0]}\n\nhost\n")
        return hmac.compare_digest(signer.signature(text, request), signature) and abs(now - signed_at) < _VALID


def of_a_service(account_id: str) -> dict[str, str]:
    """Return environment variables with which git asks as one of our services, that is, as an account's root user."""
    user = ":".join(root_credentials(account_id).values())
    header = f"Authorization: Basic {base64.b64encode(user.encode()).decode()}"
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": header}


def given(headers: Mapping[str, str]) -> GitCredentials | None:
    """Return the credentials in a request's headers, named in lower case; None if there are none."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    access_key, _, token = user.partition("%")
    return GitCredentials(access_key, token, password)
