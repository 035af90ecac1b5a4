import pytest

from sk_fer.datasets._names import (
    EXPRESSIONS,
    SUBSETS,
    USAGES,
    canonical_subset,
    expression_of,
    subset_of,
    usage_code,
)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions_stand_for_themselves_in_any_case(name):
    assert expression_of(name) == expression_of(name.title()) == expression_of(f" {name} ") == name


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Anger", "angry"),
        ("happiness", "happy"),
        ("SADNESS", "sad"),
        ("neutrality", "neutral"),
        ("surprised", "surprise"),
        ("disgusted", "disgust"),
        ("fearful", "fear"),
        ("AFRAID", "fear"),
        ("Joy", "happy"),
        ("suprise", "surprise"),
        ("Contemptuous", "contempt"),
        ("0_Anger", "angry"),
        ("03 - happiness", "happy"),
        ("7.contempt", "contempt"),
    ],
)
def test_expression_aliases(alias, name):
    assert expression_of(alias) == name


@pytest.mark.parametrize(
    ("alias", "subset"),
    [
        ("training", "train"),
        ("val", "validation"),
        ("Valid", "validation"),
        ("testing", "test"),
        *[
            (name, "train")
            for name in ("training_set", "Train Data", "FER2013Train", "train-images")
        ],
        *[(name, "validation") for name in ("dev", "eval", "Valid", "val_set", "FER2013Valid")],
        *[(name, "validation") for name in ("Public_Test", "public-test", "PUBLICTEST")],
        *[(name, "test") for name in ("test_set", "TestData", "FER2013Test", "Private Test")],
        *zip(USAGES, SUBSETS, strict=True),
        *zip(SUBSETS, SUBSETS, strict=True),
    ],
)
def test_subset_aliases(alias, subset):
    assert subset_of(alias) == subset
    assert usage_code(alias) == SUBSETS.index(subset)


def test_other_names_are_unknown():
    for name in ("train", "3", "3_", "happy_2", "unhappy", "surprised_happy", ""):
        assert expression_of(name) is None
    for name in ("happy", "images", "trainval", "data", "latest", "extra", ""):
        assert subset_of(name) is None


def test_a_parameter_subset_is_any_name_of_a_split_or_all():
    assert canonical_subset("PublicTest") == "validation"
    assert canonical_subset("All") == "all"
    assert canonical_subset("happy") is None
