"""Fuzz the loaders: each returns valid images for altered files, or raises a ValueError.

    python -m tests.datasets.fuzz_loaders --n-files 5000 --seed 0
    python -m tests.datasets.fuzz_loaders --atheris -runs=5000

The first command alters images and tables with Hypothesis, the second with Atheris, which is guided
by code coverage. No file may take more than two seconds or one gigabyte.
"""

import argparse
import bz2
import gzip
import io
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from PIL import Image

from sk_fer.datasets import load_ckplus, load_fer2013, load_ferplus, load_image_folder
from sk_fer.preprocessing import ImageReader, PixelParser

from .archives import tarred, zipped

SECONDS = 2.0
N_PIXELS = 48 * 48
VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"

# -- good files to begin with ----------------------------------------------------------------


@cache
def images() -> list[tuple[str, bytes]]:
    """Return images of many formats and modes, with their names."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 16, 4), dtype=np.uint8)
    picture = Image.fromarray(noise)
    forms = {
        "png": ("L", "LA", "RGB", "RGBA", "P", "1", "I;16"),
        "jpg": ("L", "RGB", "CMYK"),
        "bmp": ("1", "L", "P", "RGB"),
        "webp": ("RGB", "RGBA"),
        "gif": ("P",),
        "tiff": ("L", "RGB", "CMYK", "I;16", "F"),
        "ppm": ("L", "RGB"),
    }
    made = []
    for suffix, modes in forms.items():
        for mode in modes:
            converted = (
                picture.convert("L").convert("I").convert("I;16")
                if mode == "I;16"
                else picture.convert(mode)
            )
            buffer = io.BytesIO()
            more = {"save_all": True, "append_images": [converted]} if suffix == "gif" else {}
            exif = {"exif": _turned()} if suffix in ("jpg", "webp", "png") else {}
            converted.save(buffer, "JPEG" if suffix == "jpg" else suffix.upper(), **more, **exif)
            name = suffix if suffix in ("png", "jpg", "bmp", "webp") else "png"
            made.append((f"a.{name}", buffer.getvalue()))
    return made


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


@cache
def tables() -> list[tuple[str, bytes]]:
    """Return tables of each kind, plain and packed, with their names."""
    pixels = " ".join(map(str, np.random.default_rng(0).integers(0, 256, N_PIXELS)))
    rows = [f"{code},{pixels},{usage}" for code, usage in ((3, "Training"), (6, "PublicTest"))]
    full = "\n".join(["emotion,pixels,Usage", *rows]).encode()
    train = f"emotion,pixels\n0,{pixels}\n".encode()
    test = f"pixels\n{pixels}\n".encode()
    votes = f"{VOTES}\nTraining,f.png,{'1,' * 9}1\nPublicTest,,0,10{',0' * 8}\n".encode()
    made = [("fer2013.csv", c) for c in (full, train, test)] + [("fer2013new.csv", votes)]
    made += [("a.csv.gz", gzip.compress(c)) for c in (full, votes)]
    made += [
        ("a.zip", zipped({"fer2013.csv": full})),
        ("a.tar.gz", tarred({"fer2013.csv": full})),
        ("a.csv", bz2.compress(full)),
    ]
    return made


# -- alterations -----------------------------------------------------------------------------

PIECES = st.one_of(
    st.binary(max_size=64),
    st.sampled_from(
        [
            *(
                b"\n",
                b",",
                b" ",
                b'"',
                b"\r\n",
                b"\0",
                b"-1",
                b"256",
                b"1e9",
                b"nan",
                b"\xef\xbb\xbf",
            ),
            *(b"9" * 5000, b"0 " * 5000, b"\n" * 5000, b"," * 5000, b"\xff" * 64, bytes(64)),
            *(b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff", b"Training", b"emotion"),
        ]
    ),
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), PIECES), max_size=6)


def altered(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """Overwrite, insert, cut out and cut off."""
    for place, kind, piece in edits:
        at = int(place * len(content))
        if kind == 0:
            content = content[:at] + piece + content[at + len(piece) :]
        elif kind == 1:
            content = content[:at] + piece + content[at:]
        elif kind == 2:
            content = content[:at] + content[at + len(piece) :]
        else:
            content = content[: max(at, len(content) - 300)]
    return content


def altered_file(samples: list[tuple[str, bytes]]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Return files made from good ones; packed ones are altered inside as well."""

    def make(sample: tuple[str, bytes], edits: Any, inside: bool) -> tuple[str, bytes]:
        name, content = sample
        if inside and name.endswith(".csv.gz"):
            return name, gzip.compress(altered(gzip.decompress(content), edits))
        return name, altered(content, edits)

    return st.builds(make, st.sampled_from(samples), EDITS, st.booleans())


# -- what is done with each ------------------------------------------------------------------


class Judge:
    """Loads files in every way, keeps count and says where a loader did not do as it should."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: Counter[str] = Counter()
        self.slowest = 0.0
        self.largest = 0
        (folder / "happy").mkdir(exist_ok=True)

    def image(self, name: str, content: bytes) -> None:
        """Read one image, alone and in a class folder."""
        for old in (self.folder / "happy").iterdir():
            old.unlink()
        path = self.folder / "happy" / name
        path.write_bytes(content)
        for on_error in ("raise", "skip"):
            for color in (False, True):
                self._load(
                    lambda e=on_error, c=color: (
                        load_image_folder(  # type: ignore[misc]
                            self.folder, image_size=(16, 16), color=c, on_error=e
                        ).images
                    )
                )
        self._load(lambda: ImageReader((16, 16)).fit_transform([path]))

    def table(self, name: str, content: bytes) -> None:
        """Read one table in every way that there is."""
        path = self.folder / name
        path.write_bytes(content)
        good = self.folder / "good.csv"
        good.write_bytes(tables()[0][1])
        try:
            for on_error in ("raise", "skip"):
                options = {"on_error": on_error}
                self._load(
                    lambda o=options: load_fer2013(path, subset="all", cache=False, **o).images  # type: ignore[misc]
                )
                self._load(lambda o=options: load_ckplus(path, **o).images)  # type: ignore[misc]
            self._load(
                lambda: load_ferplus(good, path, subset="all", target="votes", cache=False).images
            )
            lines = content.decode("latin-1").split("\n")[:3]
            self._load(lambda: PixelParser().fit_transform(lines))
        finally:
            path.unlink()

    def _load(self, load: Callable[[], np.ndarray]) -> None:
        start = time.process_time()
        try:
            images = load()
        except ValueError as refusal:
            message = f"{type(refusal).__name__}: {refusal}"
            self.outcomes["refused"] += 1
        else:
            message = "ValueError: "
            self.outcomes["loaded"] += 1
            assert images.dtype == np.uint8
            assert len(images) > 0
        assert message.startswith("ValueError: "), message
        assert len(message) < 1500, f"a message of {len(message)} characters: {message:.200}"
        seconds = time.process_time() - start
        self.slowest = max(self.slowest, seconds)
        self.largest = max(self.largest, tracemalloc.get_traced_memory()[1])
        assert seconds < SECONDS, f"{seconds:.1f} s"
        assert self.largest < 1 << 30, f"{self.largest >> 20} MiB"


def fuzz(n_files: int, seed: int, folder: Path, kind: str) -> Judge:
    """Alter and load `n_files` images or tables; the first that fails is shown at its smallest."""
    judge = Judge(folder)
    samples, load = {"image": (images, judge.image), "table": (tables, judge.table)}[kind]

    @seeded(seed)
    @settings(
        max_examples=n_files,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(altered_file(samples()))
    def run(file: tuple[str, bytes]) -> None:
        load(*file)

    run()
    return judge


def run_atheris(folder: Path) -> None:
    """Let Atheris choose the bytes; its options are those of libFuzzer."""
    import atheris

    judge = Judge(folder)
    for module in ("_utils._image_file", "_utils._pixels", "datasets._csv_file"):
        for value in vars(sys.modules[f"sk_fer.{module}"]).values():
            if callable(value) and getattr(value, "__module__", "") == f"sk_fer.{module}":
                atheris.instrument_func(value) if hasattr(value, "__code__") else None
    files = [*((judge.image, *file) for file in images()), *((judge.table, *f) for f in tables())]

    def one_input(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        load, name, content = provider.PickValueInList(files)
        place = provider.ConsumeIntInRange(0, len(content))
        piece = provider.ConsumeBytes(provider.remaining_bytes())
        load(name, content[:place] + piece + content[place + len(piece) :])

    atheris.Setup([arg for arg in sys.argv if arg != "--atheris"], one_input)
    atheris.Fuzz()


def main() -> None:
    """Run from the command line."""
    with tempfile.TemporaryDirectory() as name:
        if "--atheris" in sys.argv:
            run_atheris(Path(name))
            return
        parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
        parser.add_argument("--n-files", type=int, default=5000)
        parser.add_argument("--seed", type=int, default=0)
        options = parser.parse_args()
        for kind in ("image", "table"):
            folder = Path(name, kind)
            folder.mkdir()
            tracemalloc.start()
            start = time.process_time()
            judge = fuzz(options.n_files, options.seed, folder, kind)
            seconds = time.process_time() - start
            tracemalloc.stop()
            print(
                f"{options.n_files} {kind}s in {seconds:.0f} s: {dict(judge.outcomes)}, slowest "
                f"{judge.slowest:.2f} s, largest {judge.largest >> 20} MiB of Python's memory"
            )


if __name__ == "__main__":
    main()
