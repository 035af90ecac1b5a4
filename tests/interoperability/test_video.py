"""Videos, which PyAV reads."""

import json
import re
import struct
import warnings

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from skimage.data import astronaut
from typer.testing import CliRunner

from sk_fer import load_pretrained, predict_faces, predict_video
from sk_fer._cli._app import app

av = pytest.importorskip("av", reason="videos require PyAV")

FPS = 10


def write_video(path, pictures, *, codec="mpeg4"):
    """Write a video of RGB pictures of one size."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture(scope="module")
def face():
    return np.asarray(Image.fromarray(astronaut()[:320, 64:384]).resize((256, 256)))


@pytest.fixture(scope="module")
def talk(tmp_path_factory, face):
    """Return a video of two seconds: a face that moves, then none."""
    pictures = [np.roll(face, i, axis=1) for i in range(10)] + [np.full_like(face, 127)] * 10
    return write_video(tmp_path_factory.mktemp("video") / "talk.mkv", pictures)


@pytest.fixture
def run():
    def run(*arguments):
        return CliRunner().invoke(app, ["predict", *map(str, arguments)])

    return run


def test_frames_times_and_faces(talk):
    frames = list(predict_video(load_pretrained(), talk, every=0.5, smooth=0, detector="lbp"))
    assert [round(frame.time, 3) for frame in frames] == [i / FPS for i in range(20)]
    searched = [i for i, frame in enumerate(frames) if frame.searched]
    assert searched == [0, 5, 10, 15]
    assert [frames[i].table["face"].tolist() for i in (0, 5)] == [[0], [0]]
    assert frames[4].table is frames[0].table
    assert frames[10].table["problem"].tolist() == ["no face found"]


def test_a_frame_has_the_predictions_of_a_photograph(talk):
    model = load_pretrained()
    (first, *_) = predict_video(model, talk, every=10, detector="lbp")
    expected = predict_faces(model, [first.pixels], detector="lbp")
    pd.testing.assert_frame_equal(
        first.table.reset_index(drop=True), expected.reset_index(drop=True)
    )


def test_probabilities_are_means_over_time(talk):
    model = load_pretrained()
    alone, smoothed = (
        [
            frame.table[model.classes_].to_numpy()
            for frame in predict_video(model, talk, every=0.5, smooth=smooth, detector="lbp")
            if frame.searched
        ]
        for smooth in (0, 0.5)
    )
    kept = np.exp(-1)
    np.testing.assert_allclose(smoothed[1], kept * alone[0] + (1 - kept) * alone[1], atol=1e-9)


def test_truncated_file_ends_with_a_warning(talk, tmp_path):
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(talk.read_bytes()[: int(0.8 * talk.stat().st_size)])
    with pytest.warns(UserWarning, match=r"cut\.mkv: ends after .* s"):
        frames = list(predict_video(load_pretrained(), cut, detector="lbp"))
    assert 0 < len(frames) < 20


def test_file_is_closed_with_the_generator(talk):
    frames = predict_video(load_pretrained(), talk, detector="lbp")
    next(frames)
    frames.close()
    assert list(frames) == []


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("text.mp4", b"text", ValueError, "text.mp4: not a video that FFmpeg can read"),
        ("empty.mp4", b"", ValueError, "empty.mp4: not a video that FFmpeg can read"),
        ("missing.mp4", None, FileNotFoundError, "missing.mp4"),
    ],
)
def test_bad_files(tmp_path, name, content, error, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=re.escape(message)):
        predict_video(load_pretrained(), tmp_path / name)


def test_sound_without_pictures(tmp_path):
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        for packet in stream.encode(sound):
            container.mux(packet)
    with pytest.raises(ValueError, match=r"sound\.mkv: contains no video stream"):
        predict_video(load_pretrained(), path)


def test_video_without_frames(tmp_path):
    path = tmp_path / "none.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        container.start_encoding()
    with pytest.raises(ValueError, match=r"none\.avi"):
        list(predict_video(load_pretrained(), path))


def test_command(run, talk, tmp_path):
    csv, annotated = tmp_path / "faces.csv", tmp_path / "annotated"
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"none")
    options = ("--faces", "lbp", "--csv", csv, "--annotate", annotated, "--json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = run(bad, talk, *options)
    assert result.exit_code == 1
    assert "bad.mp4: not a video" in result.stderr
    assert f"sk-fer: wrote talk_faces.mp4 into {annotated}\n" in result.stderr
    (row,) = json.loads(result.stdout)
    assert (row["image"], row["face"], row["frames"]) == (str(talk), 0, 2)
    assert row["seconds"] == [0, 0.5]
    table = pd.read_csv(csv)
    assert table["time"].tolist()[1:] == [0, 0.5, 1, 1.5]
    assert table["label"].notna().tolist() == [False, True, True, False, False]
    assert table["image"].tolist() == [str(bad)] + 4 * [str(talk)]
    assert table["problem"][0].startswith(f"{bad}: not a video")
    with av.open(str(annotated / "talk_faces.mp4")) as container:
        frames = list(container.decode(video=0))
    assert len(frames) == 20
    assert [round(float(frame.time), 2) for frame in frames[:3]] == [0, 0.1, 0.2]
    assert not (annotated / "bad_faces.mp4").exists()


def test_command_with_a_photograph_and_a_video(run, talk, face, tmp_path):
    photo, csv = tmp_path / "photo.png", tmp_path / "faces.csv"
    Image.fromarray(face).save(photo)
    result = run(photo, talk, "--faces", "lbp", "--csv", csv, "--every", "1")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(csv)
    assert table["image"].tolist() == [str(photo), str(talk), str(talk)]
    assert table["time"].isna().tolist() == [True, False, False]


def test_the_clock_of_the_file_starts_again(face, tmp_path):
    part = write_video(tmp_path / "part.mpg", [face] * 15, codec="mpeg2video")
    twice = tmp_path / "twice.mpg"
    twice.write_bytes(2 * part.read_bytes())
    frames = list(predict_video(load_pretrained(), twice, every=0.4, detector="lbp"))
    times = np.array([frame.time for frame in frames])
    assert len(frames) > 20
    assert (np.diff(times) > 0).all()
    assert np.diff(times[[frame.searched for frame in frames]]).max() < 0.6
    shares = np.concatenate([frame.table.iloc[:, 8:-1] for frame in frames]).astype(float)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("turn", "corner"), [((0, 1), (0, -1)), ((-1, 0), (-1, -1)), ((0, -1), (-1, 0))]
)
def test_a_video_of_a_turned_camera_is_upright(tmp_path, turn, corner):
    """The corner in which the bright quarter of a video is, after clockwise turns by 90 degrees."""
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:32, :48] = 255
    path = write_video(tmp_path / "turned.mp4", [picture])
    content = path.read_bytes()
    start = content.index(b"tkhd") + 44  # of a matrix of numbers in units of 1 / 65536
    cos, sin = (65536 * value for value in turn)
    matrix = struct.pack(">5i", cos, sin, 0, -sin, cos)
    path.write_bytes(content[:start] + matrix + content[start + len(matrix) :])
    (frame,) = predict_video(load_pretrained(), path, detector="whole")
    assert frame.pixels.shape == ((96, 64, 3) if turn[0] == 0 else (64, 96, 3))
    assert frame.pixels[corner].min() > 200
    assert (frame.pixels > 128).mean() == pytest.approx(0.25, abs=0.03)


def test_copy_of_a_video_with_a_long_name(run, face, tmp_path):
    path = write_video(tmp_path / f"{'ä' * 125}.mkv", [face] * 2)
    result = run(path, "--faces", "lbp", "--annotate", tmp_path / "annotated")
    assert result.exit_code == 0, result.output
    (copy,) = (tmp_path / "annotated").iterdir()
    assert copy.name == f"{'ä' * 100}_faces.mp4"


def test_missing_package_is_named(talk, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[video\]"'):
        predict_video(load_pretrained(), talk)
