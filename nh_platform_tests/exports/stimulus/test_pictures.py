"""The pictures of a stimulus as one file: those of the templates, or as the Mlynarski group's set has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nh_platform.exports.stimulus.netcdf import read_group
from nh_platform.exports.stimulus.pictures import COMPAT_LEVELS, write_pictures
from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource
from nh_platform.sources.pictures import ShowsPictures
from nh_platform.store.codecs.hdf5 import open_file

PICTURES = np.arange(3 * 16 * 20, dtype=np.uint64).reshape(3, 16, 20).astype(np.uint8)


def through_image_files(pictures: np.ndarray, folder: Path) -> np.ndarray:
    """Write every picture as an image with a grey colour map and read it, as that data set was made."""
    import matplotlib.image as image
    import matplotlib.pyplot as plt

    found = []
    for number, picture in enumerate(pictures):
        plt.imsave(folder / f"{number}.png", picture, cmap="gray", vmin=0, vmax=255)
        found.append((image.imread(folder / f"{number}.png")[..., 0] * 255).astype(np.uint8))
    return np.stack(found)


def test_compat_is_what_went_through_image_files_and_exact_is_what_was_shown(tmp_path: Path) -> None:
    for mode, expected in (
        ("exact", PICTURES),
        ("mlynarski-compat", through_image_files(PICTURES, tmp_path)),
    ):
        write_pictures(tmp_path / f"{mode}.h5", "natural_scenes", PICTURES, mode)
        plain = xr.DataArray(
            expected, dims=("frame", "y", "x"), coords={"frame": np.arange(3)}, name="natural_scenes"
        ).to_dataset()
        with xr.open_dataset(tmp_path / f"{mode}.h5", engine="h5netcdf") as found:
            xr.testing.assert_identical(found.load(), plain)
            assert found["natural_scenes"].dtype == np.uint8
    assert (np.arange(256) != COMPAT_LEVELS).sum() == 24


def test_dimensions_without_a_coordinate_are_no_variables(tmp_path: Path) -> None:
    write_pictures(tmp_path / "frames.h5", "natural_scenes", PICTURES, "exact")
    with open_file(tmp_path / "frames.h5") as file:
        group = read_group(file, "/")
    assert set(group) == {"frame", "natural_scenes"}
    assert group["natural_scenes"].dims == ("frame", "y", "x")


def test_a_movie_is_read_whole_and_what_is_missing_or_has_none_is_named(tmp_path: Path) -> None:
    source = AllenVisualCodingSource(AllenVcSettings(root=tmp_path))
    assert isinstance(source, ShowsPictures)
    (tmp_path / "natural_movie_templates").mkdir()
    with (tmp_path / "natural_movie_templates" / "natural_movie_3.h5").open("wb") as file:
        np.save(file, PICTURES)
    np.testing.assert_array_equal(source.stimulus_pictures("natural_movie_three"), PICTURES)
    with pytest.raises(BadUpstreamData, match=r"natural_scene_0\.tiff: it is not in"):
        source.stimulus_pictures("natural_scenes")
    with pytest.raises(ConfigError, match=r"stimulus gabors: it has no template images"):
        source.stimulus_pictures("gabors")
