"""timm's names and ImageNet weights, with timm imported only when it is asked for."""

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
# Fits in threads would restore each other's levels, and fetch the same file twice.
_one_at_a_time = threading.Lock()


def import_timm() -> ModuleType:
    """Return timm.

    Raises
    ------
    ImportError
        If it is missing.
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
        A classification model of timm, with or without a tag, or "fast" or "accurate".

    Raises
    ------
    ImportError
        If timm is missing and it would have to be asked.
    TypeError
        If the name is no string.
    ValueError
        If there is no such backbone; the message has the nearest names.

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
            f"got backbone={name!r:.100}, {expected}; weights of other hubs and folders are read "
            "from a file, weights='file.safetensors'"
        )
    timm = import_timm()
    architecture = name.partition(".")[0]
    names = timm.list_models()
    if architecture not in names:
        now = timm.models.get_deprecated_models().get(architecture)
        near = difflib.get_close_matches(architecture.lower(), [*OWN_BACKBONES, *names])
        near = [now] if now else near
        hint = f"; the nearest: {', '.join(map(repr, near))}" if near else ""
        raise ValueError(
            f"got backbone={name!r:.100}, which timm {timm.__version__} does not have; "
            f"{expected}{hint}"
        )
    tagged = timm.list_models(f"{architecture}.*", include_tags=True)
    if name != architecture and name not in tagged:
        near = difflib.get_close_matches(name, tagged, cutoff=0)
        raise ValueError(
            f"got backbone={name!r:.100}, {architecture!r} with a tag that timm "
            f"{timm.__version__} does not have; the nearest of {len(tagged)}: "
            f"{', '.join(map(repr, near))}"
        )


def load_imagenet(backbone: nn.Module, name: str) -> None:
    """Put timm's pretrained weights into a backbone.

    They come from timm's hub when they are first asked for, and from its cache after that,
    without a question to the network.

    Parameters
    ----------
    backbone : torch.nn.Module
        The model `name`, changed in place.
    name : str
        Of the model in timm; a tag chooses among its weights.

    Raises
    ------
    ImportError
        If timm is missing.
    OSError
        If the weights are not in the cache and cannot be fetched.
    ValueError
        If timm has no weights for the model, or they do not fit.
    """
    timm = import_timm()
    path = fetch_imagenet(name)
    with _quiet():
        weights = {"state_dict": read_state_dict(path), "custom_load": False}
        with seeded_init():
            # timm knows what each of its files needs to fit its models, and that in a model only.
            pretrained = timm.create_model(
                name,
                pretrained=True,
                pretrained_cfg_overlay=weights,
                num_classes=0,
                **_fixed_size(backbone),
            )
    load_backbone(backbone, pretrained.state_dict(), f"{name} of timm ({path})")


def fetch_imagenet(name: str) -> str:
    """Return the path of timm's pretrained weights, which are fetched if they are not cached.

    Parameters
    ----------
    name : str
        As in :func:`known_backbone`.

    Returns
    -------
    str
        Path of the file in the cache.

    Raises
    ------
    ImportError
        If timm is missing.
    OSError
        If the weights are not in the cache and cannot be fetched.
    ValueError
        If timm has no weights for the model.
    """
    cfg = imagenet_config(name)
    with _quiet():
        return _cached_file(cfg, name)


def imagenet_config(name: str) -> Any:
    """Return where timm has the pretrained weights of a backbone.

    Parameters
    ----------
    name : str
        As in :func:`known_backbone`.

    Returns
    -------
    timm.models.PretrainedCfg

    Raises
    ------
    ImportError
        If timm is missing.
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
    """Return the size of the images that a transformer was built for."""
    size = getattr(getattr(backbone, "patch_embed", None), "img_size", None)
    return {"img_size": size} if backbone.pretrained_cfg.get("fixed_input_size") and size else {}


def _cached_file(cfg: Any, name: str) -> str:
    """Return the file of weights, fetched if it is not in the cache."""
    from huggingface_hub import constants

    if cfg.hf_hub_id:
        origin, cache, fetch = cfg.hf_hub_id, Path(constants.HF_HUB_CACHE), _from_hub
        where = f"{origin} on the Hugging Face Hub"
    else:
        origin, cache, fetch = cfg.url, Path(torch.hub.get_dir(), "checkpoints"), _from_url
        where = f"{origin}"
    try:
        return fetch(origin, cache)
    except Exception as error:  # the client and what it reaches the network with have many kinds
        reason = f"{error!s:.200}".split("\n")[0] or type(error).__name__
        # The client's own chain of errors is pages long.
        raise OSError(
            f"the pretrained weights of backbone={name!r}, {where}, are not in the cache folder "
            f"{cache} and could not be fetched ({reason}). Without a download: "
            'weights="file.safetensors", or .pth, of timm, torchvision or sk_fer; '
            "weights=<a fitted classifier of sk_fer>; or weights=None, to start from random ones"
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
            # One question first: a download that finds no network tries again for 23 seconds.
            hub.get_hf_file_metadata(hub.hf_hub_url(repo_id, name, revision=revision or None))
        except hub.errors.EntryNotFoundError:
            continue
        return str(hub.hf_hub_download(repo_id, name, revision=revision or None, cache_dir=cache))
    raise FileNotFoundError(f"no {' or '.join(_HUB_FILES)} there")


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
    """Keep the remarks of timm and of the hub's client, on retries and tokens, to themselves."""
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
