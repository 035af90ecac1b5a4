"""Fuzz model files: each loads to the same predictions, or raises ModelFormatError.

    python -m tests.persistence.fuzz_model_files --n-files 20000 --seed 0

Half of the files are altered as a whole, which the checksums detect. In the other half, the
contents are altered and the checksums are corrected, as an attacker could do. Such a file can also
contain another model, whose predictions have the right shape or raise a ValueError. No file may
take more than two seconds of the processor or one gigabyte, or touch a file, a process, the network
or an import.
"""

import argparse
import hashlib
import io
import json
import os
import pickle
import struct
import sys
import tempfile
import threading
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sk_fer import load_model
from sk_fer.persistence import ModelFormatError

GOLDEN = Path(__file__).parent / "golden"
SECONDS = 2.0
GIGABYTE = 1 << 30
ENTRIES = ("model.json", "weights.safetensors", "SHA256SUMS")

# What a decoy could name, and numbers that are hard to count with.
HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1, 7, 2**31, 2**40, 2**63, 10**18, 10**19, 0.5, -0.5, 1e300),
    *(
        "",
        "x" * 5000,
        "/etc/passwd",
        "../../x",
        "os.system",
        "cuda:99",
        "hpu",
        "\x1b[2J",
        "é\u202e",
    ),
    *("StandardScaler", "Pipeline", "LogisticRegression", "FERDenseClassifier", "passthrough"),
    *([], [1], [2**40, 2**40, 1], [[]], {}, {"float": "nan"}, {"float": "inf"}, {"tuple": [1]}),
    *({"tuple": 3}, {"dict": [["flip", 0.5]]}, {"dict": [[[1], 2]]}, {"__reduce__": ["os.system"]}),
    *(
        [1] * 3000,
        ["a", "a"],
        json.loads("[" * 40 + "]" * 40),
    ),
]


class Sample(NamedTuple):
    """A good file, and what its model predicts."""

    content: bytes
    X: np.ndarray
    expected: np.ndarray


@cache
def golden_samples() -> list[Sample]:
    """Return the golden files with what their models predict here."""
    from .make_golden import FEATURES, features_file

    X = np.load(GOLDEN / "images.npy")
    contents = [path.read_bytes() for path in sorted(GOLDEN.glob("*.skfer"))]
    contents.append(features_file(FEATURES))
    samples = []
    for content in contents:
        with tempfile.NamedTemporaryFile(suffix=".skfer") as file:
            file.write(content)
            file.flush()
            samples.append(Sample(content, X, load_model(file.name).predict_proba(X)))
    return samples


def read_entries(content: bytes) -> dict[str, bytes]:
    """Return the entries of a model file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def seal(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Make a model file with checksums that fit."""
    hashed = {name: entries[name] for name in ENTRIES[:2]}
    sums = "".join(f"{hashlib.sha256(c).hexdigest()}  {name}\n" for name, c in hashed.items())
    return zipped([*hashed.items(), (ENTRIES[2], sums.encode())], compression)


def zipped(items: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Make a zip of any entries."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        warnings.simplefilter("ignore")  # of a name twice
        for name, content in items:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return buffer.getvalue()


# -- the file as a whole ---------------------------------------------------------------------


def flip_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    altered = bytearray(content)
    for position in rng.integers(0, len(content), rng.integers(1, 9)):
        altered[position] ^= int(rng.integers(1, 256))
    return bytes(altered)


def flip_frame(content: bytes, rng: np.random.Generator) -> bytes:
    """Flip bytes of the records of the zip, not of the contents."""
    altered = bytearray(content)
    records = [content.find(b"PK\x03\x04"), content.find(b"PK\x01\x02"), len(content) - 22]
    for _ in range(rng.integers(1, 5)):
        position = records[rng.integers(3)] + int(rng.integers(0, 46))
        altered[position % len(altered)] = int(rng.integers(256))
    return bytes(altered)


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = np.sort(rng.integers(0, len(content), 2)).tolist()
    return content[:end] if rng.random() < 0.8 else content[start:]


def insert(content: bytes, rng: np.random.Generator) -> bytes:
    position = int(rng.integers(0, len(content)))
    return content[:position] + rng.bytes(int(rng.integers(1, 500))) + content[position:]


def splice(content: bytes, rng: np.random.Generator) -> bytes:
    """The beginning of one file and the end of another, perhaps of the same."""
    samples = golden_samples()
    other = samples[rng.integers(len(samples))].content
    cut = int(rng.integers(0, min(len(content), len(other))))
    return content[:cut] + other[cut + int(rng.integers(-8, 9)) :]


def lie_about_counts(content: bytes, rng: np.random.Generator) -> bytes:
    """Numbers of entries, sizes and offsets of the zip's end, or of an entry, are extreme."""
    altered = bytearray(content)
    extremes = (0, 1, 2, 4, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
    if rng.random() < 0.5:
        field = int(rng.integers(4, 20))
        start = len(content) - 22 + field
    else:
        start = content.find(b"PK\x01\x02") + int(rng.choice([8, 10, 20, 24, 28, 30, 32, 38, 42]))
    number = struct.pack("<L", int(rng.choice(extremes)))[: int(rng.choice([2, 4]))]
    altered[start : start + len(number)] = number
    return bytes(altered[: len(content)])


def rename_entries(content: bytes, rng: np.random.Generator) -> bytes:
    names = ["../../etc/x", "/etc/passwd", "C:\\x", "model.json", "a/b", "", "..", "model.json\0x"]
    items = list(read_entries(content).items())
    position = int(rng.integers(len(items)))
    items[position] = (str(rng.choice(names)), items[position][1])
    if rng.random() < 0.3:
        items += [items[int(rng.integers(len(items)))]] * int(rng.integers(1, 50))
    rng.shuffle(items)  # type: ignore[arg-type]
    return zipped(items)


def bomb(content: bytes, rng: np.random.Generator) -> bytes:
    """Zeros, a thousand times as many as the file is long, with checksums that fit."""
    entries = read_entries(content)
    entries[str(rng.choice(ENTRIES[:2]))] = bytes(int(rng.integers(1, 9)) << 20)
    return seal(entries, zipfile.ZIP_DEFLATED)


def compress(content: bytes, rng: np.random.Generator) -> bytes:
    return seal(read_entries(content), zipfile.ZIP_DEFLATED)


def pickled(content: bytes, rng: np.random.Generator) -> bytes:
    """A pickle that would show itself to the audit, at the beginning or as an entry."""
    code = pickle.dumps(_Canary(), protocol=int(rng.integers(0, 6)))
    if rng.random() < 0.5:
        return code + content[: int(rng.integers(0, len(content)))]
    return zipped([*list(read_entries(content).items())[:2], ("data.pkl", code)])


class _Canary:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("canary",)


# -- the contents, with checksums that fit ---------------------------------------------------


def edit_description(content: bytes, rng: np.random.Generator) -> bytes:
    entries = read_entries(content)
    model = json.loads(entries["model.json"])
    for _ in range(rng.integers(1, 4)):
        places = list(_places(model))
        holder, key = places[rng.integers(len(places))]
        kind = rng.integers(4)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[str(rng.choice(["callbacks", "root", "memory", "__class__", "x"]))] = holder[key]
        elif kind == 2:
            other_holder, other_key = places[rng.integers(len(places))]
            holder[key] = json.loads(json.dumps(other_holder[other_key]))
        else:
            holder[key] = HOSTILE[rng.integers(len(HOSTILE))]
    entries["model.json"] = json.dumps(model).encode()
    return seal(entries)


def edit_json_text(content: bytes, rng: np.random.Generator) -> bytes:
    entries = read_entries(content)
    text = entries["model.json"]
    parts = [
        b"NaN",
        b"Infinity",
        b"1e999",
        b"9" * 6000,
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"\xff",
    ]
    parts += [b'"format": "x",', b"[[]" + b",[]" * 300_000 + b"]", b"null", b"", b'"\\ud800"']
    position = int(rng.integers(0, len(text)))
    end = position + int(rng.integers(0, 20))
    entries["model.json"] = text[:position] + parts[rng.integers(len(parts))] + text[end:]
    return seal(entries)


def edit_arrays(content: bytes, rng: np.random.Generator) -> bytes:
    """Shapes, types, names and offsets that the weights' header promises."""
    entries = read_entries(content)
    weights = entries["weights.safetensors"]
    length = int.from_bytes(weights[:8], "little")
    header, data = json.loads(weights[8 : 8 + length]), weights[8 + length :]
    names = [name for name in header if name != "__metadata__"]
    name = names[rng.integers(len(names))]
    kind = rng.integers(7)
    if kind == 0:
        header[name]["shape"] = [int(n) for n in rng.choice([0, 1, 2**20, 2**40, 2**63], 2)]
    elif kind == 1:
        header[name]["dtype"] = str(rng.choice(["F64", "I8", "BF16", "BOOL", "F8_E4M3", "X"]))
    elif kind == 2:
        header[name]["data_offsets"] = [int(n) for n in rng.choice([0, 4, 2**30, 10**13], 2)]
    elif kind == 3:
        header[str(rng.choice(["x", "steps.0.mean_", "../x"]))] = header.pop(name)
    elif kind == 4:
        header[name]["shape"] = header[name]["shape"][::-1]
    elif kind == 5:
        more = int(rng.integers(1, 20_000))
        empty = {"dtype": "F32", "shape": [0], "data_offsets": [len(data)] * 2}
        header.update({f"empty{i}": empty for i in range(more)})
    text = json.dumps(header).encode()
    size = int(rng.choice([0, 2**20, 2**40, 2**63])) if kind == 6 else len(text)
    entries["weights.safetensors"] = size.to_bytes(8, "little") + text + data
    return seal(entries)


def flip_contents(content: bytes, rng: np.random.Generator) -> bytes:
    entries = read_entries(content)
    name = str(rng.choice(ENTRIES[:2]))
    entries[name] = flip_bytes(entries[name], rng)
    return seal(entries)


def cut_contents(content: bytes, rng: np.random.Generator) -> bytes:
    entries = read_entries(content)
    name = str(rng.choice(ENTRIES[:2]))
    entries[name] = (truncate if rng.random() < 0.5 else insert)(entries[name], rng)
    return seal(entries)


def swap_weights(content: bytes, rng: np.random.Generator) -> bytes:
    """The description of one model with the weights of another."""
    samples = golden_samples()
    other = read_entries(samples[rng.integers(len(samples))].content)
    entries = read_entries(content)
    entries["weights.safetensors"] = other["weights.safetensors"]
    return seal(entries)


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a JSON value as its holder and key."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        yield node, key
        if isinstance(value, dict | list):
            yield from _places(value)


Alter = Callable[[bytes, np.random.Generator], bytes]
WHOLE: tuple[Alter, ...] = (
    *(flip_bytes, flip_frame, truncate, insert, splice, lie_about_counts, rename_entries),
    *(bomb, compress, pickled),
)
CONTENTS: tuple[Alter, ...] = (
    *(edit_description, edit_description, edit_description, edit_json_text, edit_arrays),
    *(flip_contents, cut_contents, swap_weights),
)

# -- the run ---------------------------------------------------------------------------------


class Audit:
    """Records Python's audit events: files, imports, code, processes, sockets."""

    def __init__(self) -> None:
        self.allowed: str | None = None  # None: not listening
        self.thread = threading.get_ident()
        self.seen: list[str] = []
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.allowed is None or threading.get_ident() != self.thread:
            return
        if event == "open":
            path, _, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if str(path) == self.allowed and not writes:
                return
        elif event.split(".")[0] not in _WATCHED:
            return
        self.seen.append(f"{event} {arguments!r:.200}")


_WATCHED = {
    *("import", "exec", "compile", "os", "shutil", "subprocess", "socket", "pickle", "marshal"),
    *("ctypes", "tempfile", "urllib", "ftplib", "glob", "pty", "signal", "winreg", "mmap"),
}


@contextmanager
def one_gigabyte_more() -> Iterator[None]:
    """Refuse memory beyond a gigabyte over what the process has now (Linux)."""
    import resource  # which Windows has not

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + GIGABYTE, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


class Result(NamedTuple):
    """What became of all files."""

    outcomes: Counter[str]
    reasons: Counter[str]
    failures: list[str]
    slowest: float


def fuzz(n_files: int, seed: int, folder: Path, audit: Audit) -> Result:
    """Alter, load and judge `n_files` files."""
    samples = golden_samples()
    path = folder / "model.skfer"
    for sample in samples:  # what is imported and cached once is not what is looked for
        path.write_bytes(sample.content)
        load_model(path).predict_proba(sample.X)
        path.write_bytes(sample.content[:-100])
        _judge(path, sample, sealed=True)
    result = Result(Counter(), Counter(), [], 0.0)
    slowest = 0.0
    with warnings.catch_warnings(), one_gigabyte_more():
        warnings.simplefilter("ignore")
        for number in range(n_files):
            rng = np.random.default_rng([seed, number])
            alterations = (WHOLE, CONTENTS)[number % 2]
            alter = alterations[rng.integers(len(alterations))]
            sample = samples[rng.integers(len(samples))]
            path.write_bytes(alter(sample.content, rng))
            audit.allowed = str(path)
            start = time.process_time()
            outcome, reason = _judge(path, sample, sealed=number % 2 == 0)
            seconds = time.process_time() - start
            audit.allowed = None
            name = f"file {number} of seed {seed} ({alter.__name__})"
            if outcome == "failure":
                result.failures.append(f"{name}: {reason}")
            result.failures.extend(f"{name}: {event}" for event in audit.seen)
            audit.seen.clear()
            if seconds > SECONDS:
                result.failures.append(f"{name}: {seconds:.1f} s")
            if sorted(os.listdir(folder)) != [path.name]:
                result.failures.append(f"{name}: wrote {os.listdir(folder)}")
            result.outcomes[outcome] += 1
            result.reasons[alter.__name__ + ": " + outcome] += 1
            slowest = max(slowest, seconds)
    return result._replace(slowest=slowest)


def _judge(path: Path, sample: Sample, *, sealed: bool) -> tuple[str, str]:
    """Load a file and say what came of it."""
    try:
        model = load_model(path)
    except ModelFormatError as error:
        message = str(error)
        clear = message.startswith(f"{path}: ") and len(message) < 1000
        return ("refused", "") if clear else ("failure", f"unclear: {message:.300}")
    except BaseException as error:
        return "failure", f"load_model raised {type(error).__name__}: {error}"[:300]
    try:
        found = model.predict_proba(sample.X)
    except ValueError:
        return ("failure", "no predictions") if sealed else ("another model", "")
    except BaseException as error:
        return "failure", f"predict_proba raised {type(error).__name__}: {error}"[:300]
    if any(np.array_equal(found, good.expected) for good in golden_samples()):  # splices of two
        return "the same predictions", ""
    good = not sealed and found.shape == (len(sample.X), len(model.classes_))
    return ("another model", "") if good else ("failure", "other predictions")


def main() -> None:
    """Run from the command line."""
    import resource

    import torch

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n-files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    golden_samples()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = fuzz(options.n_files, options.seed, Path(folder), Audit())
    seconds = time.process_time() - start
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{options.n_files} files, seed {options.seed}, {seconds:.0f} s: {dict(result.outcomes)}")
    print(f"slowest {result.slowest:.2f} s, the process grew by {more:.0f} MiB at most")
    for reason, count in sorted(result.reasons.items()):
        print(f"  {count:6} {reason}")
    print(f"failures: {len(result.failures)}", *result.failures[:40], sep="\n")
    sys.exit(bool(result.failures))


if __name__ == "__main__":
    main()
