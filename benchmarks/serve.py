"""Latency of the page of ``sk-fer serve`` on this machine: p50 and p95 of a bounded load.

Some users send photographs at once to a server in a process of its own, through Gradio's client. A
latency is the time from sending the file to the answer, which contains the annotated photograph,
the probabilities and the saliency. The server analyzes one photograph at a time.

    python benchmarks/serve.py

It requires the extra app. The results are in docs/serve.md.
"""

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import numpy as np
import torch
from _harness import command_line, write_result
from PIL import Image
from skimage.data import astronaut

from sk_fer import load_pretrained
from sk_fer.app import serve

NAME = "model"


def run_server(port: int) -> None:
    torch.set_num_threads(1)
    serve({NAME: load_pretrained()}, port=port)


def load(port: int, path: Path, n_users: int, n_each: int) -> dict[str, Any]:
    """Return the latencies in seconds of several users who send photographs one after another."""
    from gradio_client import Client, handle_file

    def use(_: int) -> list[float]:
        client = Client(f"http://127.0.0.1:{port}", verbose=False, analytics_enabled=False)
        seconds = []
        for _ in range(n_each):
            start = time.perf_counter()
            answer = client.predict(handle_file(path), NAME, api_name="/receive")
            seconds.append(time.perf_counter() - start)
            if "Face 1: " not in str(answer):
                raise RuntimeError(f"the page found no face: {answer!s:.200}")
        return seconds

    start = time.perf_counter()
    with ThreadPoolExecutor(n_users) as users:
        seconds = [second for own in users.map(use, range(n_users)) for second in own]
    elapsed = time.perf_counter() - start
    p50, p95 = np.percentile(seconds, [50, 95])
    print(f"{n_users} users, {len(seconds)} photographs: p50 {p50:.3f} s, p95 {p95:.3f} s")
    return {
        "users": n_users,
        "photographs": len(seconds),
        "p50_s": round(p50, 3),
        "p95_s": round(p95, 3),
        "max_s": round(max(seconds), 3),
        "photographs_per_s": round(len(seconds) / elapsed, 2),
    }


def main() -> None:
    parser = command_line(__doc__, repeats=None)
    parser.add_argument("--users", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--photographs", type=int, default=40, help="of all users (%(default)s)")
    args = parser.parse_args()
    n_photographs = 2 if args.quick else args.photographs
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = get_context("spawn").Process(target=run_server, args=(port,))
    server.start()
    try:
        wait_for(port, server)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "photo.jpg"
            Image.fromarray(astronaut()).save(path, quality=90)
            load(port, path, 1, 1)  # the first one loads code
            rows = [load(port, path, n, max(1, n_photographs // n)) for n in args.users]
    finally:
        server.terminate()
        server.join()
    about = {"photograph": "astronaut, 512 x 512 pixels", "server_threads": 1}
    busy = {"load_average": [round(value, 1) for value in os.getloadavg()]}
    write_result("serve", {**about, **busy, "loads": rows}, args)


def wait_for(port: int, server: Any, seconds: float = 120) -> None:
    """Wait until the server answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/health", timeout=seconds).close()
            return
        except OSError:
            if not server.is_alive() or time.monotonic() > end:
                raise RuntimeError("the server did not start; its error is above") from None
            time.sleep(0.2)


if __name__ == "__main__":
    main()
