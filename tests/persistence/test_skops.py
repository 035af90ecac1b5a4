"""skops.io reads our estimators when told to trust our own classes, and nothing else."""

import zipfile

import pytest
from numpy.testing import assert_array_equal

from sk_fer.persistence import SKOPS_TRUSTED

sio = pytest.importorskip("skops.io", reason="needs sk_fer[skops]")


@pytest.mark.parametrize("name", ["dense", "cnn", "pipeline"])
def test_skops(name, models, small_faces, tmp_path):
    file = tmp_path / "model.skops"
    sio.dump(models[name], file)
    assert set(sio.get_untrusted_types(file=file)) <= set(SKOPS_TRUSTED)
    loaded = sio.load(file, trusted=SKOPS_TRUSTED)
    X = small_faces[0]
    assert_array_equal(loaded.predict_proba(X), models[name].predict_proba(X))
    with zipfile.ZipFile(file) as archive:
        for entry in archive.namelist():
            content = archive.read(entry)
            # Weights are safetensors, arrays NumPy's format without objects, the rest JSON.
            assert content[8:9] == b"{" or content[:6] == b"\x93NUMPY" or entry == "schema.json"
            assert not content.startswith((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"))
            assert b"'descr': '|O'" not in content[:100]


def test_trusted_are_our_own_estimators():
    from sklearn.base import BaseEstimator

    import sk_fer
    import sk_fer.preprocessing

    public = {**vars(sk_fer.preprocessing), **{n: getattr(sk_fer, n) for n in sk_fer.__all__}}
    estimators = [
        k for k in public.values() if isinstance(k, type) and issubclass(k, BaseEstimator)
    ]
    assert sorted(f"{k.__module__}.{k.__name__}" for k in estimators) == SKOPS_TRUSTED
