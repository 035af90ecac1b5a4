"""Addresses and ports, and the page over HTTP without a browser."""

import socket
import sys

import pytest

from sk_fer import load_pretrained
from sk_fer.app import _server, serve
from sk_fer.app._server import is_loopback, listen


def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port} of 127.0.0.1 is in use; choose another"):
            serve({"model": None}, port=port)


def test_an_address_of_another_machine():
    with pytest.raises(OSError, match=r"cannot listen on port 0 of 192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_without_models():
    with pytest.raises(ValueError, match="no models"):
        serve({})


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("::", False)],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected


def test_without_gradio_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[app\]"'):
        serve({"model": load_pretrained()}, port=0)


def test_an_address_for_other_machines_gives_a_warning(monkeypatch):
    monkeypatch.setattr(_server, "make_app", lambda *_: 1 / 0)
    with (
        pytest.warns(UserWarning, match=r"on 0\.0\.0\.0, so that other machines can use it"),
        pytest.raises(ZeroDivisionError),
    ):
        serve({"model": None}, host="0.0.0.0", port=0)
