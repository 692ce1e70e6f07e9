"""What is listed of a session is put together once, and anew for another session or another release."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.session import UnknownSession
from nh_platform_tests.history.releases import a_manifest, edit, ids, of

ALL = a_manifest()
FIRST, SECOND = ids(ALL)[:2]


def spikes_of(platform: Platform, session_id: str) -> str:
    return platform.session_files("ibl", session_id).version("spikes")


def test_each_session_has_its_own_and_a_release_is_seen(tmp_path: Path) -> None:
    platform = Platform(load_settings(tmp_path))
    store_manifest(platform.store, ALL, "1")
    first = platform.session_files("ibl", FIRST)
    assert platform.session_files("ibl", FIRST) is first
    assert spikes_of(platform, SECOND) == ALL.session(SECOND).version("spikes") != first.version("spikes")
    assert spikes_of(platform, FIRST) == ALL.session(FIRST).version("spikes") == first.version("spikes")
    patched = edit(ALL, of(FIRST, "spikes.times", "probe00"), md5="0" * 32)
    store_manifest(platform.store, patched, "1")
    assert spikes_of(platform, FIRST) == patched.session(FIRST).version("spikes") != first.version("spikes")
    with pytest.raises(UnknownSession, match="another"):
        platform.session_files("ibl", "another")
