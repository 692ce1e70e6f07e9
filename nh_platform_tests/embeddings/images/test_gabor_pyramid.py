"""The Gabor pyramid answers to what its features are called: size, orientation and place."""

from __future__ import annotations

import numpy as np
import pytest

from nh_platform.embeddings.images.gabor_pyramid import N_CELLS, feature_names, gabor_energies
from nh_platform.embeddings.images.preprocessing import seed_guide

NAMES = feature_names()
Y, X = np.mgrid[:224, :224]


def features(image: np.ndarray) -> np.ndarray:
    return gabor_energies(seed_guide([image.astype(np.uint8)]))[0]


@pytest.mark.parametrize("wavelength", [8.0, 16.0, 32.0])
@pytest.mark.parametrize("degrees", [0.0, 45.0, 90.0, 112.5])
def test_a_grating_drives_the_filter_of_its_size_and_orientation(wavelength: float, degrees: float) -> None:
    angle = np.deg2rad(degrees)
    found = features(127 + 100 * np.sin(2 * np.pi * (X * np.cos(angle) + Y * np.sin(angle)) / wavelength))
    strongest = NAMES[int(found[: -(N_CELLS**2)].argmax())]
    assert strongest.startswith(f"energy_{wavelength:.1f}px_{degrees:g}deg_")


def test_energies_are_in_grey_levels_and_where_the_grating_is() -> None:
    left = np.where(X < 140, 127 + 100 * np.sin(2 * np.pi * X / 16), 127)
    found = dict(zip(NAMES, features(left)))
    inside, outside = found["energy_16.0px_0deg_r1c1"], found["energy_16.0px_0deg_r1c3"]
    assert inside == pytest.approx(0.135, rel=0.1)
    assert outside < 0.2 * inside


def test_even_grey_has_no_energy_and_its_level() -> None:
    found = features(np.full((224, 224), 51))
    assert np.abs(found[: -(N_CELLS**2)]).max() == 0.0
    np.testing.assert_allclose(found[-(N_CELLS**2) :], 0.2, atol=1e-6)


def test_contrast_scales_energies_and_the_size_of_batches_changes_nothing() -> None:
    noise = np.random.default_rng(0).integers(-50, 50, (3, 224, 224))
    once, half = (np.stack([features(127 + level * one) for one in noise]) for level in (1.0, 0.5))
    np.testing.assert_allclose(half[:, :768], once[:, :768] / 2, rtol=0.05, atol=1e-3)
    together = gabor_energies(seed_guide((127 + noise).astype(np.uint8)))
    np.testing.assert_array_equal(together, once)
    assert together.dtype == np.float32
