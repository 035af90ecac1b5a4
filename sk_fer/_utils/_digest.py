"""SHA-256 digests."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Block = TypeVar("Block")
Bytes = bytes | memoryview


def digest(*parts: Bytes | str) -> str:
    """Return the SHA-256 of bytes and texts, one after the other, as hexadecimal text.

    Parameters
    ----------
    *parts : bytes, memoryview or str
        The content. Texts are encoded as UTF-8.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> from sk_fer._utils._digest import digest
    >>> digest("face", b"s") == digest(b"faces")
    True
    >>> digest("faces")[:16]
    'e203120a667bd3ea'
    """
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() if isinstance(part, str) else part)
    return total.hexdigest()


def block_digests(read: Callable[[Block], Bytes], blocks: Iterable[Block]) -> Iterator[bytes]:
    """Return the SHA-256 of each block, computed by all processors.

    Parameters
    ----------
    read : callable
        A function that returns the bytes of a block. It runs in threads.
    blocks : iterable
        The arguments of `read`.

    Yields
    ------
    bytes
        The 32 bytes of the digest of each block, in the order of `blocks`.
    """
    with ThreadPoolExecutor() as pool:
        yield from pool.map(lambda block: hashlib.sha256(read(block)).digest(), blocks)
