"""Files are the same with one map of types as with a copy for each value, and HDMF has its own way back behind it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from hdmf.container import AbstractContainer
from pynwb.core import NWBMixin

from nh_platform.exports.nwb import shared_types as module
from nh_platform.exports.nwb.shared_types import shared_types
from nh_platform_tests.exports.nwb.conftest import View, Write

LOOKUPS = (AbstractContainer._get_type_map, NWBMixin._get_type_map)


def lookups() -> tuple[object, object]:
    return AbstractContainer._get_type_map, NWBMixin._get_type_map


def test_a_file_has_the_same_bytes(view: View, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, _ = write(view("allen_vbn"), "shared.nwb")
    monkeypatch.setattr(module, "shared_types", nullcontext)
    copied, _ = write(view("allen_vbn"), "copied.nwb")
    assert shared.read_bytes() == copied.read_bytes()
    assert lookups() == LOOKUPS


def test_it_ends_with_the_last_context_also_after_an_error() -> None:
    one, other = shared_types(), shared_types()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert lookups() != LOOKUPS
    other.__exit__(None, None, None)
    assert lookups() == LOOKUPS
    with pytest.raises(ValueError, match="broken"), shared_types():
        raise ValueError("broken")
    assert lookups() == LOOKUPS


def test_each_library_has_its_own_map(tmp_path: Path) -> None:
    from hdmf.common import VectorData
    from pynwb.file import Subject

    with shared_types():
        of_hdmf, of_pynwb = (
            made._get_type_map() for made in (VectorData(name="a", description="b"), Subject(subject_id="c"))
        )
        assert Subject(subject_id="d")._get_type_map() is of_pynwb
        assert of_hdmf is not of_pynwb
        assert "core" in of_pynwb.namespace_catalog.namespaces
        assert "core" not in of_hdmf.namespace_catalog.namespaces
