"""Uploads model files to the Hugging Face Hub, and loads them from there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from sk_fer.persistence._model_card import import_hub, model_card
from sk_fer.persistence._model_file import load_model, save_model

FILE_NAME = "model.skfer"
CARD_NAME = "README.md"


def push_to_hub(
    model: BaseEstimator,
    repo_id: str,
    *,
    results: Bunch | None = None,
    private: bool | None = None,
    token: str | None = None,
    commit_message: str = "Upload a model of sk_fer",
) -> str:
    """Upload a fitted model to the Hugging Face Hub, as :func:`save_model` writes it.

    Parameters
    ----------
    model : classifier, FERFeatures or Pipeline
        A fitted model of a kind that :func:`save_model` accepts.
    repo_id : str
        The repository, as ``"owner/name"``. It is created if it does not exist.
    results : :class:`~sklearn.utils.Bunch`, default=None
        What :func:`sk_fer.inspection.write_report` returned for this model: the scores in the model
        card. If None, the card has no scores on test images.
    private : bool, default=None
        Whether a new repository is private. If None, the default of its owner applies.
    token : str, default=None
        The access token. If None, the token of ``hf auth login`` is used.
    commit_message : str, default="Upload a model of sk_fer"
        The message of the commit.

    Returns
    -------
    url : str
        The address of the repository.

    Raises
    ------
    ImportError
        If huggingface_hub is not installed: ``pip install ".[hub]"``.
    OSError
        If the hub cannot be reached or refuses the request. The message contains its reason.
    TypeError
        If the model is of a kind that :func:`save_model` does not accept.

    See Also
    --------
    from_hub : Load a model from the hub.
    model_card : Describe a model.
    save_model : Write a model to a file.

    Notes
    -----
    If the repository has no ``README.md``, a :func:`model_card` is written. An existing
    ``README.md`` is not changed.

    Examples
    --------
    >>> from sk_fer.persistence import push_to_hub
    >>> push_to_hub(model, "me/faces")  # doctest: +SKIP
    'https://huggingface.co/me/faces'
    """
    hub = import_hub("push_to_hub")
    with TemporaryDirectory() as folder:
        save_model(model, Path(folder, FILE_NAME))
        with _explained(repo_id):
            api = hub.HfApi(token=token)
            url = api.create_repo(repo_id, private=private, exist_ok=True)
            if not api.file_exists(repo_id, CARD_NAME):
                card = model_card(model, repo_id, results=results)
                Path(folder, CARD_NAME).write_text(card, encoding="utf-8")
            api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message=commit_message)
    return str(url)


def from_hub(repo_id: str, *, revision: str | None = None, token: str | None = None) -> Any:
    """Load a model from the Hugging Face Hub, like :func:`load_model` without running code.

    Parameters
    ----------
    repo_id : str
        The repository, as ``"owner/name"``.
    revision : str, default=None
        The branch, tag or commit. If None, the main branch is used. Only a commit always
        refers to the same file.
    token : str, default=None
        The access token for a private repository. If None, the token of ``hf auth login`` is
        used.

    Returns
    -------
    model : classifier, FERFeatures or Pipeline
        The fitted model, as from :func:`load_model`.

    Raises
    ------
    ImportError
        If huggingface_hub is not installed: ``pip install ".[hub]"``.
    OSError
        If the hub cannot be reached and the file is not in the cache, or if the repository has
        no such file.
    sk_fer.persistence.ModelFormatError
        If the file is not a model file.

    See Also
    --------
    push_to_hub : Upload a model.
    load_model : Read a model from a file.

    Examples
    --------
    >>> from sk_fer.persistence import from_hub
    >>> model = from_hub("me/faces")  # doctest: +SKIP
    """
    hub = import_hub("from_hub")
    with _explained(repo_id):
        path = hub.hf_hub_download(repo_id, FILE_NAME, revision=revision, token=token)
    return load_model(path)


@contextmanager
def _explained(repo_id: str) -> Iterator[None]:
    """Add the repository to an error of the hub or of the network."""
    try:
        yield
    except ValueError as error:  # huggingface_hub does not accept the name
        raise ValueError(f"got repo_id={repo_id!r}, expected 'owner/name': {error}") from error
    except Exception as error:
        # huggingface_hub and its HTTP client raise errors of many classes.
        kind = ConnectionError if _is_offline(error) else OSError
        reason = " ".join(str(error).split()) or type(error).__name__
        hint = "; is this machine online?" if kind is ConnectionError else ""
        raise kind(f"{repo_id} on the Hugging Face Hub: {reason}{hint}") from error


def _is_offline(error: Exception) -> bool:
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    names = {kind.__name__ for kind in type(error).__mro__}
    return offline or not names.isdisjoint(
        {"ConnectError", "ConnectionError", "LocalEntryNotFoundError", "OfflineModeIsEnabled"}
    )
