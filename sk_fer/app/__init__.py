"""The web page that finds the faces in a photograph and predicts their expressions."""

from sk_fer.app._server import serve

__all__ = ["serve"]
