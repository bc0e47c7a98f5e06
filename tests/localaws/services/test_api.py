"""The server of the services that MiniStack lacks, asked as users do: through the gateway."""

import botocore.session
import pytest
from botocore.exceptions import ClientError

from localaws.protocol.routing import TARGET_PREFIXES
from tests.conftest import LocalAws


@pytest.mark.parametrize(("prefix", "service"), TARGET_PREFIXES.items())
def test_the_gateway_knows_each_service_as_botocore_does(prefix: str, service: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    assert model.metadata["targetPrefix"] == prefix


def test_what_is_not_there_is_refused_by_name_and_not_retried(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="GetRepositoryTriggers of codecommit is an operation") as caught:
        local_aws.client("codecommit").get_repository_triggers(repositoryName="any")
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperation"
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
