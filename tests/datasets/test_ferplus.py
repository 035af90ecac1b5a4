import numpy as np
import pytest

from sk_fer.datasets import load_ferplus
from sk_fer.datasets._votes import majority, shares

from . import layouts

NAMES = ["neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"]
HEADER = (
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
)
# One row for each row of the table, with the result of the authors' code.
VOTES = [
    [0, 8, 2, 0, 0, 0, 0, 0, 0, 0],  # happy
    [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],  # no majority
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 10],  # no face
    [3, 1, 1, 1, 1, 1, 1, 1, 0, 0],  # neutral: single votes do not count
    [1, 0, 0, 2, 0, 0, 0, 0, 7, 0],  # unknown
    [0, 0, 0, 0, 0, 0, 0, 6, 4, 0],  # contempt
]
LABELS = ["happy", None, None, "neutral", None, "contempt"]


@pytest.fixture
def votes_csv(tmp_path, table):
    path = tmp_path / "fer2013new.csv"
    write(path, table[2], VOTES)
    return path


def write(path, usages, votes):
    lines = [f"{u},any,{','.join(map(str, v))}" for u, v in zip(usages, votes, strict=True)]
    path.write_text("\n".join([HEADER, *lines]) + "\n")


def official(votes):
    """The authors' rule, vote by vote."""
    votes = [0 if vote < 1 + 1e-9 else vote for vote in votes]
    best = max(votes)
    if not best > 0.5 * sum(votes) or votes.index(best) >= 8:
        return -1
    return votes.index(best)


def test_majority_is_the_official_rule():
    rng = np.random.default_rng(0)
    votes = rng.multinomial(10, rng.dirichlet(np.full(10, 0.3), 500)).astype(np.uint8)
    votes[0] = 0
    votes[1] = 1
    votes[2:4] = [200, 100, 99, *[0] * 7], [200, 100, 100, *[0] * 7]
    expected = [official(row) for row in votes.tolist()]
    assert majority(votes).tolist() == expected
    assert 50 < expected.count(-1) < 400


def test_shares_sum_to_one_or_are_missing():
    found = shares(np.array(VOTES, dtype=np.uint8))
    assert found.dtype == np.float32
    assert np.isnan(found[2]).all()
    np.testing.assert_allclose(np.delete(found, 2, axis=0).sum(axis=1), 1, rtol=1e-6)
    assert dict(zip(sorted(NAMES), found[4].round(3).tolist(), strict=True)) == {
        **dict.fromkeys(NAMES, 0.0),
        "neutral": pytest.approx(0.333),
        "sad": pytest.approx(0.667),
    }


def test_majority(fer2013_csv, votes_csv, table):
    faces = load_ferplus(fer2013_csv, votes_csv, subset="all")
    kept = [0, 3, 5]
    np.testing.assert_array_equal(faces.images, table[0][kept])
    assert faces.target.tolist() == [LABELS[i] for i in kept]
    assert faces.target_names == ["contempt", "happy", "neutral"]
    assert faces.usage.tolist() == ["train", "validation", "test"]
    assert faces.dropped.tolist() == [2, 3, 5]
    assert "votes" not in faces
    assert faces.DESCR.startswith("FER+")


def test_votes(fer2013_csv, votes_csv, table):
    faces = load_ferplus(fer2013_csv, votes_csv, target="votes")
    np.testing.assert_array_equal(faces.images, table[0][:2])
    assert faces.target_names == sorted(NAMES)
    np.testing.assert_allclose(faces.target[0], [0, 0, 0, 0, 0.8, 0, 0, 0.2])
    assert faces.dropped.tolist() == [3]
    data, target = load_ferplus(
        fer2013_csv, votes_csv, target="votes", return_X_y=True, as_frame=True
    )
    assert target.columns.tolist() == sorted(NAMES)
    assert data.shape == (2, 2304)


def test_both(fer2013_csv, votes_csv):
    faces = load_ferplus(fer2013_csv, votes_csv, target="both", subset="validation")
    assert faces.target.tolist() == ["neutral"]
    assert faces.votes_names == sorted(NAMES)
    np.testing.assert_allclose(
        faces.votes, [[0.3 if n == "neutral" else 0.1 for n in sorted(NAMES)]]
    )
    assert faces.dropped.tolist() == [5]


def test_rows_skipped_in_fer2013_are_skipped_in_the_votes(tmp_path, rows, votes_csv):
    bad = [("9", *rows[0][1:]), *rows[1:]]
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(["emotion,pixels,Usage", *map(",".join, bad)]))
    faces = load_ferplus(path, votes_csv, subset="all", on_error="skip")
    assert faces.target.tolist() == ["neutral", "contempt"]
    assert faces.dropped.tolist() == [2, 3, 5]
    assert [row for row, _ in faces.skipped] == [1]


def test_other_number_of_rows(fer2013_csv, tmp_path, table):
    path = tmp_path / "fer2013new.csv"
    write(path, table[2][:4], VOTES[:4])
    with pytest.raises(ValueError, match=r"fer2013new.csv has 4 rows, but .*fer2013.csv has 6"):
        load_ferplus(fer2013_csv, path)


def test_other_usage_in_a_row(fer2013_csv, tmp_path, table):
    path = tmp_path / "fer2013new.csv"
    usages = table[2].copy()
    usages[3] = usages[4] = "Training"
    write(path, usages, VOTES)
    with pytest.raises(ValueError, match=r"row 4: Usage is Training, but .* has PublicTest there"):
        load_ferplus(fer2013_csv, path)


@pytest.mark.parametrize("vote", ["x", "-1", "1.5", "", "256"])
def test_bad_vote(fer2013_csv, tmp_path, table, vote):
    path = tmp_path / "fer2013new.csv"
    write(path, table[2], [*VOTES[:5], [vote, *VOTES[5][1:]]])
    with pytest.raises(ValueError, match=rf"row 6: '{vote}' is not a number of votes"):
        load_ferplus(fer2013_csv, path)


class TestFolders:
    @pytest.mark.parametrize("place", [".", "images"])
    def test_labels_next_to_the_images(self, tmp_path, place):
        layouts.ferplus_folder(tmp_path / place)
        faces = load_ferplus(tmp_path, subset="all")
        assert faces.target.tolist() == ["happy", "angry"] * 3
        assert sorted(faces.usage.tolist()) == ["test"] * 2 + ["train"] * 2 + ["validation"] * 2
        assert faces.images.shape == (6, 48, 48)
        assert [path[-14:] for path in faces.dropped] == ["fer0000002.png"] * 3

    def test_votes_in_one_file(self, tmp_path):
        layouts.ferplus_folder(tmp_path / "f", lists=False)
        lines = [HEADER]
        for usage in ("Training", "PublicTest", "PrivateTest"):
            lines += [
                f"{usage},{name},{','.join(map(str, votes))}"
                for name, votes in layouts.FERPLUS_VOTES.items()
            ]
            lines.append(f"{usage},,0,0,0,0,0,0,0,0,0,10")
        (tmp_path / "fer2013new.csv").write_text("\n".join(lines))
        faces = load_ferplus(tmp_path / "f", tmp_path / "fer2013new.csv", target="votes")
        assert faces.target.shape == (3, 8)
        happy = faces.target_names.index("happy")
        np.testing.assert_allclose(faces.target[:, happy], [0.8, 0, 0])

    def test_what_is_missing_is_named(self, tmp_path):
        layouts.ferplus_folder(tmp_path)
        (tmp_path / "FER2013Valid" / "fer0000003.png").unlink()
        with pytest.raises(ValueError, match=r"1 images with votes are missing, .*validation, f"):
            load_ferplus(tmp_path)
        with pytest.warns(UserWarning, match="1 images with votes are missing"):
            assert len(load_ferplus(tmp_path, subset="dev", on_error="skip").images) == 1
        layouts.draw(tmp_path / "FER2013Valid" / "fer0000003.png", "happy", size=(48, 48))
        layouts.draw(tmp_path / "FER2013Valid" / "fer0000009.png", "happy", size=(48, 48))
        with pytest.raises(ValueError, match=r"fer0000009.png: has no votes; on_error="):
            load_ferplus(tmp_path)
        (tmp_path / "FER2013Test" / "label.csv").unlink()
        with pytest.raises(ValueError, match=r"FER2013Test: no file label.csv with the votes"):
            load_ferplus(tmp_path)

    def test_a_bad_row_of_votes_is_named(self, tmp_path):
        layouts.ferplus_folder(tmp_path)
        table = tmp_path / "FER2013Train" / "label.csv"
        table.write_text(table.read_text() + 'fer0000004.png,"(0, 0, 48, 48)",1,2\n')
        with pytest.raises(ValueError, match=r"label.csv, row 4: got 4 fields, expected 12"):
            load_ferplus(tmp_path)

    def test_a_table_needs_votes(self, fer2013_csv):
        with pytest.raises(ValueError, match=r"path_votes=None, expected the file fer2013new.csv"):
            load_ferplus(fer2013_csv)
