"""A surface is read from a BrainGlobe atlas that is there, in its frame, and never from anywhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nh_platform.reports.probe_page.surface import find_surface, read_surface
from nh_platform.session import ConfigError


def write_ball(folder: Path, centre: tuple[float, float, float] = (6600, 4000, 3000)) -> Path:
    """Write a round mesh as an atlas of BrainGlobe has it: µm from in front, on top, on the right."""
    n = 60
    polar, around = np.meshgrid(np.linspace(0.05, np.pi - 0.05, n), np.linspace(0, 2 * np.pi, n, endpoint=False))
    out = [np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)]
    points = np.stack(out, axis=-1).reshape(-1, 3) * (4000, 3000, 2500) + centre
    row, column = np.meshgrid(np.arange(n), np.arange(n - 1), indexing="ij")
    a, b = row * n + column, (row + 1) % n * n + column
    faces = np.concatenate([np.stack([a, b, a + 1], -1), np.stack([b, b + 1, a + 1], -1)]).reshape(-1, 3) + 1
    path = folder / "allen_mouse_25um_v1.2" / "meshes" / "997.obj"
    path.parent.mkdir(parents=True)
    lines = [
        "# a ball",
        *(f"v {x:.2f} {y:.2f} {z:.2f}" for x, y, z in points),
        *(f"f {i}//1 {j}//1 {k}//1" for i, j, k in faces),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BRAINGLOBE_CONFIG_DIR", raising=False)
    return tmp_path


def test_the_mesh_is_mirrored_into_the_ccf_and_thinned(home: Path) -> None:
    surface = read_surface(write_ball(home / ".brainglobe"))
    assert surface.origin == "allen_mouse_25um_v1.2"
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    # BrainGlobe's 500 to 5500 µm from the right are 5900 to 10900 µm from the left.
    assert np.allclose(low, [2600, 1000, 5900], atol=130)
    assert np.allclose(high, [10600, 7000, 10900], atol=130)
    assert 100 < len(surface.vertices) < 3600
    assert surface.triangles.max() < len(surface.vertices)
    assert (np.diff(np.sort(surface.triangles, axis=1), axis=1) > 0).all()


def test_the_atlas_of_brainglobes_folder_is_found_and_none_is_no_error(home: Path) -> None:
    assert find_surface() is None
    write_ball(home / ".brainglobe")
    found = find_surface()
    assert found is not None
    assert found.origin == "allen_mouse_25um_v1.2"


def test_the_folder_of_brainglobes_configuration_is_looked_at_first(home: Path) -> None:
    write_ball(home / "elsewhere")
    settings = home / ".config" / "brainglobe" / "bg_config.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"[default_dirs]\nbrainglobe_dir = {home / 'elsewhere'}\n")
    assert find_surface() is not None
    settings.write_text("no section\n")
    assert find_surface() is None


def test_a_stated_folder_without_a_mesh_or_with_a_broken_one_is_refused_by_name(home: Path) -> None:
    with pytest.raises(ConfigError, match=r"it has no file meshes/997\.obj.*brainglobe install"):
        find_surface(home)
    path = write_ball(home)
    path.write_text("v 1 2\nf 1 2 3\n")
    with pytest.raises(ConfigError, match=r"997\.obj"):
        find_surface(path.parent.parent)
    path.write_text("v 1 2 3\nf 1 2 9\n")
    with pytest.raises(ConfigError, match="no surface within the Allen CCF"):
        find_surface(path.parent.parent)
    path.write_text("v 1 2 99999\nf 1 1 1\n")
    with pytest.raises(ConfigError, match="no surface within the Allen CCF"):
        find_surface(path.parent.parent)
