"""The server of the services that MiniStack lacks, asked as users do: through the gateway."""

import botocore.session
import pytest
from botocore.exceptions import ClientError

from localaws.protocol.routing import ROUTES, Route
from tests.conftest import LocalAws


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.service)
def test_the_routing_table_knows_each_service_as_botocore_does(route: Route) -> None:
    model = botocore.session.get_session().get_service_model(route.service)
    assert model.metadata.get("targetPrefix", "") == route.target_prefix
    assert model.signing_name == route.signing_name


def test_what_is_not_there_is_refused_by_name_and_not_retried(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="GetRepositoryTriggers of codecommit is not supported") as caught:
        local_aws.client("codecommit").get_repository_triggers(repositoryName="any")
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperation"
    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
