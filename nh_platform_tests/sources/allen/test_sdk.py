"""The one module that imports AllenSDK."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nh_platform.sources.allen import sdk


def test_the_shim_adds_names_to_numpy_and_leaves_existing_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "NaN", "mine", raising=False)
    sdk.restore_numpy_names()
    assert np.NaN == "mine"  # noqa: NPY201
    assert np.VisibleDeprecationWarning is np.exceptions.VisibleDeprecationWarning  # noqa: NPY201


def test_reading_a_session_needs_no_allensdk() -> None:
    code = "import sys, nh_platform.sources.allen; print([m for m in sys.modules if m in ('allensdk', 'pynwb', 'one')])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


@pytest.mark.filterwarnings("ignore")
def test_the_warehouse_cache_opens_on_a_folder_and_asks_for_nothing(tmp_path: Path) -> None:
    cache = sdk.warehouse_cache(tmp_path / "manifest.json")
    assert Path(cache.get_cache_path(None, cache.SESSION_NWB_KEY, 7, 7)) == tmp_path / "session_7" / "session_7.nwb"
