"""The command ``sk-fer``: every verb is a few calls of the public interface."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command; Ctrl-C is no traceback, though it come in the seconds of the imports."""
    try:
        from sk_fer._cli._app import main as run

        run()
    except KeyboardInterrupt:
        print("sk-fer: interrupted", file=sys.stderr)
        sys.exit(130)
