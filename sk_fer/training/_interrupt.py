"""Ctrl-C told apart from a callback's wish to stop, and a last act before SIGTERM's."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def notice_interrupt() -> Iterator[threading.Event]:
    """Notice whether Ctrl-C was pressed; what else it does stays the same.

    skorch's callbacks raise a KeyboardInterrupt to end a fit, and so does Ctrl-C.

    Yields
    ------
    threading.Event
        Set once SIGINT has come.
    """
    noticed = threading.Event()
    handler = signal.getsignal(signal.SIGINT)
    # Python runs signal handlers in the main thread alone.
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield noticed
        return

    def notice(signum: int, frame: Any) -> None:
        noticed.set()
        handler(signum, frame)

    signal.signal(signal.SIGINT, notice)
    try:
        yield noticed
    finally:
        signal.signal(signal.SIGINT, handler)


@contextmanager
def before_termination(act: Callable[[], None]) -> Iterator[None]:
    """Do something when SIGTERM comes, and then what SIGTERM did before.

    Parameters
    ----------
    act : callable
        What to do; it may come between any two steps of the program.
    """
    previous = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or (
        previous is None or previous is signal.SIG_IGN
    ):
        yield
        return

    def terminate(signum: int, frame: Any) -> None:
        try:
            act()
        finally:
            if callable(previous):
                previous(signum, frame)
            else:
                signal.signal(signum, previous)
                signal.raise_signal(signum)

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
