"""The lines of docs/embeddings.md on images run as they stand, on simulated sessions with pictures."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.simulation import TINY
from nh_platform_tests.homes import make_home, materialize

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "embeddings.md"


def test_the_lines_on_images_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "data" / "demo"
    make_home(home, ("allen_vc",), 2, dataclasses.replace(TINY, allen_pictures=True))
    with (home / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write("  also_assets: [spike_events]\n")
    platform = Platform(load_settings(home))
    with dg.DagsterInstance.ephemeral() as instance:
        assert all(one.success for one in materialize(platform, instance, "allen_vc"))
        made = operations.embed_images(OpenHome(platform, instance), "allen_vc")
        assert [one.state for one in made.sets] == ["made", "made"]
        materialization = instance.get_latest_materialization_event(dg.AssetKey(["allen_vc", "image_embeddings"]))
        assert materialization is not None
    monkeypatch.chdir(tmp_path)
    section = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (images,) = [one for one in section if one.startswith("Images\n")]
    names: dict[str, Any] = {}
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", images, flags=re.DOTALL)):
        exec(compile(block, f"embeddings.md, block {number + 1}", "exec"), names)
    assert names["vectors"].shape == (120, 784)
    assert np.isnan(names["vectors"]).all(axis=1).sum() == 2  # the blanks
    batch = names["batch"]
    assert batch.images.shape == (32, 784)
    assert (np.isnan(batch.images).all(axis=1) == (batch.image_rows < 0)).all()
