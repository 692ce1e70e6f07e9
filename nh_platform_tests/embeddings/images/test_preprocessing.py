"""The preprocessing of the guide: its geometry and numbers, whatever the shape of the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.embeddings.images.preprocessing import IMAGENET_MEAN, IMAGENET_STD, find_preprocessing, seed_guide
from nh_platform.session import ConfigError


def test_levels_become_shares_by_the_statistics_of_each_colour() -> None:
    (made,) = seed_guide([np.full((300, 400), 51, dtype=np.uint8)])
    for colour, (mean, std) in enumerate(zip(IMAGENET_MEAN, IMAGENET_STD)):
        np.testing.assert_allclose(made[colour], (0.2 - mean) / std, rtol=1e-6)


def test_an_image_of_the_size_is_taken_as_it_is_and_a_wider_one_from_its_middle() -> None:
    square = np.random.default_rng(0).integers(0, 256, (224, 224)).astype(np.uint8)
    wide = np.pad(square, ((0, 0), (60, 60)))
    levels = [np.rint((one[0] * IMAGENET_STD[0] + IMAGENET_MEAN[0]) * 255) for one in seed_guide([square, wide])]
    np.testing.assert_array_equal(levels[0], square)
    np.testing.assert_array_equal(levels[1], square)


@given(st.integers(8, 400), st.integers(8, 400))
@settings(deadline=None, max_examples=25)
def test_every_shape_becomes_one(height: int, width: int) -> None:
    made = seed_guide([np.zeros((height, width), dtype=np.uint8)])
    assert made.shape == (1, 3, 224, 224)
    assert made.dtype == np.float32


def test_a_processor_without_a_model_and_a_name_that_is_none_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"preprocessing processor: it comes with a model"):
        find_preprocessing("processor").open(None)
    with pytest.raises(ConfigError, match=r"Did you mean seed-guide"):
        find_preprocessing("seed-giude")
