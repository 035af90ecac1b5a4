"""scikit-learn's callbacks are called in each epoch, also in a search."""

from functools import partial

import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV

from sk_fer.model_selection import FERGridSearchCV
from sk_fer.training import FaceDataset

from .. import helpers


class Recorder:
    """Counts the tasks, and stops a fit after `stop_after` epochs."""

    max_propagation_depth = None

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.begun, self.ended = [], []

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.ended.append(context.task_name)
        return self.stop_after is not None and self.ended.count("epoch") >= self.stop_after


dense = partial(helpers.dense, max_epochs=3)


def test_every_epoch_is_a_task(faces):
    recorder = Recorder()
    dense().set_callbacks(recorder).fit(*faces)
    assert recorder.begun == ["fit", "epoch", "epoch", "epoch"]
    assert recorder.ended == ["epoch", "epoch", "epoch", "fit"]


def test_a_callback_can_stop_the_fit(faces):
    model = dense().set_callbacks(Recorder(stop_after=2)).fit(*faces)
    assert model.n_epochs_ == 2
    assert model.predict(faces[0]).shape == (280,)


@pytest.mark.parametrize("kind", [GridSearchCV, FERGridSearchCV])
def test_every_epoch_is_a_task_inside_a_search(faces, kind):
    recorder = Recorder()
    search = kind(dense(), {"lr": [1e-3, 1e-2]}, cv=2).set_callbacks(recorder)
    search.fit(*faces)
    assert recorder.ended.count("epoch") == 3 * (2 * 2 + 1)


@pytest.mark.parametrize("search", [False, True])
def test_progress_bar_shows_the_epochs(search, faces, capsys, monkeypatch):
    model = GridSearchCV(dense(), {"lr": [1e-3]}, cv=2) if search else dense()
    monkeypatch.setenv("COLUMNS", "120")
    model.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*faces)
    shown = capsys.readouterr().out
    assert "FERDenseClassifier - fit" in shown
    assert "100%" in shown


def test_scoring_monitor_scores_every_epoch(faces):
    monitor = ScoringMonitor(scoring="accuracy")
    model = dense().set_callbacks(monitor).fit(*faces)
    rows = monitor.get_logs().data
    scores = [row["accuracy"] for row in rows if row["task_name"] == "epoch"]
    assert len(scores) == 3
    assert scores[-1] == pytest.approx(model.score(*faces))


def test_nothing_of_the_data_is_kept(faces):
    model = dense(validation_fraction=0.2).set_callbacks(Recorder()).fit(*faces)
    tasks = dict(model.net_.callbacks_)["sk_fer_tasks"]
    assert tasks.estimator is None
    assert tasks.data == {}
    assert not [v for v in vars(model.net_).values() if isinstance(v, FaceDataset)]
