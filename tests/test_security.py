"""The security page names tests that are there; local AWS listens on this machine alone, and says no secret."""

import re
import uuid
from pathlib import Path

from tests.conftest import LocalAws

ROOT = Path(__file__).parent.parent
LISTENING, LOOPBACK = "0A", "0100007F"


def test_each_test_of_the_security_page_is_there() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) >= 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_port_is_this_machines_alone(local_aws: LocalAws) -> None:
    """Each server's sockets that listen, by the inodes in its folder of /proc."""
    sockets = set()
    for pid in local_aws.pids().values():
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(str(descriptor.readlink()))
            except FileNotFoundError:  # closed since
                continue
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    own = [row[1].partition(":") for row in rows if row[3] == LISTENING and f"socket:[{row[9]}]" in sockets]
    assert f"{local_aws.port:04X}" in {port for _, _, port in own}
    assert {address for address, _, _ in own} == {LOOPBACK}


def test_no_secret_is_in_a_log_or_among_a_process_arguments(local_aws: LocalAws) -> None:
    name, password = f"security-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    local_aws.client("secretsmanager").create_secret(Name=name, SecretString=password)
    local_aws.client("ssm").put_parameter(Name=f"/{name}", Value=password, Type="SecureString")
    iam, gateway = local_aws.client("iam"), local_aws.client("apigateway")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["SecretAccessKey"]
    api_key = gateway.create_api_key(name=name, enabled=True)["value"]
    places = [*(local_aws.state_dir / "logs").iterdir()]
    places += [Path(f"/proc/{pid}/cmdline") for pid in local_aws.pids().values()]
    said = {place: place.read_bytes() for place in places}
    assert len(said) > 4
    secrets = [each.encode() for each in (password, key, api_key)]
    assert [place for place, text in said.items() if any(secret in text for secret in secrets)] == []
