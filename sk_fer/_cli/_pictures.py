"""Finds the image files and folders that are given on the command line."""

import glob
import os
from collections.abc import Sequence

from sk_fer._cli._options import is_url


def find_pictures(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the paths of the arguments, and a message for each argument without a path.

    A pattern is used if no file has its name.
    """
    paths: list[str] = []
    problems = []
    for argument in arguments:
        try:
            paths += _expand(argument)
        except ValueError as error:
            problems.append(str(error))
    return paths, problems


def _expand(argument: str) -> list[str]:
    if not argument:
        raise ValueError("got an empty path; expected an image file, a folder or a pattern")
    if is_url(argument):
        raise ValueError(
            f"{argument} is a URL; expected a file on this machine: download the image first"
        )
    argument = os.path.expanduser(argument)
    if os.path.lexists(argument) or not glob.has_magic(argument):
        return [argument]
    found = sorted(glob.glob(argument, recursive=True))
    if not found:
        raise ValueError(f"{argument}: no file matches this pattern")
    return found
