"""The clients by which commands ask local AWS."""

from typing import Any

from localaws.account.session import make_client
from localaws.settings import CREDENTIALS, REGION, Ports


def client(service: str, ports: Ports) -> Any:
    """Return a boto3 client of the local AWS at these ports, no matter what the environment says."""
    url = ports.sagemaker_url if service.startswith("sagemaker") else ports.endpoint_url
    return make_client(service, endpoint_url=url, region=REGION, credentials=CREDENTIALS)
