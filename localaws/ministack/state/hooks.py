"""The hooks into how MiniStack keeps its state."""

from localaws.ministack.hook import Hook
from localaws.ministack.state.hooks_state import ServiceStates


def state_hooks(states: ServiceStates) -> tuple[Hook, ...]:
    """Return the hooks."""
    return (Hook("state", states.install),)
