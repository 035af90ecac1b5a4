"""``sk-fer serve``: the models, and the usage errors. The page itself is tested in tests/app."""

import pytest
from typer.testing import CliRunner

from sk_fer import FERDenseClassifier, save_model
from sk_fer._cli import _serve
from sk_fer._cli._app import app
from sk_fer.datasets import make_faces


@pytest.fixture
def served(monkeypatch):
    calls = []
    monkeypatch.setattr(
        _serve, "serve_page", lambda models, **options: calls.append((models, options))
    )
    return calls


def serve(*arguments):
    return CliRunner().invoke(app, ["serve", *map(str, arguments)])


def test_the_given_models_come_before_that_of_sk_fer(served, tmp_path):
    path = tmp_path / "model.skfer"
    X, y = make_faces(70, random_state=0)
    save_model(FERDenseClassifier((8,), max_epochs=1, random_state=0).fit(X, y), path)
    result = serve(path, "--port", 8000)
    assert result.exit_code == 0
    ((models, options),) = served
    assert list(models) == [str(path), _serve.SHIPPED]
    assert (options["host"], options["port"]) == ("127.0.0.1", 8000)


def test_errors(served, tmp_path):
    result = serve(tmp_path / "missing.skfer")
    assert result.exit_code == 1
    assert "missing.skfer: no such file" in result.stderr
    assert serve("--port", 70_000).exit_code == 2
    assert served == []
