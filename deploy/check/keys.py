"""KMS keys: enabled, and rotated every year."""

from deploy.check.check import Check
from deploy.check.finding import Verdict, failed, ok
from deploy.check.system import Resource, System


def enabled(system: System, resource: Resource) -> Verdict:
    """Without its key nothing that the project has kept can be read."""
    key = system.client("kms").describe_key(KeyId=resource.physical_id)["KeyMetadata"]
    if key["KeyState"] == "Enabled":
        return ok("enabled")
    if key["KeyState"] == "PendingDeletion":
        action = f"`aws kms cancel-key-deletion --key-id {resource.physical_id}`, then `aws kms enable-key`"
    else:
        action = f"`aws kms enable-key --key-id {resource.physical_id}`"
    return failed(f"{key['KeyState']}: what it encrypted cannot be read", action)


def rotated(system: System, resource: Resource) -> Verdict:
    """The key's material is rotated automatically."""
    if system.client("kms").get_key_rotation_status(KeyId=resource.physical_id)["KeyRotationEnabled"]:
        return ok("rotated automatically")
    return failed("not rotated", f"`aws kms enable-key-rotation --key-id {resource.physical_id}`")


CHECKS = (Check("Enabled", enabled), Check("Rotation", rotated))
