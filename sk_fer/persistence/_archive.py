"""The container of a model file: a zip of three stored entries with their checksums.

Nothing in it is compressed, so that no entry can be larger than the file is; nothing is ever
extracted to a disk; and there is no place for anything that is not expected.
"""

import errno
import stat
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from sk_fer._utils._digest import digest
from sk_fer._utils._write_aside import write_aside
from sk_fer.persistence._errors import ModelFormatError, require, shown

DESCRIPTION = "model.json"
WEIGHTS = "weights.safetensors"
CHECKSUMS = "SHA256SUMS"
ENTRIES = [DESCRIPTION, WEIGHTS, CHECKSUMS]

MAX_FILE_BYTES = 192 << 20
MAX_DESCRIPTION_BYTES = 16 << 20
MAX_DIRECTORY_BYTES = 4096

_END = struct.Struct("<4s4H2LH")  # the end of a zip's directory, without a comment
_ZIP64_LOCATOR_BYTES = 20
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a zip's dates: the same model gives the same file
_PICKLE = (
    "a pickle, as joblib and pickle write it. Loading a pickle can run code, so it was not loaded: "
    "use joblib.load if you made the file yourself"
)
_ZLIB = "a zlib file, perhaps a compressed joblib file"
_BEGINNINGS = {
    b"\x80\x02": _PICKLE,
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
    b"\x1f\x8b": "a gzip file, perhaps a compressed joblib file",
    **dict.fromkeys((b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"), _ZLIB),
    b"BZh": "a bzip2 file, perhaps a compressed joblib file",
    b"\xfd7zXZ": "an xz file, perhaps a compressed joblib file",
    b"\x89HDF": "an HDF5 file",
}


def write_archive(path: Path, description: bytes, weights: bytes) -> None:
    """Write a model file, there whole or not at all.

    Parameters
    ----------
    path : Path
        File to write, or to replace.
    description : bytes
        The entry ``model.json``.
    weights : bytes
        The entry ``weights.safetensors``.
    """
    require(
        len(description) <= MAX_DESCRIPTION_BYTES,
        f"the model's description has {len(description)} bytes; a model file holds at most "
        f"{MAX_DESCRIPTION_BYTES}",
    )
    contents = {DESCRIPTION: description, WEIGHTS: weights}
    contents[CHECKSUMS] = _checksums(contents)
    size = sum(map(len, contents.values())) + MAX_DIRECTORY_BYTES
    require(size <= MAX_FILE_BYTES, f"the model takes {size} bytes; expected {MAX_FILE_BYTES}")
    if path.is_dir() or not path.parent.is_dir():
        raise OSError(f"{path}: expected the name of a file in a folder that exists")
    with (
        write_aside(path) as aside,
        zipfile.ZipFile(aside, "x", zipfile.ZIP_STORED) as archive,
    ):
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _EARLIEST), content)


def read_archive(path: Path) -> tuple[bytes, bytes]:
    """Read the description and the weights of a model file.

    Parameters
    ----------
    path : Path
        An existing file.

    Returns
    -------
    description, weights : bytes
        As their checksums say.

    Raises
    ------
    ModelFormatError
        If the file is anything else. Nothing is read of a file that is too large.
    OSError
        If the file is missing or may not be read.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{path}: is a folder; expected a model file")
    require(stat.S_ISREG(status.st_mode), "is no regular file")  # a pipe would keep us waiting
    require(
        status.st_size <= MAX_FILE_BYTES,
        f"has {status.st_size} bytes; at most {MAX_FILE_BYTES} are read",
    )
    with path.open("rb") as file:
        _check_form(file, status.st_size)
        entries = _read_entries(file, status.st_size)
    expected = _checksums({name: entries[name] for name in (DESCRIPTION, WEIGHTS)})
    require(
        entries[CHECKSUMS] == expected,
        f"{CHECKSUMS} does not fit the other entries: the file was damaged or altered",
    )
    return entries[DESCRIPTION], entries[WEIGHTS]


def _checksums(contents: dict[str, bytes]) -> bytes:
    """Return the lines that ``sha256sum --check`` reads."""
    lines = [f"{digest(content)}  {name}" for name, content in contents.items()]
    return "".join(f"{line}\n" for line in lines).encode()


def _check_form(file: BinaryIO, size: int) -> None:
    """Check both ends of the zip, so that what follows reads a small directory."""
    require(size, "is empty; expected a model file")
    begin = file.read(8)
    if not begin.startswith(b"PK\x03\x04"):
        kinds = [kind for first, kind in _BEGINNINGS.items() if begin.startswith(first)]
        found = kinds[0] if kinds else f"it begins with {begin!r}"
        raise ModelFormatError(f"not a file of save_model: {found}")
    require(size > _END.size, f"has {size} bytes; the file is truncated")
    file.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
    tail = file.read(_ZIP64_LOCATOR_BYTES + _END.size)
    # It would point zipfile to another directory, of any size.
    expected = ", ".join(ENTRIES)
    require(b"PK\x06\x07" not in tail, f"a zip of 64-bit entries; expected {expected}")
    file.seek(size - _END.size)
    end = file.read(_END.size)
    require(len(end) == _END.size, "became shorter while it was read")
    mark, disk, first_disk, here, n_entries, n_bytes, start, comment = _END.unpack(end)
    require(mark == b"PK\x05\x06" and not comment, "a zip without its end; the file is truncated")
    require(
        n_entries == here == len(ENTRIES) and disk == first_disk == 0,
        f"a zip of {n_entries} entries; expected {', '.join(ENTRIES)}",
    )
    require(
        n_bytes <= MAX_DIRECTORY_BYTES and start + n_bytes + _END.size == size,
        f"a zip with a directory of {n_bytes} bytes at {start} in {size} bytes",
    )


def _read_entries(file: BinaryIO, size: int) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
            _check_entries(found, size)
            return {entry.filename: archive.read(entry) for entry in found}
    except ModelFormatError:
        raise
    except Exception as error:  # on damaged archives zipfile raises nearly anything
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk's, not the data's
        raise ModelFormatError(
            f"a damaged zip, {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error


def _check_entries(found: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.orig_filename for entry in found]
    require(names == ENTRIES, f"a zip of {shown(names)}; expected {', '.join(ENTRIES)}")
    for entry in found:
        require(
            entry.compress_type == zipfile.ZIP_STORED
            and not entry.flag_bits
            and entry.compress_size == entry.file_size <= size,
            f"its entry {entry.filename} is compressed, encrypted or of a false size; expected it "
            "stored as it is",
        )
        require(
            not stat.S_ISLNK(entry.external_attr >> 16), f"its entry {entry.filename} is a link"
        )
    require(
        found[0].file_size <= MAX_DESCRIPTION_BYTES,
        f"{DESCRIPTION} has {found[0].file_size} bytes; at most {MAX_DESCRIPTION_BYTES} are read",
    )
