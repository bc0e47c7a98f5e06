"""What every service depends on: the store, the other services, the outbox."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from localaws.account.clients import Aws
from localaws.document import Document
from localaws.service.outbox import Outbox
from localaws.storage.store import TOKEN_SECONDS, Store

TOKEN_MEMBERS = ("ClientRequestToken", "ClientToken", "clientRequestToken", "idempotencyToken")
"""The members of requests that hold an idempotency token in AWS's APIs."""

TOKEN_RESOURCES = {
    "sagemaker.StartPipelineExecution": "PipelineName",
    "sagemaker.RetryPipelineExecution": "PipelineExecutionArn",
    "sagemaker.StopPipelineExecution": "PipelineExecutionArn",
    "sagemaker.SendPipelineExecutionStepSuccess": "CallbackToken",
    "sagemaker.SendPipelineExecutionStepFailure": "CallbackToken",
    "sagemaker.CreatePipeline": "PipelineName",
    "sagemaker.DeletePipeline": "PipelineName",
    "sagemaker.UpdateModelPackage": "ModelPackageArn",
    "codepipeline.StartPipelineExecution": "name",
}
"""The member that names what an operation is about. A token is the resource's own: with the token of another one's
request, this one's is carried out. Of the rest it is the operation's, where another resource is another parameter:
CodeBuild says of StartBuild and RetryBuild that they refuse those.
"""


def _no_peer(_service: str, _account_id: str) -> None:
    return None


@dataclass(frozen=True)
class Context:
    """One account of the services of one server.

    Attributes
    ----------
    store : Store
        The resources of all services; a kind begins with the service's name: ``codebuild/project``.
    aws : Aws
        The other services.
    state_dir : Path
        Where the server keeps what all accounts share.
    outbox : Outbox
        Sends events to EventBridge and metrics to CloudWatch.
    account_dir : Path
        Where a service may keep the account's files, in a folder of that service's name.
    peer : callable(service, account id) -> Service or None
        Returns the same service in another account, if it is there.
    """

    store: Store
    aws: Aws
    state_dir: Path
    outbox: Outbox
    account_dir: Path
    peer: Callable[[str, str], Any] = _no_peer

    @classmethod
    def of(
        cls,
        path: Path,
        aws: Aws,
        state_dir: Path,
        account_dir: Path | None = None,
        peer: Callable[[str, str], Any] = _no_peer,
    ) -> Self:
        """Return the context of the services that share a store file; their outbox is not started yet.

        Without an `account_dir`, the account's files are where the server's are.
        """
        store = Store(path)
        return cls(store, aws, state_dir, Outbox(store, aws), account_dir or state_dir, peer)

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN of this account and region, such as ``arn:aws:codebuild:us-east-1:000000000000:project/p``."""
        return f"arn:aws:{service}:{self.aws.region}:{self.aws.account_id}:{resource}"

    def acting_as(self, role_arn: str, principal: str) -> Self:
        """Return the same context, with the other services called under a role: see `Aws.acting_as`."""
        return replace(self, aws=self.aws.acting_as(role_arn, principal))

    def assuming(self, role_arn: str) -> Self:
        """Return the same context, with the other services called under a role of theirs: see `Aws.assuming`."""
        return replace(self, aws=self.aws.assuming(role_arn))

    def once(
        self, scope: str, request: Document, make: Callable[[], Document], seconds: float = TOKEN_SECONDS
    ) -> Document:
        """Carry out a request within a transaction, once per idempotency token: see `Store.once`.

        Parameters
        ----------
        scope : str
            The service and operation, such as ``codebuild.StartBuild``.
        request : dict
            The whole request. A request without a token is carried out every time.
        make : callable() -> answer
        seconds : float, default=30 days
        """
        token = token_of(request)
        if token is None:
            with self.store.transaction():
                return make()
        return self.store.once(_bound(scope, request), token, _without_token(request), make, seconds)

    def answered(self, scope: str, request: Document) -> Document | None:
        """Return the answer to an earlier request with the same idempotency token, or None."""
        token = token_of(request)
        return None if token is None else self.store.answered(_bound(scope, request), token, _without_token(request))


def token_of(request: Document) -> str | None:
    """Return a request's idempotency token, or None if it has none."""
    for member in TOKEN_MEMBERS:
        if member in request:
            return str(request[member])
    return None


def _bound(scope: str, request: Document) -> str:
    """Return the scope of a request's token: its operation and, of those in `TOKEN_RESOURCES`, its resource."""
    named = str(request.get(TOKEN_RESOURCES.get(scope, ""), ""))
    return f"{scope} {named.rpartition('/')[2] if named.startswith('arn:') else named}".rstrip()


def _without_token(request: Document) -> Document:
    return {name: value for name, value in request.items() if name not in TOKEN_MEMBERS}
