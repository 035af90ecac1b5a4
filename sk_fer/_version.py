"""The version of sk_fer."""

__version__ = "0.1.0"
