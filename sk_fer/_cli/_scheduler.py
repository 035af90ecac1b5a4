"""The option ``--scheduler``: fits on the workers of a Dask cluster."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import joblib
import typer

from sk_fer._cli._console import say
from sk_fer._utils._counted import counted

SECONDS = 10  # to connect


def check_scheduler(address: str | None) -> str | None:
    """Raise an error unless a scheduler listens at an address such as tcp://host:8786.

    Parameters
    ----------
    address : str or None
        The value of the option, which is returned.

    Raises
    ------
    typer.BadParameter
        If it is not the address of a scheduler.
    ImportError
        If distributed is not installed.
    ConnectionError
        If nothing listens there.
    """
    if address is None:
        return None
    try:
        place = urlsplit(address)
        port = place.port
    except ValueError:  # a port that is no number
        port = None
    if port is None or not place.hostname or place.scheme not in ("tcp", "tls"):
        raise typer.BadParameter(
            f"got {address!r}, expected an address such as tcp://192.168.0.2:8786, which the "
            "command dask scheduler prints",
            param_hint="--scheduler",
        )
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise ImportError(
            '--scheduler requires distributed: run pip install ".[dask]" in the clone of sk_fer'
        ) from error
    try:
        socket.create_connection((place.hostname, port), timeout=SECONDS).close()
    except OSError as error:
        raise ConnectionError(
            f"no scheduler at {address} ({error}); start one with the command dask scheduler, or "
            "leave --scheduler out"
        ) from error
    return address


@contextmanager
def fits_on(address: str | None) -> Iterator[None]:
    """Run the fits of a search on the workers of a scheduler inside a ``with`` block.

    Parameters
    ----------
    address : str or None
        The address, from :func:`check_scheduler`. If None, the fits run on this machine.

    Raises
    ------
    ConnectionError
        If the scheduler does not answer, or if it has no workers.
    """
    if address is None:
        yield
        return
    from distributed import Client

    with Client(address, timeout=SECONDS) as client:
        n_workers = len(client.scheduler_info(n_workers=-1)["workers"])
        if not n_workers:
            raise ConnectionError(
                f"the scheduler at {address} has no workers; start them with dask worker {address}"
            )
        say(f"Fits run on {counted(n_workers, 'worker')} at {address}")
        with joblib.parallel_config(backend="dask"):
            yield
