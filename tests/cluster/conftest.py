"""A scheduler and workers of Dask in processes of their own, over TCP on this machine."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

SECONDS = 120
"""How long the processes may take to start."""
WARM_UP = Path(__file__).with_name("warm_up.py")


class Cluster:
    """The processes of a scheduler and of its workers, with their outputs in a folder."""

    def __init__(self, folder, n_workers):
        self.folder = folder
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")
        self.address = self._address()
        self.workers = [self._start_worker(i) for i in range(n_workers)]

    def _start(self, role, *options):
        command = [sys.executable, "-m", f"distributed.cli.dask_{role}", "--host", "127.0.0.1"]
        log = self.folder / f"{role}-{time.monotonic_ns()}.log"
        # If there is no heartbeat of a worker for so long, the others repeat its fits.
        settings = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10s", "OMP_NUM_THREADS": "1"}
        with log.open("w") as file:
            return subprocess.Popen(
                [*command, "--scheduler-file", str(self.file), *options],
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stderr=file,
            )

    def _start_worker(self, i):
        options = ["--no-nanny", "--nthreads", "1", "--no-dashboard", "--name", str(i)]
        folder = ["--local-directory", str(self.folder), "--death-timeout", str(SECONDS)]
        return self._start("worker", *options, *folder, "--preload", str(WARM_UP))

    def _address(self):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.scheduler.poll() is None:
            if self.file.exists() and (text := self.file.read_text()):
                return json.loads(text)["address"]
            time.sleep(0.02)
        raise RuntimeError(f"the scheduler did not start; see {self.folder}")

    def kill(self):
        """End all processes, including those that are paused."""
        for process in (*self.workers, self.scheduler):
            process.kill()
        for process in (*self.workers, self.scheduler):
            process.wait(SECONDS)


@pytest.fixture
def start_cluster(tmp_path_factory):
    """A context manager that starts a cluster of some workers, and yields it with a client."""
    from distributed import Client

    @contextmanager
    def start(n_workers):
        cluster = Cluster(tmp_path_factory.mktemp("cluster"), n_workers)
        try:
            with Client(cluster.address, timeout=SECONDS) as client:
                client.wait_for_workers(n_workers, timeout=SECONDS)
                yield cluster, client
        finally:
            cluster.kill()

    return start
