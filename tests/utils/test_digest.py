import hashlib
import threading

import numpy as np

from sk_fer._utils._digest import block_digests, digest


def test_the_digest_is_the_sha_256_of_all_parts():
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2
    assert digest("abc") == digest(b"a", "", memoryview(b"bc")) == expected
    assert digest("é") == digest("é".encode())


def test_arrays_are_hashed_by_their_bytes():
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    assert digest(array.data) == digest(array.tobytes())


def test_block_digests_are_in_the_order_of_the_blocks():
    threads = set()

    def read(number):
        threads.add(threading.get_ident())
        return str(number).encode()

    found = list(block_digests(read, iter(range(50))))
    assert found == [hashlib.sha256(str(i).encode()).digest() for i in range(50)]
    assert threading.get_ident() not in threads
