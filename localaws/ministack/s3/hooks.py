"""The hooks into S3."""

from functools import partial

from localaws.ministack.hook import Hook
from localaws.ministack.s3.hooks_encryption import use_s3s_own_key_without_another
from localaws.ministack.s3.hooks_events import complete_object_events
from localaws.ministack.s3.hooks_keys import limit_keys
from localaws.ministack.s3.hooks_large import KeysAtWork, change_one_at_a_time, move_large_bodies
from localaws.ministack.s3.hooks_lists import list_by_pages
from localaws.ministack.s3.hooks_objects import write_objects_whole
from localaws.ministack.s3.writes import Writes


def s3_hooks(writes: Writes) -> tuple[Hook, ...]:
    """Return the hooks.

    Parameters
    ----------
    writes : Writes
        What writes objects.
    """
    return (
        Hook("s3", complete_object_events),
        Hook("s3", partial(change_one_at_a_time, KeysAtWork())),
        # What is refused waits for nobody.
        Hook("s3", limit_keys, after=("change_one_at_a_time",)),
        Hook("s3", move_large_bodies),
        Hook("s3", list_by_pages),
        Hook("s3", use_s3s_own_key_without_another),
        Hook("s3", partial(write_objects_whole, writes)),
    )
