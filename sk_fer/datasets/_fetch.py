"""FER2013 from Kaggle."""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn.datasets import get_data_home
from sklearn.utils import Bunch

from sk_fer._utils._constraints import validate_params
from sk_fer._utils._write_aside import write_aside
from sk_fer.datasets._checks import CACHE, OUTPUT, PATH, SUBSET
from sk_fer.datasets._fer2013 import load_fer2013

_COMPETITION = "challenges-in-representation-learning-facial-expression-recognition-challenge"
_PAGE = f"https://www.kaggle.com/competitions/{_COMPETITION}/data"
_FILE = "fer2013.tar.gz"
_BY_HAND = f"By hand: download {_FILE} from {_PAGE} and call load_fer2013('{_FILE}')"

_NOT_REACHED = {"ConnectionError", "ConnectTimeout", "ProxyError", "ReadTimeout", "SSLError"}


@validate_params(
    {
        "data_home": CACHE["data_home"],
        "ferplus": [*PATH, None],
        "download_if_missing": ["boolean"],
        **SUBSET,
        **OUTPUT,
    }
)
def fetch_fer2013(
    *,
    data_home: str | os.PathLike[str] | None = None,
    subset: str = "train",
    ferplus: str | os.PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
) -> Bunch | tuple:
    """Load FER2013, downloaded from its Kaggle competition the first time.

    The download (92 MB) needs ``pip install ".[kaggle]"``, a Kaggle account that has accepted
    the competition's rules, and its API token where `kagglehub` looks for it.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The data home of scikit-learn, see :func:`sklearn.datasets.get_data_home`. The file is
        stored in its folder ``sk_fer``.
    subset : str, default="train"
        The split to return: "train", "validation" or "test", or another word for one of them such
        as "PublicTest", "dev" or "FER2013Valid"; or "all".
    ferplus : str or path-like, default=None
        The file ``fer2013new.csv`` with the FER+ votes, as in `load_fer2013`.
    download_if_missing : bool, default=True
        Whether to download the file if it is not in the data home. If False, an OSError is
        raised instead.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Whether to return the data as a pandas DataFrame and the target as a Series.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        The data set, as returned by `load_fer2013`.
    data, target : tuple
        Returned instead of the Bunch if `return_X_y` is True.

    Raises
    ------
    ImportError
        If the file must be downloaded and `kagglehub` is not installed.
    OSError
        If the file is not in the data home and `download_if_missing` is False, or if Kaggle
        cannot be reached or refuses the download.

    See Also
    --------
    load_fer2013 : Load a local file of FER2013.

    Examples
    --------
    >>> from sk_fer.datasets import fetch_fer2013
    >>> faces = fetch_fer2013()  # doctest: +SKIP
    >>> faces.images.shape  # doctest: +SKIP
    (28709, 48, 48)
    """
    path = Path(get_data_home(data_home)) / "sk_fer" / _FILE
    if not path.exists():
        if not download_if_missing:
            raise FileNotFoundError(f"{path}: no such file, and download_if_missing is False")
        path.parent.mkdir(exist_ok=True)
        _download(path)
    return load_fer2013(
        path,
        subset=subset,
        ferplus=ferplus,
        return_X_y=return_X_y,
        as_frame=as_frame,
        data_home=data_home,
    )


def _download(path: Path) -> None:
    try:
        import kagglehub
    except ImportError as error:
        raise ImportError(
            'fetch_fer2013 requires kagglehub: run pip install ".[kaggle]" in the clone of sk_fer. '
            f"{_BY_HAND}"
        ) from error
    # kagglehub writes other files beside the file, and on the machines of Kaggle it returns a path
    # outside the folder. It therefore gets a temporary folder, and the file is moved out of it.
    with TemporaryDirectory(dir=path.parent) as folder:
        try:
            got = kagglehub.competition_download(_COMPETITION, path=_FILE, output_dir=folder)
        except Exception as error:  # of five libraries' kinds, according to what went wrong
            raise OSError(f"{_reason(error)}. {_BY_HAND}") from error
        with write_aside(path) as aside:
            shutil.copyfile(got, aside)


def _reason(error: Exception) -> str:
    """Say in a line why a download failed."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if type(error).__name__ in {"UnauthenticatedError", "CredentialError"} or status == 401:
        return "Kaggle requires a valid API token (https://www.kaggle.com/settings)"
    if status == 403:
        return f"Kaggle refused: accept the competition's rules first, at {_PAGE}"
    message = " ".join(f"{type(error).__name__}: {error}".split())
    if type(error).__name__ in _NOT_REACHED:
        return f"Kaggle could not be reached, is this machine offline? {message}"
    return f"the download failed, {message}"
