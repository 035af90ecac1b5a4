"""The command ``sk-fer``: every verb is a few calls of the public interface."""

from sk_fer._cli._app import main

__all__ = ["main"]
