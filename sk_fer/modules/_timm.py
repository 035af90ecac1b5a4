"""Names and ImageNet weights of timm's models. timm is imported only if it is used."""

import difflib
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import torch
from torch import nn

from sk_fer._utils._networks import OWN_BACKBONES
from sk_fer.modules._seeded_init import seeded_init
from sk_fer.modules._weights import load_backbone
from sk_fer.modules._weights_file import read_state_dict

_HUB_FILES = ("model.safetensors", "pytorch_model.bin")
# Fits in several threads would restore the wrong log levels, and download the same file twice.
_one_at_a_time = threading.Lock()


def import_timm() -> ModuleType:
    """Import timm.

    Raises
    ------
    ImportError
        If timm is not installed. The message names the command to install it.
    """
    try:
        import timm
    except ImportError as error:
        raise ImportError(
            'this backbone requires timm: run pip install ".[pretrained]" in the clone of sk_fer',
            name=error.name,
        ) from error
    return timm


def known_backbone(name: str) -> None:
    """Check the name of a backbone.

    Parameters
    ----------
    name : str
        The name of a classification model of timm, with or without a tag, or "fast" or "accurate".

    Raises
    ------
    ImportError
        If the name is not one of sk_fer and timm is not installed.
    TypeError
        If the name is not a string.
    ValueError
        If there is no such backbone. The message contains the most similar names.

    Examples
    --------
    >>> from sk_fer.modules._timm import known_backbone
    >>> known_backbone("fast")
    >>> known_backbone("hf-hub:someone/model")
    Traceback (most recent call last):
        ...
    ValueError: got backbone='hf-hub:someone/model', expected a name of timm.list_models(), ...
    """
    own = " or ".join(map(repr, OWN_BACKBONES))
    expected = f"expected a name of timm.list_models(), {own}"
    if not isinstance(name, str):
        raise TypeError(f"got backbone={name!r:.100} of type {type(name).__name__}, {expected}")
    if name in OWN_BACKBONES:
        return
    if not name.isascii() or any(sign in name for sign in ":/\\"):
        raise ValueError(
            f"got backbone={name!r:.100}, {expected}; to use weights of another hub or folder, "
            "pass the file, weights='file.safetensors'"
        )
    timm = import_timm()
    architecture = name.partition(".")[0]
    names = timm.list_models()
    if architecture not in names:
        now = timm.models.get_deprecated_models().get(architecture)
        near = difflib.get_close_matches(architecture.lower(), [*OWN_BACKBONES, *names])
        near = [now] if now else near
        hint = f"; similar names: {', '.join(map(repr, near))}" if near else ""
        raise ValueError(
            f"got backbone={name!r:.100}, which timm {timm.__version__} does not have; "
            f"{expected}{hint}"
        )
    tagged = timm.list_models(f"{architecture}.*", include_tags=True)
    if name != architecture and name not in tagged:
        near = difflib.get_close_matches(name, tagged, cutoff=0)
        raise ValueError(
            f"got backbone={name!r:.100}, but timm {timm.__version__} has no such tag of "
            f"{architecture!r}; similar names, of {len(tagged)}: {', '.join(map(repr, near))}"
        )


def load_imagenet(backbone: nn.Module, name: str) -> None:
    """Load timm's pretrained weights into a backbone.

    The weights are downloaded once. Later calls read them from the cache, without a connection.

    Parameters
    ----------
    backbone : torch.nn.Module
        The model `name`, which is changed in place.
    name : str
        The name of the model in timm. A tag selects one of its weights.

    Raises
    ------
    ImportError
        If timm is not installed.
    OSError
        If the weights are not in the cache and cannot be downloaded.
    ValueError
        If timm has no weights for the model, or they do not match the backbone.
    """
    timm = import_timm()
    path = fetch_imagenet(name)
    with _quiet():
        weights = {"state_dict": read_state_dict(path), "custom_load": False}
        with seeded_init():
            # timm converts the weights of its files only when it creates a model.
            pretrained = timm.create_model(
                name,
                pretrained=True,
                pretrained_cfg_overlay=weights,
                num_classes=0,
                **_fixed_size(backbone),
            )
    load_backbone(backbone, pretrained.state_dict(), f"{name} of timm ({path})")


def fetch_imagenet(name: str) -> str:
    """Return the path of timm's pretrained weights, and download them if they are not cached.

    Parameters
    ----------
    name : str
        The name of the model in timm.

    Returns
    -------
    str
        The path of the file in the cache.

    Raises
    ------
    ImportError
        If timm is not installed.
    OSError
        If the weights are not in the cache and cannot be downloaded.
    ValueError
        If timm has no weights for the model.
    """
    cfg = imagenet_config(name)
    with _quiet():
        return _cached_file(cfg, name)


def imagenet_config(name: str) -> Any:
    """Return timm's configuration of the pretrained weights of a backbone.

    Parameters
    ----------
    name : str
        The name of the model in timm.

    Returns
    -------
    timm.models.PretrainedCfg

    Raises
    ------
    ImportError
        If timm is not installed.
    ValueError
        If there is no such backbone, or timm has no weights for it.
    """
    known_backbone(name)
    timm = import_timm()
    cfg = None if name in OWN_BACKBONES else timm.models.get_pretrained_cfg(name)
    if cfg is None or not (cfg.hf_hub_id or cfg.url):
        raise ValueError(
            f"got weights='imagenet' with backbone={name!r}, for which timm {timm.__version__} has "
            "no pretrained weights; expected a file, a fitted classifier of sk_fer, or weights=None"
        )
    return cfg


def _fixed_size(backbone: Any) -> dict[str, Any]:
    """Return the image size of a vision transformer, which timm needs to create it."""
    size = getattr(getattr(backbone, "patch_embed", None), "img_size", None)
    return {"img_size": size} if backbone.pretrained_cfg.get("fixed_input_size") and size else {}


def _cached_file(cfg: Any, name: str) -> str:
    """Return the file of the weights, and download it if it is not in the cache."""
    from huggingface_hub import constants

    if cfg.hf_hub_id:
        origin, cache, fetch = cfg.hf_hub_id, Path(constants.HF_HUB_CACHE), _from_hub
        where = f"{origin} on the Hugging Face Hub"
    else:
        origin, cache, fetch = cfg.url, Path(torch.hub.get_dir(), "checkpoints"), _from_url
        where = f"{origin}"
    try:
        return fetch(origin, cache)
    except Exception as error:  # the hub and its HTTP client raise errors of many classes
        reason = f"{error!s:.200}".split("\n")[0] or type(error).__name__
        raise OSError(
            f"the pretrained weights of backbone={name!r}, {where}, are not in the cache folder "
            f"{cache} and could not be downloaded ({reason}). Without a download, pass a file of "
            'timm, torchvision or sk_fer (weights="file.safetensors" or .pth), a fitted classifier '
            "of sk_fer (weights=classifier), or weights=None to start with random weights"
        ) from None


def _from_hub(origin: str, cache: Path) -> str:
    import huggingface_hub as hub

    repo_id, _, revision = origin.partition("@")
    for name in _HUB_FILES:
        cached = hub.try_to_load_from_cache(repo_id, name, cache, revision or None)
        if isinstance(cached, str):
            return cached
    for name in _HUB_FILES:
        try:
            # A download without a connection retries for 23 seconds; this request fails at once.
            hub.get_hf_file_metadata(hub.hf_hub_url(repo_id, name, revision=revision or None))
        except hub.errors.EntryNotFoundError:
            continue
        return str(hub.hf_hub_download(repo_id, name, revision=revision or None, cache_dir=cache))
    raise FileNotFoundError(f"the repository has no {' or '.join(_HUB_FILES)}")


def _from_url(origin: str | tuple[str, str], cache: Path) -> str:
    url, name = (
        (origin, os.path.basename(urlparse(origin).path)) if isinstance(origin, str) else origin
    )
    path = cache / name
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), progress=False)
    return str(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the messages of timm and huggingface_hub, for example on retries and tokens."""
    loggers = [logging.getLogger(name) for name in ("huggingface_hub", "timm")]
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        levels = [logger.level for logger in loggers]
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
