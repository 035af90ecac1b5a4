"""Searches on a Dask cluster of three worker processes, of which some end or stop."""

import signal
import threading
import time

import joblib
import numpy as np
import pytest
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from sk_fer.model_selection import FERGridSearchCV, FERHalvingSearchCV
from sk_fer.preprocessing import HistogramEqualizer

from .. import helpers

pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = pytest.mark.slow

N_FITS = 36
GRID = {
    "ferdenseclassifier__lr": [0.003, 0.01, 0.03, 0.1],
    "ferdenseclassifier__dropout": [0.0, 0.2, 0.4],
}


@pytest.fixture(scope="module")
def images(real_faces):
    """700 real images."""
    return real_faces[0][:700], real_faces[1][:700]


def run_search(images, finished, grid=GRID, **settings):
    """Search over 12 candidates by 3 folds. Each finished fit adds a byte to a file."""

    def score(model, X, y):  # a local function, because workers cannot import this file
        with open(finished, "ab") as file:
            file.write(b".")
        return accuracy_score(y, model.predict(X))

    model = make_pipeline(HistogramEqualizer(), helpers.dense(precision="float32"))
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    settings = {"scoring": score, "cv": folds, "refit": False, "batched": False, **settings}
    return FERGridSearchCV(model, grid, **settings).fit(*images)


@pytest.fixture(scope="module")
def expected(images, tmp_path_factory):
    """The scores of the search in this process."""
    finished = tmp_path_factory.mktemp("local") / "finished"
    scores = run_search(images, finished).cv_results_["mean_test_score"]
    assert finished.stat().st_size == N_FITS
    assert len(np.unique(scores)) > 6
    return scores


def n_bytes_between_workers(client):
    transfers = client.run(lambda dask_worker: list(dask_worker.transfer_incoming_log))
    return sum(each["total"] for log in transfers.values() for each in log)


def after_some_fits(finished, n_fits, action):
    """Start a thread that calls a function when some fits have finished."""

    def watch():
        while not finished.exists() or finished.stat().st_size < n_fits:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def test_the_search_is_equal_and_survives_a_killed_and_a_paused_worker(
    start_cluster, images, expected, tmp_path
):
    with start_cluster(3) as (cluster, client), joblib.parallel_config(backend="dask"):
        search = run_search(images, tmp_path / "finished")
        np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)
        # Each image is sent to one worker by the scheduler, and once to each of the others.
        assert 2 <= n_bytes_between_workers(client) / images[0].nbytes < 2.2

        before = n_bytes_between_workers(client)
        grid = {name: values[:n] for (name, values), n in zip(GRID.items(), (2, 1), strict=True)}
        X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.uint8, (2, *images[0].shape))
        X[1] = images[0]
        X.flush()
        search = run_search((X[1], images[1]), tmp_path / "mapped", grid)
        np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected[:2])
        # Each worker opens the file.
        assert n_bytes_between_workers(client) - before < 0.2 * images[0].nbytes

        X, y = images
        halving = FERHalvingSearchCV(helpers.dense(max_epochs=4), {"lr": [0.01, 0.1]}, cv=2)
        scores = halving.fit(X, y).cv_results_["mean_test_score"]
        with joblib.parallel_config(backend="loky", n_jobs=1):
            local = halving.fit(X, y).cv_results_["mean_test_score"]
        np.testing.assert_array_equal(scores, local)

        def harm():
            cluster.workers[0].kill()
            cluster.workers[1].send_signal(signal.SIGSTOP)

        thread = after_some_fits(tmp_path / "again", 4, harm)
        search = run_search(images, tmp_path / "again")
        assert not thread.is_alive()
        np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)


def test_finished_fits_are_kept_if_the_scheduler_is_killed(
    start_cluster, images, expected, tmp_path
):
    finished, again, journal = tmp_path / "finished", tmp_path / "again", tmp_path / "journal"
    with start_cluster(2) as (cluster, _), joblib.parallel_config(backend="dask"):
        after_some_fits(finished, 6, cluster.scheduler.kill)
        start = time.monotonic()
        with pytest.raises(ConnectionError, match=f"scheduler at {cluster.address} was lost"):
            run_search(images, finished, journal=journal)
        assert time.monotonic() - start < 60
    n_kept = len((journal / "fits.jsonl").read_text().splitlines())
    assert 2 <= n_kept < N_FITS
    search = run_search(images, again, journal=journal)
    assert again.stat().st_size == N_FITS - n_kept
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)
