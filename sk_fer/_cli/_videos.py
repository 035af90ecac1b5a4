"""Predicts the faces in videos: a summary of each face, a CSV file and annotated copies."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sk_fer import predict_video
from sk_fer._cli._annotate import free_name
from sk_fer._cli._console import console
from sk_fer._utils._write_aside import write_aside
from sk_fer.datasets._image_tree import VIDEO_SUFFIXES
from sk_fer.estimators._predict_faces import BEFORE_CLASSES, NO_FACE, face_table

if TYPE_CHECKING:
    import pandas as pd

_N_FIRST = len(BEFORE_CLASSES)


def is_video(path: str) -> bool:
    """Return whether a file is a video, by the end of its name."""
    return path.lower().endswith(VIDEO_SUFFIXES)


def predict_videos(
    classifier: Any,
    paths: Sequence[str],
    *,
    every: float,
    smooth: float,
    detector: str | None,
    top: int,
    csv: Any | None,
    annotate: Path | None,
    copies: list[str],
) -> Iterator[dict[str, Any]]:
    """Yield a row for each face of each video, or one that says why there is none.

    Parameters
    ----------
    classifier : classifier
        The fitted model.
    paths : sequence of str
        The videos.
    every, smooth : float
        The parameters of `predict_video`, in seconds.
    detector : str or None
        The detector.
    top : int
        The number of most probable classes.
    csv : text file or None
        An open file to which the faces of each searched frame are added.
    annotate : Path or None
        The folder of the annotated copies.
    copies : list of str
        A list to which the names of the annotated copies are added.
    """
    used: set[str] = set()
    for path in paths:
        summary = _Summary(classifier.classes_.tolist(), top)
        try:
            with ExitStack() as stack:
                frames = predict_video(
                    classifier, path, every=every, smooth=smooth, detector=detector
                )
                stack.callback(frames.close)
                bar = stack.enter_context(_bar(path))
                copy = None
                if annotate is not None:
                    annotate.mkdir(parents=True, exist_ok=True)
                    copied = annotate / f"{free_name(path, used)}.mp4"
                    aside = stack.enter_context(write_aside(copied))
                    copy = stack.enter_context(_Copy(aside, top))
                for frame in frames:
                    bar.update(bar.task_ids[0], advance=1, time=f"{frame.time:.0f} s")
                    if frame.searched:
                        summary.add(frame)
                        _append(csv, frame.table, round(frame.time, 3))
                    if copy is not None:
                        copy.add(frame)
            if annotate is not None:
                copies.append(copied.name)
        except (OSError, ValueError) as reason:
            text = str(reason) if path in str(reason) else f"{path}: {reason}"
            _append(csv, face_table(classifier, [(path, None, text)], []), None)
            yield {"image": path, "problem": text}
            continue
        yield from summary.rows(path)


def _append(csv: Any | None, table: "pd.DataFrame", time: float | None) -> None:
    """Add the rows of a table to an open CSV file, if there is one."""
    if csv is not None:
        table = table.copy()
        table.insert(0, "time", time, allow_duplicates=True)
        table.to_csv(csv, header=csv.tell() == 0)


class _Summary:
    """The mean probabilities of each face of a video, and when it was seen."""

    def __init__(self, labels: list[Any], top: int) -> None:
        self._labels, self._top = labels, top
        self._faces: dict[int, tuple[float, float, int, np.ndarray]] = {}

    def add(self, frame: Any) -> None:
        for row in frame.table[frame.table.iloc[:, 0].notna()].to_numpy(object):
            number, probabilities = int(row[0]), row[_N_FIRST:-1].astype(float)
            begin, _, n, total = self._faces.get(number, (frame.time, 0.0, 0, 0.0))
            self._faces[number] = (begin, frame.time, n + 1, total + probabilities)

    def rows(self, path: str) -> Iterator[dict[str, Any]]:
        if not self._faces:
            yield {"image": path, "face": None, "label": None, "problem": NO_FACE}
        for number, (begin, end, n, total) in self._faces.items():
            mean = total / n
            best = np.argsort(-mean, kind="stable")[: self._top]
            yield {
                "image": path,
                "face": number,
                "seconds": [round(begin, 2), round(end, 2)],
                "frames": n,
                "label": self._labels[best[0]],
                "probabilities": {str(self._labels[i]): round(float(mean[i]), 4) for i in best},
            }


class _Copy:
    """An annotated copy of a video, without sound."""

    def __init__(self, path: Path, top: int) -> None:
        self._path, self._top = path, top
        self._container: Any = None
        self._last = -1

    def __enter__(self) -> "_Copy":
        return self

    def __exit__(self, *error: object) -> None:
        if self._container is not None:
            with self._container:
                for packet in self._stream.encode():
                    self._container.mux(packet)

    def add(self, frame: Any) -> None:
        import av

        from sk_fer.inspection import annotate_faces

        picture = annotate_faces(frame.pixels, frame.table, top=self._top)
        if self._container is None:
            self._container = av.open(str(self._path), "w", format="mp4")
            codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
            self._stream = self._container.add_stream(codec, rate=1000)  # any times of frames
            self._stream.codec_context.time_base = Fraction(1, 1000)
            self._stream.pix_fmt = "yuv420p"
            self._stream.width, self._stream.height = (
                max(2, side // 2 * 2) for side in picture.size
            )
        size = (self._stream.width, self._stream.height)
        if picture.size[0] // 2 * 2 != size[0] or picture.size[1] // 2 * 2 != size[1]:
            picture = picture.resize(size)  # the size changes in the middle of the video
        new = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(np.asarray(picture)[: size[1], : size[0]]), format="rgb24"
        )
        self._last = max(self._last + 1, round(frame.time * 1000))
        new.pts, new.time_base = self._last, Fraction(1, 1000)
        for packet in self._stream.encode(new):
            self._container.mux(packet)


def _bar(path: str) -> Progress:
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[time]}"),
        TimeRemainingColumn(compact=True),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    bar.add_task(Path(path).name, total=_n_frames(path), time="")
    return bar


def _n_frames(path: str) -> int | None:
    """Return the number of frames that a video states, or None."""
    import av

    with av.open(path) as container:
        stream = container.streams.video[0]
        seconds = (container.duration or 0) / av.time_base
        return stream.frames or round(seconds * float(stream.average_rate or 0)) or None
