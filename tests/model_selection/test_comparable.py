"""Classifiers of presets that can be compared fairly."""

import pytest

from sk_fer import make_classifier
from sk_fer.estimators import NETWORKS
from sk_fer.model_selection import make_classifiers


@pytest.mark.parametrize("preset", NETWORKS)
def test_each_preset_keeps_validation_images_only_if_it_uses_them(preset):
    plain = make_classifiers([preset], random_state=1, device="cpu")[preset]
    assert (plain.random_state, plain.device) == (1, "cpu")
    assert plain.early_stopping or plain.lr_schedule == "plateau" or not plain.validation_fraction
    stopping = make_classifiers([preset], early_stopping=True)[preset]
    assert stopping.validation_fraction == make_classifier(preset).validation_fraction
    plateau = make_classifiers([preset], lr_schedule="plateau")[preset]
    assert plateau.validation_fraction == make_classifier(preset).validation_fraction
    given = make_classifiers([preset], validation_fraction=0.2)[preset]
    assert given.validation_fraction == 0.2


def test_a_parameter_goes_to_the_classifiers_that_have_it():
    made = make_classifiers(["dense", "fast"], hidden_layer_sizes=(8,), max_epochs=3)
    assert list(made) == ["dense", "fast"]
    assert made["dense"].hidden_layer_sizes == (8,)
    assert [each.max_epochs for each in made.values()] == [3, 3]


def test_errors_name_what_is_wrong():
    with pytest.raises(TypeError, match="none of dense, fast has a parameter 'speed'; they have"):
        make_classifiers(["dense", "fast"], speed=9)
    with pytest.raises(ValueError, match="presets has 'dense' 2 times"):
        make_classifiers(["dense", "dense"])
    with pytest.raises(ValueError, match="'resnet'"):
        make_classifiers(["resnet"])
