"""Augmentation: each change alone, one draw per image, no global random state."""

import pytest
import torch

from sk_fer.training import Augmentation


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images():
    return torch.rand(64, 1, 24, 24, generator=generator(1)) + 0.5


def test_flip_mirrors_about_half_of_the_images(images):
    out = Augmentation({"flip": 0.5})(images, generator())
    mirrored = (out == images.flip(3)).all(dim=(1, 2, 3))
    kept = (out == images).all(dim=(1, 2, 3))
    assert (mirrored | kept).all()
    assert 16 < mirrored.sum() < 48


@pytest.mark.parametrize(
    "settings", [{"shift": 0.2}, {"rotation": 20}, {"scale": 0.3}, {"erasing": 1.0}]
)
def test_each_image_has_a_draw_of_its_own(images, settings):
    same = images[:1].expand(8, -1, -1, -1)
    out = Augmentation(settings)(same, generator())
    assert len(torch.unique(out.flatten(1), dim=0)) == 8
    torch.testing.assert_close(out, Augmentation(settings)(same, generator()))


def test_a_warp_without_changes_changes_nothing(images):
    tiny = Augmentation({"shift": 1e-7, "rotation": 1e-7, "scale": 1e-7})
    torch.testing.assert_close(tiny(images, generator()), images, atol=1e-4, rtol=1e-4)


def test_warp_and_flip_agree_with_flip_alone(images):
    out = Augmentation({"flip": 1.0, "shift": 1e-7})(images, generator())
    torch.testing.assert_close(out, images.flip(3), atol=1e-4, rtol=1e-4)


def test_rotation_keeps_shapes_on_oblong_images():
    x = torch.zeros(1, 1, 21, 41)
    x[..., 10, 20] = 1.0
    out = Augmentation({"rotation": 180})(x, generator())
    assert out[..., 9:12, 19:22].sum() > 0.9


def test_shift_moves_by_no_more_than_asked():
    x = torch.zeros(200, 1, 40, 40)
    x[..., 20, 20] = 1.0
    out = Augmentation({"shift": 0.1})(x, generator())
    rows = out.sum(3).squeeze(1).argmax(1) - 20
    assert rows.abs().max() <= 5
    assert rows.min() < -2
    assert rows.max() > 2


def test_erasing_blanks_two_to_twenty_percent(images):
    out = Augmentation({"erasing": 1.0})(images, generator())
    erased = (out == 0).float().mean((1, 2, 3))
    assert erased.min() > 0.005
    assert erased.max() < 0.26
    assert erased.std() > 0.01


def test_global_random_state_is_not_changed(images):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    every = {"flip": 0.5, "shift": 0.1, "rotation": 10, "scale": 0.1, "erasing": 0.5}
    Augmentation(every)(images, generator())
    assert torch.equal(before, torch.random.get_rng_state())
