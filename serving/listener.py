"""The port: bound before the model is loaded, so that a taken one is reported at once."""

import socket

from serving.errors import StartError


def bind(host: str, port: int) -> socket.socket:
    """Bind the port, without listening yet.

    Raises
    ------
    StartError
        The port is taken, or the host is not one of this machine.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise StartError(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --host or --port."
        ) from error
    return bound
