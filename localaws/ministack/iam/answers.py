"""What the servers beside MiniStack ask it about callers, by the path that they ask at."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from urllib.parse import parse_qs

from localaws.account.caller import ACCOUNT_PATH, account_answer
from localaws.account.guard import AUTHORIZE_PATH, Authorize, questioned
from localaws.account.resource_policy import POLICY_PATH, PolicyAnswer, PolicyQuestion, asked
from localaws.ministack.iam.hooks_accounts import account_finder
from localaws.ministack.iam.hooks_authorizer import policy_evaluator
from localaws.protocol.asgi import Response, Scope


def iam_answers(authorize: Authorize | None) -> Mapping[str, Authorize]:
    """Return what answers at each path.

    Parameters
    ----------
    authorize : callable or None
        Says whether a request is allowed; None where IAM is not enforced.
    """
    answers = {ACCOUNT_PATH: _account(account_finder()), POLICY_PATH: _policy(policy_evaluator())}
    if authorize is not None:
        answers[AUTHORIZE_PATH] = lambda scope, body: authorize(questioned(scope), body)
    return {path: _understood(answer) for path, answer in answers.items()}


def _understood(answer: Authorize) -> Authorize:
    """Return an answer that refuses what is no question; anybody on this machine may ask anything."""

    def understood(scope: Scope, body: bytes) -> Response:
        try:
            return answer(scope, body)
        except ValueError as error:
            return Response.aws_error(400, "ValidationException", str(error))

    return understood


def _account(find: Callable[[str], str]) -> Authorize:
    def answer(scope: Scope, _body: bytes) -> Response:
        key = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        return account_answer(find(key))

    return answer


def _policy(evaluate: Callable[[PolicyQuestion], PolicyAnswer]) -> Authorize:
    def answer(_scope: Scope, body: bytes) -> Response:
        return Response.json(200, asdict(evaluate(asked(body))))

    return answer
