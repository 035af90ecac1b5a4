"""Rows of a CSV file, plain, compressed or in an archive.

A reader of our own rather than pandas': splitting lines is faster, a bad row is found by its number
instead of ending the file, and no more than a line is ever held in memory.
"""

import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BufferedReader, TextIOWrapper
from pathlib import Path, PurePosixPath

from sk_fer.datasets._packed import damage_named, head_of, is_tar, is_zip, limited, open_unpacked
from sk_fer.datasets._tables import open_other_table, refuse_other_content

CSV_NAMES = ("fer2013.csv", "icml_face_data.csv", "train.csv", "test.csv")
"""The CSV files that the loaders look for in a folder or an archive, the first found is taken."""

_LONGEST_LINE = 1 << 22  # a row of 1024 x 1024 pixels
_SEPARATORS = ",;\t|"


@contextmanager
def open_csv(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """Open a table and read its first row, most often the names of its columns.

    Parameters
    ----------
    path : Path
        A CSV file whose fields are apart by commas, semicolons, tabs or bars, in Unicode;
        alone, compressed by gzip, bzip2 or xz, or in a zip or tar archive. Of several CSV files in
        an archive the first of `CSV_NAMES` is taken. Or a Parquet or Excel
        file. The content decides, not the name of the file.

    Yields
    ------
    header : list of str
        The fields of the first row, without the spaces around them.
    rows : iterator of list of str
        The fields of each other row, one for each column or fewer or more. Empty lines are left
        out.

    Raises
    ------
    ValueError
        If the file is empty, no table, or a damaged archive.
    ImportError
        If reading a Parquet or Excel file needs a package that is not installed.
    """
    with ExitStack() as stack, damage_named(path):
        other = open_other_table(path)
        if other is not None:
            yield other
            return
        binary = _open_table(path, stack)
        head = head_of(binary)
        refuse_other_content(path, head)
        try:
            text = stack.enter_context(TextIOWrapper(binary, encoding=_encoding(head)))
            rows = _split(text)
            header = next(rows, None)
            if header is None:
                raise ValueError(f"{path}: the file is empty")
            yield header, rows
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}: not a CSV file, expected text in UTF-8, UTF-16 or UTF-32: {error}; "
                "iconv -f WINDOWS-1252 -t UTF-8 converts the most common other encoding"
            ) from error


def column_positions(path: Path, header: list[str], names: Iterable[str]) -> list[int]:
    """Return the positions of the columns, in upper or lower case."""
    found = [name.lower() for name in header]
    for name in names:
        if name.lower() not in found:
            raise ValueError(f"{path}: no column {name!r}, the columns are {described(header)}")
    return [found.index(name.lower()) for name in names]


def described(header: list[str]) -> str:
    """Return the first names of a header, for messages."""
    return ", ".join(repr(column[:20]) for column in header[:12])


def is_csv(member: str) -> bool:
    """Whether a file in an archive is a CSV file that is not hidden."""
    name = PurePosixPath(member).name
    return name.lower().endswith(".csv") and not name.startswith(".")


def _encoding(head: bytes) -> str:
    if head[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if len(head) > 8 and not any(head[1:64:2]):
        return "utf-16-le"
    if len(head) > 8 and not any(head[0:64:2]):
        return "utf-16-be"
    return "utf-8-sig"


def _split(text: TextIOWrapper) -> Iterator[list[str]]:
    separator, n_columns = "", 0
    for line in iter(partial(text.readline, _LONGEST_LINE), ""):
        rest = line
        while rest and not rest.endswith("\n"):  # one row, however long, is one row
            rest = text.readline(_LONGEST_LINE)
        if line.isspace():
            continue
        if not separator:
            outside = "".join(line.split('"')[::2])
            separator = max(_SEPARATORS, key=outside.count)
            n_columns = outside.count(separator) + 1
        fields = line.split(separator)
        if len(fields) != n_columns and '"' in line:
            fields = _split_quoted(_whole_row(line, text), separator)
        yield [field.strip(' "\t\r\n') for field in fields]


def _whole_row(line: str, text: TextIOWrapper) -> str:
    """Return a line and those after it, as long as a quotation mark is open."""
    while line.count('"') % 2 and len(line) < _LONGEST_LINE:
        more = text.readline(_LONGEST_LINE)
        if not more:
            break
        line += more
    return line


def _split_quoted(line: str, separator: str) -> list[str]:
    fields = [""]
    for position, part in enumerate(line.split('"')):
        pieces = [part] if position % 2 else part.split(separator)
        fields[-1] += pieces[0]
        fields.extend(pieces[1:])
    return fields


def _open_table(path: Path, stack: ExitStack) -> BufferedReader:
    file = open_unpacked(path, stack)
    head = head_of(file)
    if is_tar(head):
        tar = stack.enter_context(tarfile.open(fileobj=file, mode="r|"))  # noqa: SIM115
        chosen = choose_member(path, archived_tables(path))
        for member in tar:
            if member.isfile() and member.name == chosen:
                found = tar.extractfile(member)
                assert found is not None  # it is a regular file
                return limited(found, path)
    if is_zip(head) or path.suffix.lower() == ".zip":
        archive = stack.enter_context(zipfile.ZipFile(path))
        member_file = archive.open(choose_member(path, archived_tables(path)))
        return limited(stack.enter_context(member_file), path)
    return file


def archived_tables(path: Path) -> list[str]:
    """Return the names of the CSV files in a zip or tar archive; none for other files.

    Of a tar archive, which is read to its end for them, only those up to ``fer2013.csv``.
    """
    with ExitStack() as stack, damage_named(path):
        file = open_unpacked(path, stack)
        head = head_of(file)
        tables = []
        if is_tar(head):
            tar = stack.enter_context(tarfile.open(fileobj=file, mode="r|"))
            for member in tar:
                if member.isfile() and is_csv(member.name):
                    tables.append(member.name)
                    if PurePosixPath(member.name).name.lower() == CSV_NAMES[0]:
                        break
        elif is_zip(head) or path.suffix.lower() == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(path))
            tables = [member for member in archive.namelist() if is_csv(member)]
        return tables


def choose_member(path: Path, tables: list[str]) -> str:
    """Return which of the CSV files in an archive is read."""
    for name in CSV_NAMES:
        for member in tables:
            if PurePosixPath(member).name.lower() == name:
                return member
    if len(tables) != 1:
        found = ", ".join(tables[:6]) or "none"
        raise ValueError(
            f"{path}: expected one CSV file in this archive, found {found}; unpack it, and give "
            "the path of the table"
        )
    return tables[0]
