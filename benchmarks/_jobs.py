"""Functions in processes of their own that report as they go, and are stopped at a limit."""

import importlib
import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

# Not forked: CUDA does not work in a fork of a process that has used it.
_processes = multiprocessing.get_context("spawn")

Report = Callable[..., None]


@dataclass(eq=False)
class Job:
    """A function that runs in a process of its own.

    Attributes
    ----------
    name : str
        The name of the job in messages.
    function : str
        The function as "module.name". Its first argument is `report`, a function that takes
        keyword arguments and adds them to `row`.
    arguments : tuple
        The other arguments.
    row : dict
        What the function has reported. The key "failed" says why the job has not finished.
    """

    name: str
    function: str
    arguments: tuple = ()
    row: dict[str, Any] = field(default_factory=dict)


def run_here(jobs: list[Job], keep: Callable[[], None]) -> None:
    """Run jobs one after the other in this process, without a limit."""
    for job in jobs:
        for message in _messages_of(job):
            job.row.update(message)
        keep()


def run_jobs(jobs: list[Job], seconds: float, keep: Callable[[], None]) -> None:
    """Run jobs at the same time, each in a process of its own.

    A job that fails, dies or exceeds the limit has the reason in its row, and the others go on.

    Parameters
    ----------
    jobs : list of Job
        The jobs.
    seconds : float
        The time after which jobs that still run are killed.
    keep : callable
        Called after every report, and after the end of a job.
    """
    start = time.monotonic()
    running: dict[Connection, tuple[Job, Any]] = {}
    try:
        for job in jobs:
            channel, theirs = _processes.Pipe(duplex=False)
            process = _processes.Process(target=_work, args=(theirs, job), daemon=True)
            process.start()
            theirs.close()
            running[channel] = job, process
        while running:
            left = seconds - (time.monotonic() - start)
            ready = wait(list(running), max(left, 0)) if left > 0 else []
            if not ready:
                break
            for channel in ready:
                if not _receive(channel, *running[channel]):
                    del running[channel]
                keep()
    finally:
        for job, process in running.values():
            job.row["failed"] = f"stopped after {time.monotonic() - start:.0f} s"
            _kill(process)
        if running:
            keep()
        for _, process in running.values():
            process.join(5)


def _receive(channel: Connection, job: Job, process: Any) -> bool:
    """Add what a job reports to its row, and return whether more can come."""
    try:
        message = channel.recv()
    except (EOFError, OSError):
        process.join(5)
        job.row.setdefault("failed", f"the process ended with exit code {process.exitcode}")
        _kill(process)
        return False
    if message is None:  # finished
        process.join(5)
        _kill(process)
        return False
    job.row.update(message)
    return True


def _kill(process: Any) -> None:
    """End a process and those that it has started."""
    if process.pid is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.is_alive():  # the process was not yet the leader of its group
        process.kill()


def _work(channel: Connection, job: Job) -> None:
    os.setpgrp()  # to be killed together with its own children
    # skorch imports it if it is there, which takes ten seconds and is not needed.
    sys.modules.setdefault("torch_geometric", None)  # type: ignore[arg-type]
    with channel:
        if _call(job, channel.send):
            channel.send(None)


def _messages_of(job: Job) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    _call(job, messages.append)
    return messages


def _call(job: Job, send: Callable[[dict[str, Any]], object]) -> bool:
    """Call the function of a job, and return whether it has finished."""
    try:
        module, _, name = job.function.rpartition(".")
        function = getattr(importlib.import_module(module), name)
        function(lambda **values: send(values), *job.arguments)
    except Exception as error:
        lines = traceback.format_exc().splitlines()
        message = f"{type(error).__name__}: {error}"
        send({"failed": message[:500], "traceback": lines[-12:]})
        return False
    return True
