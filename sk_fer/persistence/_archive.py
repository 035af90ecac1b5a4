"""The container of a model file: a zip of three uncompressed entries with their checksums.

Because nothing is compressed, no entry can be larger than the file. Entries are never extracted to
disk, and a file with other entries is refused.
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
_EARLIEST = (
    1980,
    1,
    1,
    0,
    0,
    0,
)  # the first date of zip files, so that equal models give equal files
_PICKLE = (
    "a pickle, as joblib and pickle write it. Loading a pickle can run code, so it was not loaded; "
    "use joblib.load if you wrote the file yourself"
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
    """Write a model file, completely or not at all.

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
        f"the description of the model has {len(description)} bytes; expected at most "
        f"{MAX_DESCRIPTION_BYTES}",
    )
    contents = {DESCRIPTION: description, WEIGHTS: weights}
    contents[CHECKSUMS] = _checksums(contents)
    size = sum(map(len, contents.values())) + MAX_DIRECTORY_BYTES
    require(
        size <= MAX_FILE_BYTES, f"the model has {size} bytes; expected at most {MAX_FILE_BYTES}"
    )
    if path.is_dir() or not path.parent.is_dir():
        raise OSError(f"{path}: expected the path of a file in an existing folder")
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
        The two entries, which match their checksums.

    Raises
    ------
    ModelFormatError
        If the file is not a model file. A file that is too large is not read.
    OSError
        If the file does not exist or cannot be read.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{path} is a folder; expected a model file")
    require(stat.S_ISREG(status.st_mode), "is not a regular file")  # reading a pipe would wait
    require(
        status.st_size <= MAX_FILE_BYTES,
        f"has {status.st_size} bytes; expected at most {MAX_FILE_BYTES}",
    )
    with path.open("rb") as file:
        _check_form(file, status.st_size)
        entries = _read_entries(file, status.st_size)
    expected = _checksums({name: entries[name] for name in (DESCRIPTION, WEIGHTS)})
    require(
        entries[CHECKSUMS] == expected,
        f"{CHECKSUMS} does not match the other entries: the file is damaged or was changed",
    )
    return entries[DESCRIPTION], entries[WEIGHTS]


def _checksums(contents: dict[str, bytes]) -> bytes:
    """Return checksums in the format of ``sha256sum``."""
    lines = [f"{digest(content)}  {name}" for name, content in contents.items()]
    return "".join(f"{line}\n" for line in lines).encode()


def _check_form(file: BinaryIO, size: int) -> None:
    """Check both ends of the zip, and that its directory is small."""
    require(size, "is empty; expected a model file")
    begin = file.read(8)
    if not begin.startswith(b"PK\x03\x04"):
        kinds = [kind for first, kind in _BEGINNINGS.items() if begin.startswith(first)]
        found = kinds[0] if kinds else f"it begins with {begin!r}"
        raise ModelFormatError(f"not a file that save_model wrote: {found}")
    require(size > _END.size, f"has {size} bytes; the file is truncated")
    file.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
    tail = file.read(_ZIP64_LOCATOR_BYTES + _END.size)
    # A ZIP64 locator would refer zipfile to another directory of any size.
    expected = ", ".join(ENTRIES)
    require(b"PK\x06\x07" not in tail, f"a zip of 64-bit entries; expected {expected}")
    file.seek(size - _END.size)
    end = file.read(_END.size)
    require(len(end) == _END.size, "was truncated while it was read")
    mark, disk, first_disk, here, n_entries, n_bytes, start, comment = _END.unpack(end)
    require(mark == b"PK\x05\x06" and not comment, "a zip without its end; the file is truncated")
    require(
        n_entries == here == len(ENTRIES) and disk == first_disk == 0,
        f"a zip of {n_entries} entries; expected {', '.join(ENTRIES)}",
    )
    require(
        n_bytes <= MAX_DIRECTORY_BYTES and start + n_bytes + _END.size == size,
        f"a zip with a directory of {n_bytes} bytes at {start} in {size} bytes; expected one of "
        f"at most {MAX_DIRECTORY_BYTES} bytes at the end",
    )


def _read_entries(file: BinaryIO, size: int) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
            _check_entries(found, size)
            return {entry.filename: archive.read(entry) for entry in found}
    except ModelFormatError:
        raise
    except Exception as error:  # zipfile raises nearly any error for damaged archives
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # an error of the disk
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
            f"its entry {entry.filename} is compressed, encrypted or has a wrong size; expected an "
            "uncompressed entry",
        )
        require(
            not stat.S_ISLNK(entry.external_attr >> 16), f"its entry {entry.filename} is a link"
        )
    require(
        found[0].file_size <= MAX_DESCRIPTION_BYTES,
        f"{DESCRIPTION} has {found[0].file_size} bytes; expected at most {MAX_DESCRIPTION_BYTES}",
    )
