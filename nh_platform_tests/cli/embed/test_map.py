"""`nh embed map`: a picture of a session's units, by principal components or UMAP."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform import open_store, operations
from nh_platform.embeddings.flat_maps import has_umap
from nh_platform.session import ConfigError
from nh_platform_tests.cli.commands import nh


def test_units_are_drawn_by_region_and_by_verdict(home: Path, tmp_path: Path) -> None:
    (session_id,) = open_store(home).sessions("ibl")["session_id"]
    asked = ("embed", "map", "ibl", session_id[:6], "--method", "pca", "--output")
    shown = nh(home, *asked, str(tmp_path / "map.svg"))
    assert shown.exit_code == 0, shown.output
    picture = (tmp_path / "map.svg").read_text()
    assert "by region" in picture
    assert "by verdict" in picture
    assert "component 1" in picture
    assert session_id in picture
    nh(home, *asked, str(tmp_path / "again.svg"))
    assert (tmp_path / "again.svg").read_text() == picture
    assert nh(home, *asked, str(tmp_path / "map.png")).exit_code == 0
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_named(home: Path, tmp_path: Path) -> None:
    (session_id,) = open_store(home).sessions("ibl")["session_id"]
    for output, method, text in (
        ("map.jpeg", "pca", "it is no picture"),
        ("gone/map.svg", "pca", "its folder is not there"),
        ("map.svg", "tsne", "Use pca or umap"),
    ):
        with pytest.raises(ConfigError, match=text):
            operations.map_units(home, "ibl", session_id, tmp_path / output, method=method)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(has_umap(), reason="umap-learn is installed")
def test_without_umap_it_is_said_how_to_get_it(home: Path, tmp_path: Path) -> None:
    (session_id,) = open_store(home).sessions("ibl")["session_id"]
    with pytest.raises(ConfigError, match=r"pip install umap-learn"):
        operations.map_units(home, "ibl", session_id, tmp_path / "map.svg")


@pytest.mark.skipif(not has_umap(), reason="needs the extra umap")
def test_umap_draws_the_same_units(home: Path, tmp_path: Path) -> None:
    (session_id,) = open_store(home).sessions("ibl")["session_id"]
    by_umap = operations.map_units(home, "ibl", session_id, tmp_path / "umap.svg")
    by_pca = operations.map_units(home, "ibl", session_id, tmp_path / "pca.svg", method="pca")
    assert by_umap.n_units == by_pca.n_units
    assert "UMAP 1" in by_umap.path.read_text()
