"""The command ``sk-fer``: every verb is a few calls of the public interface."""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command. Ctrl-C ends it without a traceback, also while it imports."""
    _print_anything()
    try:
        from sk_fer._cli._app import main as run

        run()
    except KeyboardInterrupt:
        print("sk-fer: interrupted", file=sys.stderr)
        sys.exit(130)


def _print_anything() -> None:
    """Let no name of a file, and no closed output, end a command that has its result."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
