"""The command in a separate process: exit codes, Ctrl-C, closed pipes."""

import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

COMMAND = [sys.executable, "-c", "from sk_fer._cli import main; main()"]
TRAIN = ["train", "--model", "dense", "--epochs", "1"]
ROOT = Path(__file__).parents[2]


def start(*arguments, **kwargs):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
        **kwargs,
    )


def test_ctrl_c_ends_with_130_and_says_how_to_continue(tmp_path):
    out = tmp_path / "out"
    process = start("train", "--model", "dense", "--epochs", 100_000, "--out", out)
    for line in process.stdout:
        if line.startswith("Epoch 2/"):
            process.send_signal(signal.SIGINT)
            break
    printed, errors = process.communicate()
    assert process.returncode == 130
    assert errors.endswith("\nsk-fer: interrupted\n")
    assert "sk-fer: warning: the fit was interrupted" in errors
    assert "with --resume to continue" in printed
    assert [path.name for path in out.iterdir()] == ["checkpoints"]


def test_ctrl_c_during_the_import_gives_no_traceback():
    script = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path, target=None):
        if name == "sklearn":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
from sk_fer._cli import main
main()
"""
    run = subprocess.run(
        [sys.executable, "-c", script, "train"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 130
    assert run.stderr == "sk-fer: interrupted\n"


def test_finished_epochs_stay_on_the_screen_of_a_terminal(tmp_path):
    shown_by, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "train", "--model", "dense", "--epochs", "3", "--out", str(tmp_path / "out")],
        stdout=terminal,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "xterm"},
    )
    os.close(terminal)
    chunks = []
    with suppress(OSError):  # Linux says so that the other side is closed
        while chunk := os.read(shown_by, 4096):
            chunks.append(chunk)
    os.close(shown_by)
    assert process.wait() == 0
    written = b"".join(chunks).decode()
    assert "━" in written  # the bar, which the lines below stand above
    lines = _screen(written)
    epochs = [line for line in lines if line.startswith("Epoch ")]
    assert [line.split("  ")[0] for line in epochs] == ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"]
    assert not any("━" in line for line in lines)


def _screen(written):
    """Return the lines that a tall terminal shows at last."""
    lines, row = [""], 0
    for piece in re.findall(r"\x1b\[[?\d;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece.endswith("A") and piece.startswith("\x1b"):
            row -= int(piece[2:-1] or 1)
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif not piece.startswith(("\x1b", "\r")):
            lines[row] += piece
    return lines


def test_an_error_is_one_line_and_1(tmp_path):
    process = start("train", tmp_path / "no.csv", "--out", tmp_path / "out")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors == f"sk-fer: error: {tmp_path / 'no.csv'}: no such file or folder\n"


def test_a_closed_pipe_gives_no_traceback(tmp_path):
    process = start("train", "--model", "dense", "--epochs", 1, "--out", tmp_path / "out")
    process.stdout.close()
    errors = process.stderr.read()
    process.wait()
    process.stderr.close()
    assert "Traceback" not in errors


def test_output_that_is_closed_does_not_end_a_training(tmp_path):
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *TRAIN, "--out", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "out" / "model.skfer").exists()


def test_names_that_the_terminal_cannot_show_are_escaped(tmp_path):
    run = subprocess.run(
        [*COMMAND, *TRAIN, "--out", str(tmp_path / "fröhlich")],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert r"fr\xf6hlich" in run.stdout.replace("\n", "")
