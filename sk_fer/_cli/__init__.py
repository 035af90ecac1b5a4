"""The command ``sk-fer``. Each subcommand calls the public interface."""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command. Ctrl-C ends it without a traceback, also during the imports."""
    _print_anything()
    try:
        from sk_fer._cli._app import main as run

        run()
    except KeyboardInterrupt:
        print("sk-fer: interrupted", file=sys.stderr)
        sys.exit(130)


def _print_anything() -> None:
    """Prevent errors of printing: names that cannot be encoded, and closed outputs."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
