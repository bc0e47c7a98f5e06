"""CloudFormation: an operation is on disk before it is acknowledged, and a kill does not end it.

1. A request's answer, a reading one's too, waits until all that it says is on disk: no stack is ever shown in a state
   that a kill takes back. So does the operation itself, before it touches anything.
2. While it is under way its arguments are in its stack, which is saved with the resources that it makes in MiniStack,
   all of one moment. What it makes elsewhere is in `localaws.ministack.cloudformation.attempts` before it is begun.
3. After a kill it is carried out again. A resource that it was done with is left as it is; one that it had begun with
   is found, or made.

A nested stack that was being made is deleted, with all that was made of it, and made anew.
"""

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextvars import ContextVar, copy_context
from typing import Any

from localaws.document import Document
from localaws.ministack.cloudformation.attempts import ATTEMPT, OPERATION, Attempts, Begun
from localaws.ministack.cloudformation.hooks_interruption import ENDS, end_interrupted
from localaws.ministack.cloudformation.hooks_roles import role_arn
from localaws.ministack.cloudformation.operations import KEPT, Operation
from localaws.ministack.cloudformation.provisioner import Provisioned, Provisioner
from localaws.ministack.private import private
from localaws.ministack.state.snapshot import NotSavedError

Work = Coroutine[Any, Any, None]

_SERVICE = "ministack.services.cloudformation"
_FUNCTIONS = {
    "deployment": ("_deploy_stack_async", ("stacks", "handlers", "changesets")),
    "deletion": ("_delete_stack_async", ("stacks", "handlers")),
    "rollback": ("_roll_back_operation", ("stacks", "handlers")),
    "continued rollback": ("_continue_update_rollback_async", ("stacks", "handlers")),
}
# MiniStack says so a moment after the answer, which nobody would see if it did not wait for the disk.
_AT_ONCE = {"deletion": "DELETE_IN_PROGRESS", "continued rollback": "UPDATE_ROLLBACK_IN_PROGRESS"}
_READING = ("Describe", "Get", "List", "Validate", "Estimate")

_DONE: ContextVar[Mapping[str, Document]] = ContextVar("_DONE", default={})  # noqa: B039 (it is only read)


class Operations:
    """The operations on all stacks.

    Parameters
    ----------
    attempts : Attempts
    saved : callable() -> awaitable
        Waits until everything that has happened is on disk.
    note_change : callable()
        Is told that something has happened.
    provisioners : mapping of str to Provisioner
        Of the resource types that other processes keep.
    """

    def __init__(
        self,
        attempts: Attempts,
        saved: Callable[[], Awaitable[None]],
        note_change: Callable[[], None],
        provisioners: Mapping[str, Provisioner],
    ) -> None:
        self._attempts, self._provisioners = attempts, provisioners
        self._saved, self._note_change = saved, note_change
        self._happened = self._on_disk = 0
        self._work: dict[str, Callable[..., Work]] = {}
        self._interrupted: list[Document] = []
        self._done: dict[str, Mapping[str, Document]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _stacks(self) -> MutableMapping[str, Document]:
        every_stack: MutableMapping[str, Document] = private(_SERVICE, "_stacks")
        return every_stack

    def keep(self) -> None:
        """Keep each operation while it is under way.

        Hooks the functions of ``ministack.services.cloudformation.stacks`` that carry operations out, and
        ``_create_then_delete_on_failure`` there, each also where it is imported; ``_add_event``, which is called with
        whatever happens to a stack; ``_provision_resource`` and ``_update_resource``; and the service's
        ``handle_request`` and ``load_persisted_state``.
        """
        stacks: Any = importlib.import_module(f"{_SERVICE}.stacks")
        for kind, (name, modules) in _FUNCTIONS.items():
            self._work[kind] = private(stacks.__name__, name)
            _replace(name, modules, self._keeping(kind, self._work[kind]))
        then_delete = private(stacks.__name__, "_create_then_delete_on_failure")
        _replace(then_delete.__name__, ("stacks", "handlers", "changesets"), self._deleting_on_failure(then_delete))
        for name in ("_provision_resource", "_update_resource"):
            setattr(stacks, name, _unless_done(private(stacks.__name__, name)))
        add_event = private(stacks.__name__, "_add_event")

        def add_and_note(*event: Any, **more: Any) -> None:
            add_event(*event, **more)
            self._note()

        stacks._add_event = add_and_note
        service: Any = importlib.import_module(_SERVICE)
        service.handle_request = self._durably(private(_SERVICE, "handle_request"))
        load = private(_SERVICE, "load_persisted_state")

        def load_and_look(data: Any) -> None:
            load(data)
            stacks = private(_SERVICE, "_stacks").all_values()
            self._interrupted = [stack for stack in stacks if stack["StackStatus"] in ENDS or KEPT in stack]

        service.load_persisted_state = load_and_look

    def take_up(self, wait_until_ready: Callable[[], None]) -> None:
        """Carry out the operations that a kill has interrupted, in the running event loop.

        Parameters
        ----------
        wait_until_ready : callable
            Returns when all services can be reached.
        """
        interrupted, self._interrupted = self._interrupted, []
        self._attempts.forget_others([stack["StackId"] for stack in interrupted])
        if interrupted:
            self._begin(self._take_all_up(interrupted, wait_until_ready))

    async def _take_all_up(self, interrupted: list[Document], wait_until_ready: Callable[[], None]) -> None:
        await asyncio.to_thread(wait_until_ready)
        nested = [stack for stack in interrupted if "_parent_stack_name" in stack]
        for stack in nested:
            await asyncio.to_thread(_in_scope_of(stack), self._adopt, stack)
            end_interrupted(stack)
        for stack in interrupted:
            if stack not in nested:
                _in_scope_of(stack)(self._take_one_up, stack)

    def _take_one_up(self, stack: Document) -> None:
        if KEPT not in stack:
            if stack["StackStatus"] in ENDS:
                end_interrupted(stack)
            return
        operation = Operation(stack[KEPT])
        if not operation.may_be_taken_up():
            operation.end(stack)
            end_interrupted(stack)
            return
        private(f"{_SERVICE}.stacks", "CLIENT_REQUEST_TOKEN").set(operation.document["Token"])
        self._done[operation.id] = operation.done(stack)
        self._begin(self._followed(stack, operation, self._again(stack, operation)))

    def _again(self, stack: Document, operation: Operation) -> Work:
        """Return the work of an operation that is taken up."""
        name, stack_id = stack["StackName"], stack["StackId"]
        arguments, options = list(operation.document["Arguments"]), operation.document["Options"]
        if operation.kind == "deployment":
            stack["_disable_validation"] = True  # it would find what this operation has made
        if operation.kind == "rollback":
            undone = arguments[0]
            made = [each for each in undone.get("created", ()) if each in stack["_resources"]]
            arguments = [stack, {**undone, "created": made}, *arguments[1:]]
        return self._carry_out(stack, operation, self._work[operation.kind](name, stack_id, *arguments, **options))

    async def _followed(self, stack: Document, operation: Operation, work: Work) -> None:
        """Carry out what follows an operation, too: a deletion when it fails, and its change set's status."""
        name, stack_id = stack["StackName"], stack["StackId"]
        if operation.document["DeleteOnFailure"] and operation.kind in ("deployment", "rollback"):
            work = private(f"{_SERVICE}.stacks", "_create_then_delete_on_failure")(name, stack_id, work)
        for change_set in private(_SERVICE, "_change_sets").values():
            if change_set.get("StackId") == stack_id and change_set.get("ExecutionStatus") == "EXECUTE_IN_PROGRESS":
                work = private(f"{_SERVICE}.changesets", "_track_change_set_execution")(change_set, stack, work)
        await work

    def _keeping(self, kind: str, work_of: Callable[..., Work]) -> Callable[..., Work]:
        """Return what begins an operation of a kind, in place of `work_of`."""
        token = private(f"{_SERVICE}.stacks", "CLIENT_REQUEST_TOKEN")

        def begin(stack_name: str, stack_id: str, *arguments: Any, **options: Any) -> Work:
            work, stack = work_of(stack_name, stack_id, *arguments, **options), self._stacks.get(stack_name)
            if stack is None or kind == stack.get(KEPT, {}).get("Kind") == "deletion":
                return work
            kept = arguments[1:] if kind == "rollback" else arguments  # without the stack itself
            stack["StackStatus"] = _AT_ONCE.get(kind, stack["StackStatus"])
            return self._carry_out(stack, Operation.begin(stack, kind, kept, options, token.get()), work)

        return begin

    async def _carry_out(self, stack: Document, operation: Operation, work: Work) -> None:
        before, done = OPERATION.set(operation.id), _DONE.set(self._done.pop(operation.id, {}))
        try:
            await self._all_saved_at_last()
            if operation.kind == "deletion":
                await asyncio.to_thread(self._adopt, stack)
            await work
        finally:
            operation.end(stack)
            OPERATION.reset(before)
            _DONE.reset(done)
        await self._all_saved_at_last()
        self._attempts.forget(operation.id)

    def _deleting_on_failure(self, then_delete: Callable[[str, str, Work], Work]) -> Callable[[str, str, Work], Work]:
        def delete_on_failure(stack_name: str, stack_id: str, deployment: Work) -> Work:
            if KEPT in (stack := self._stacks.get(stack_name, {})):
                stack[KEPT]["DeleteOnFailure"] = True
            return then_delete(stack_name, stack_id, deployment)

        return delete_on_failure

    def _adopt(self, stack: Document) -> None:
        """Have a stack know what was made for it and it was not told of, for a kill came first."""
        for begun in self._attempts.of_stack(stack["StackId"]):
            provisioner = self._provisioners.get(begun.resource_type)
            found = _found(provisioner, begun, stack["StackName"]) if provisioner is not None else None
            known = [each["PhysicalResourceId"] for each in stack["_resources"].values()]
            if found is not None and found[0] not in known:
                name = f"{begun.resource}Replacement" if begun.resource in stack["_resources"] else begun.resource
                stack["_resources"][name] = {
                    "PhysicalResourceId": found[0],
                    "ResourceType": begun.resource_type,
                    "ResourceStatus": "CREATE_FAILED",
                    "LogicalResourceId": begun.resource,
                    "Properties": begun.properties,
                    "Attributes": found[1],
                    "Timestamp": private("ministack.core.responses", "now_iso")(),
                }
                self._note()

    def _durably(self, handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Return what answers a request when that which the answer says is on disk.

        Hooks ``ministack.services.cloudformation.helpers._error``, which words a refusal.
        """
        error = private(f"{_SERVICE}.helpers", "_error")

        async def handle_durably(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
            answer = await handle(method, path, headers, body, query)
            if not _only_reads(headers, body, query):
                self._note()
            try:
                await self._all_saved()
            except NotSavedError as refusal:
                return error("InsufficientStorage", str(refusal), 507)
            return answer

        return handle_durably

    def _note(self) -> None:
        self._happened += 1
        self._note_change()

    async def _all_saved(self) -> None:
        happened = self._happened
        if happened > self._on_disk:
            await self._saved()
            self._on_disk = max(self._on_disk, happened)

    async def _all_saved_at_last(self) -> None:
        while True:
            try:
                return await self._all_saved()
            except NotSavedError:  # the disk is full
                await asyncio.sleep(1)

    def _begin(self, work: Work) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _unless_done(make: Callable[..., Provisioned]) -> Callable[..., Provisioned]:
    """Return what makes a resource unless the operation was done with it before a kill.

    Hooks ``ministack.services.cloudformation.stacks._NAME_SEED``, which a name was made of.
    """
    seed = private(f"{_SERVICE}.stacks", "_NAME_SEED")

    def make_unless_done(resource_type: str, *arguments: Any) -> Provisioned:
        # The logical id comes first for a new resource, and after four others for one that is updated.
        logical_id = arguments[0] if len(arguments) < 4 else arguments[4]
        if (done := _DONE.get().get(logical_id)) is None:
            return make(resource_type, *arguments)
        if name_seed := done.get("_name_seed"):
            seed.set(name_seed)
        return done["PhysicalResourceId"], done["Attributes"]

    return make_unless_done


def _found(provisioner: Provisioner, begun: Begun, stack_name: str) -> Provisioned | None:
    before = ATTEMPT.set(begun.attempt)
    try:
        return provisioner.find(begun.resource, begun.properties, stack_name)
    finally:
        ATTEMPT.reset(before)


def _in_scope_of(stack: Document) -> Callable[..., Any]:
    """Return what calls a function in the account and region of a stack, and as its role."""
    scope = private("ministack.core.responses", "request_scope")
    region, account = stack["StackId"].split(":")[3:5]

    def call(function: Callable[..., Any], *arguments: Any) -> Any:
        with scope(account, region):
            role_arn.set(stack.get("RoleARN"))
            return function(*arguments)

    return lambda *arguments: copy_context().run(call, *arguments)


def _replace(name: str, modules: tuple[str, ...], function: Callable[..., Any]) -> None:
    for module in modules:
        private(f"{_SERVICE}.{module}", name)
        setattr(importlib.import_module(f"{_SERVICE}.{module}"), name, function)


def _only_reads(headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]) -> bool:
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    action = target or next(iter(query.get("Action", ())), "") or _action(body)
    return action.startswith(_READING)


def _action(body: bytes) -> str:
    """Return the operation that a form names."""
    fields = (field.partition(b"=") for field in body.split(b"&"))
    return next((value.decode("ascii", "replace") for name, _, value in fields if name == b"Action"), "")
