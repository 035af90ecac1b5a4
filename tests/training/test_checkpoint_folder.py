import errno
import os

import pytest

from sk_fer.training import CheckpointFolder
from sk_fer.training._checkpoint_folder import pack_state


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path, n_checkpoints=2)


def names(folder):
    return sorted(path.name[:11] for path in folder.path.iterdir())


def test_the_last_few_are_kept(folder):
    assert folder.newest() is None
    for epoch in (1, 2, 99_999, 100_000):
        folder.write(epoch, pack_state({"epoch": epoch}))
    assert names(folder) == ["epoch-10000", "epoch-99999"]
    assert folder.newest() == {"epoch": 100_000}
    folder.clear()
    assert names(folder) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
        lambda content: content + b"\0",
    ],
    ids=["empty", "torn", "altered", "longer"],
)
def test_a_damaged_one_is_passed_over(folder, damage):
    for epoch in (1, 2):
        folder.write(epoch, pack_state({"epoch": epoch, "text": "x" * 100}))
    newest = max(folder.path.iterdir())
    newest.write_bytes(damage(newest.read_bytes()))
    again = CheckpointFolder(folder.path, n_checkpoints=2)
    with pytest.warns(UserWarning, match=f"{newest.name} is damaged and ignored"):
        assert again.newest()["epoch"] == 1
    again.write(2, pack_state({"epoch": 2}))
    assert len(names(again)) == 2  # the damaged one is gone
    assert again.newest() == {"epoch": 2}


def test_only_damaged_checkpoints_mean_no_checkpoint(folder):
    folder.write(1, pack_state({}))
    next(folder.path.iterdir()).write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        assert folder.newest() is None


def test_a_full_disk_does_not_change_the_file(folder, monkeypatch):
    folder.write(1, pack_state({"epoch": 1}))

    def no_space(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space left"):
            folder.write(2, pack_state({"epoch": 2}))
    assert names(folder) == ["epoch-00001"]


def test_what_a_killed_training_left_half_written_goes(folder):
    (folder.path / "epoch-00007-abc.pt.12.unfinished").write_bytes(b"half")
    (folder.path / "notes.txt").write_text("mine")
    assert CheckpointFolder(folder.path, 2).newest() is None
    assert names(folder) == ["notes.txt"]
