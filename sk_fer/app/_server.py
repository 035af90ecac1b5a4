"""Serves the page until it is interrupted."""

from __future__ import annotations

import errno
import ipaddress
import logging
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sk_fer.app._page import make_app

PORT = 7860


def serve(
    models: Mapping[str, Any],
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    on_start: Callable[[str], None] | None = None,
) -> None:
    """Serve a web page that predicts the expressions in photographs, until Ctrl-C.

    The page accepts uploads and pictures of a webcam. Photographs are kept in memory while the page
    is open, and no file is left when the server ends. Neither the server nor the page sends
    requests to other machines. ``GET /health`` answers with status 200 when the server is ready.

    Parameters
    ----------
    models : mapping of str to classifier
        The fitted classifiers, as for :func:`sk_fer.predict_faces`, by the name that the page
        shows.
    host : str, default="127.0.0.1"
        The address or name to listen on. The default is reachable from this machine only.
    port : int, default=7860
        The port, from 0 to 65535. With 0, the operating system chooses a free port.
    on_start : callable, default=None
        A function that is called with the URL of the page before requests are answered.

    Raises
    ------
    ImportError
        If Gradio is not installed: ``pip install ".[app]"``.
    OSError
        If the port is in use, or if the machine has no such address.
    ValueError
        If there is no model, or if one does not take gray or RGB images.

    Warns
    -----
    UserWarning
        If `host` is not a loopback address: other machines can then use the page.

    See Also
    --------
    sk_fer.predict_faces : The same predictions as a table.

    Examples
    --------
    >>> from sk_fer import load_pretrained
    >>> from sk_fer.app import serve
    >>> serve({"FER2013": load_pretrained()}, on_start=print)  # doctest: +SKIP
    http://127.0.0.1:7860
    """
    if not models:
        raise ValueError("got no models, expected at least one")
    with listen(host, port) as listener, TemporaryDirectory(prefix="sk-fer-") as folder:
        if not is_loopback(host):
            warnings.warn(
                f"the page listens on {host}, so that other machines can use it; it has no "
                "password and no encryption",
                stacklevel=2,
            )
        app = make_app(models, Path(folder).resolve())
        import uvicorn

        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        if on_start is not None:
            shown = f"[{host}]" if ":" in host else host
            on_start(f"http://{shown}:{listener.getsockname()[1]}")
        server = uvicorn.Server(config)
        with _ended_by_sigterm(), _quiet_end(server), suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C. Otherwise the temporary folder would stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _quiet_end(server: Any) -> Iterator[None]:
    """Log no errors for the pages that are still open when the server ends."""
    logger = logging.getLogger("uvicorn.error")

    def is_running(_: logging.LogRecord) -> bool:
        return not server.should_exit

    logger.addFilter(is_running)
    try:
        yield
    finally:
        logger.removeFilter(is_running)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or raise an error that says why it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except socket.gaierror as error:
        raise OSError(f"{host}: this name is not known; expected an address of this machine") from (
            error
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise OSError(
                f"port {port} of {host} is in use; choose another port, or 0 for any free one"
            ) from error
        raise OSError(f"cannot listen on port {port} of {host}: {error.strerror}") from error


def is_loopback(host: str) -> bool:
    """Return whether an address is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
