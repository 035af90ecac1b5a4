"""Archives in memory."""

import io
import tarfile
import zipfile


def zipped(files: dict[str, bytes | str]) -> bytes:
    """Return a zip with these files: names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], compression: str = "gz") -> bytes:
    """Return a tar with these files, compressed with "gz", "bz2", "xz", or not at all with ""."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
