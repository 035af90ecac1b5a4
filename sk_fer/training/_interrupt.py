"""Detection of Ctrl-C, and an action before SIGTERM ends the process."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def notice_interrupt() -> Iterator[threading.Event]:
    """Detect whether Ctrl-C was pressed, without a change of its effect.

    Both Ctrl-C and callbacks of skorch that end a fit raise a KeyboardInterrupt.

    Yields
    ------
    threading.Event
        Set once SIGINT has come.
    """
    noticed = threading.Event()
    handler = signal.getsignal(signal.SIGINT)
    # Python runs signal handlers only in the main thread.
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
    """Call a function when SIGTERM arrives, and then the previous handler.

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
