"""Kill fits at random moments, resume them, and compare them with uninterrupted fits.

Run it as ``python tests/estimators/kill_fits.py KIND N_KILLS SEED``. Each kill is a SIGKILL to a
child process, at a random time or at a chosen point of writing a checkpoint. When a fit is
complete, its weights are compared and the next one starts, until N_KILLS were killed. The script
prints one line of JSON.
"""

import functools
import hashlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch._dynamo  # and sk_fer.training: here once, not in every child

import sk_fer.training  # noqa: F401
from sk_fer import FERCNNClassifier, FERDenseClassifier
from sk_fer.datasets import make_faces

KINDS = {
    "dense": lambda **p: FERDenseClassifier(
        (64,), dropout=0.3, max_epochs=12, lr_schedule="plateau", **p
    ),
    "fast": lambda **p: FERCNNClassifier("fast", max_epochs=4, optimizer="muon", **p),
    "sequential": lambda **p: FERCNNClassifier(
        "sequential",
        max_epochs=8,
        optimizer="adam",
        lr=3e-3,
        validation_fraction=0.3,
        early_stopping=True,
        n_iter_no_change=2,
        tol=0.05,
        **p,
    ),
    "vgg": lambda **p: FERCNNClassifier("vgg", max_epochs=3, lr=0.01, **p),
}

# Where a child may kill itself, besides by the clock: half-way through the bytes, before and
# after they are safe, and before and after the file has its name.
WRITING = ("half", "fsync", "named", "replace", "pruned")


@functools.cache
def small_faces():
    X, y = make_faces(60, random_state=0)
    return X.reshape(-1, 48, 48)[:, ::3, ::3], y


def fit(kind, folder):
    """Train in `folder` and return a checksum of the weights."""
    model = KINDS[kind](batch_size=20, random_state=0, device="cpu", checkpoint=folder)
    model.fit(*small_faces())
    total = hashlib.sha256()
    for name, tensor in model.net_.module_.state_dict().items():
        total.update(name.encode())
        total.update(tensor.contiguous().numpy().tobytes())
    return total.hexdigest()


def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def set_trap(point):
    """Let this process die at a point of writing its next checkpoint."""
    fsync, replace = os.fsync, os.replace
    if point == "half":

        def half(descriptor):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            fsync(descriptor)
            die()

        os.fsync = half
    elif point == "fsync":
        os.fsync = die
    elif point == "named":
        os.replace = die
    else:

        def late(*args):
            replace(*args)
            if point == "replace":
                die()
            Path.unlink = die  # the next thing that is removed

        os.replace = late


def run_child(kind, folder, kill_after=None, point=None):
    """Train in a child; return its checksum, or None if it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if point:
            set_trap(point)
        os.write(writing, fit(kind, folder).encode())
        os._exit(0)
    os.close(writing)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return text or None


def main(kind, n_kills, seed):
    torch.set_num_threads(1)
    rng = random.Random(seed)
    points = itertools.cycle([None, WRITING[0], None, *WRITING[1:]])
    small_faces()  # once, for all children
    with tempfile.TemporaryDirectory() as parent:
        start = time.perf_counter()
        expected = run_child(kind, f"{parent}/peace")
        seconds = time.perf_counter() - start
        counts = {"clock": 0, **dict.fromkeys(WRITING, 0)}
        finished = different = 0
        for run in itertools.count():
            while (n_left := n_kills - sum(counts.values())) > 0:
                point = next(points)
                kill_after = None if point else rng.uniform(0, 0.6 * seconds)
                result = run_child(kind, f"{parent}/{run}", kill_after, point)
                if result is not None:
                    break
                counts[point or "clock"] += 1
            if n_left == 0:
                result = run_child(kind, f"{parent}/{run}")
            finished += 1
            different += result != expected
            if n_left == 0:
                break
    print(json.dumps({"kind": kind, "killed": counts, "ended": finished, "different": different}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
