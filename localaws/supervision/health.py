"""Whether a server answers, whether it is ours, and whether a port is free."""

import http.client
import json
import socket

from localaws.errors import PortInUseError
from localaws.settings import HOST, Ports
from localaws.supervision.record import ServerRecord

_ANSWER_SECONDS = 2.0


def is_healthy(server: ServerRecord) -> bool:
    """Return whether the server answers its health path with 200 within two seconds.

    An answer that names another process's ``pid`` is another program's, on a port that ours lost.
    """
    if server.pid is None:
        return False
    connection = http.client.HTTPConnection(HOST, server.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", server.health_path)
        response = connection.getresponse()
        content = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return response.status == http.client.OK and content.get("pid", server.pid) == server.pid


def check_ports_free(ports: Ports) -> None:
    """Refuse ports on which a server could not listen.

    Raises
    ------
    PortInUseError
        Naming the port, the reason and the options.
    """
    for option, port in ports.options.items():
        with socket.socket() as probe:
            # As the servers do: connections that are just being closed do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError as error:
                raise PortInUseError(
                    f"Port {port} on {HOST} cannot be used: {error.strerror}. Stop the program that listens "
                    f"there, or choose another port with {option} (or LOCALAWS_PORT)."
                ) from error
