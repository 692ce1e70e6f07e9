"""Packs of spikes: what is chosen, what is in the files, how large they are, and what goes wrong."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.exports.export_folder import ExportFolder
from nh_platform.exports.spike_pack import pack_selection
from nh_platform.exports.spike_pack.pack_files import write_pack
from nh_platform.exports.spike_pack.pack_selection import PackPart
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import BadUpstreamData, ConfigError, StoreError, UnknownSession
from nh_platform.session.tables.across_sessions.spike_pack import PACK_UNIT_INVALID_TIMES, PACK_UNITS, PACK_VALID_TIME
from nh_platform_tests.homes import WRITERS

SOURCES = tuple(WRITERS)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "exports.md"


class MadePart:
    """Units of a made-up session, each with as many spikes."""

    def __init__(self, source: str, session: str, n_units: int, n_each: int) -> None:
        self.n_each = n_each
        ids = [f"unit-{number}" for number in range(n_units)]
        columns = dict.fromkeys(PACK_UNITS.names, "")
        frame = pd.DataFrame({**columns, "unit_id": ids, "source": source, "session_id": session})
        named = frame.assign(
            id=[f"{source}/{session}/{one}" for one in ids], depth=0.0, label=1.0, good=True, n_spikes=n_each
        )
        self.units = PACK_UNITS.conform(named)
        self.unit_invalid_times = PACK_UNIT_INVALID_TIMES.empty()

    def times(self) -> np.ndarray:
        return np.arange(len(self.units) * self.n_each, dtype=np.float64)

    def spikes(self) -> tuple[np.ndarray, pd.DataFrame]:
        return self.times(), PACK_VALID_TIME.empty()


def test_bad_input_is_refused_by_name(three_sources: Platform, tmp_path: Path) -> None:
    home, out = three_sources.settings.home, tmp_path / "out"
    with pytest.raises(ConfigError, match="no source is named"):
        operations.export_spike_pack(home, [], out)
    with pytest.raises(ConfigError, match="there is no such source"):
        operations.export_spike_pack(home, ["ible"], out)
    with pytest.raises(ConfigError, match="region 'VISq'"):
        operations.export_spike_pack(home, ["ibl"], out, region="VISq")
    with pytest.raises(UnknownSession):
        operations.export_spike_pack(home, SOURCES, out, ["0000-none"])
    with pytest.raises(StoreError, match="none of its units in MOB is chosen by --units good"):
        operations.export_spike_pack(home, SOURCES, out, region="MOB")
    with pytest.raises(UnknownSession, match="rulebook 'ibl-2021'"):
        operations.export_spike_pack(home, ["ibl"], out, units="ibl-2021")
    assert not out.exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match="it holds something else"):
        operations.export_spike_pack(home, ["ibl"], tmp_path / "mine")


def test_a_pack_holds_the_good_units_of_every_source(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path
) -> None:
    made = operations.export_spike_pack(three_sources.settings.home, SOURCES, tmp_path)
    times, offsets, units = (
        np.load(made.folder / f"{name}.npy", mmap_mode="r") for name in ("times", "offsets", "units")
    )
    assert (len(units), len(times)) == (made.n_units, made.n_spikes)
    assert (offsets[0], offsets[-1], len(offsets)) == (0, len(times), len(units) + 1)
    first = 0
    for source in SOURCES:
        session = only_session[source]
        rows = np.flatnonzero(session.good_units())
        own = units[first : first + len(rows)]
        assert own["id"].tolist() == [
            f"{source}/{session.session_id}/{one}" for one in session.units["unit_id"].to_numpy()[rows]
        ]
        for place, row in enumerate(rows):
            spikes = times[offsets[first + place] : offsets[first + place + 1]]
            assert spikes.tobytes() == session.spikes.of_unit(row).tobytes()
        assert set(own["subject"]) == {session.info.subject}
        assert set(own["rulebook"]) == {session.active_rulebook}
        assert own["good"].all()
        first += len(rows)
    assert first == len(units)
    size = sum((made.folder / f"{name}.npy").stat().st_size for name in ("times", "offsets", "units"))
    assert 0 <= size - made.n_bytes < 3000  # headers
    origins = json.loads((made.folder / "origin.json").read_text(encoding="utf-8"))
    assert [one["source"] for one in origins] == list(SOURCES)
    assert all(one["terms"] and one["cites"] for one in origins)
    assert operations.export_spike_pack(three_sources.settings.home, SOURCES, tmp_path).is_current


def test_a_pack_says_in_which_time_spikes_of_each_probe_are_valid(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = operations.export_spike_pack(three_sources.settings.home, SOURCES, tmp_path / "one")
    found = np.load(made.folder / "valid_time.npy")
    expected = [
        (source, only_session[source].session_id, probe, start, stop)
        for source in SOURCES
        for probe, pairs in only_session[source].valid_spikes.stretches.items()
        for start, stop in pairs
    ]
    assert found.tolist() == expected
    assert any(sum(only_session[source].valid_spikes.left_out.values()) for source in SOURCES)
    about = json.loads((made.folder / "about.json").read_text(encoding="utf-8"))["valid_time"]
    assert [one["unit"] for one in about["columns"]] == ["-", "-", "-", "s", "s"]
    monkeypatch.setattr(SessionView, "assets", property(lambda self: ["raw_spikes", "units"]))
    without = operations.export_spike_pack(three_sources.settings.home, ["ibl"], tmp_path / "other")
    assert len(np.load(without.folder / "valid_time.npy")) == 0


def test_the_reader_of_the_docs_needs_numpy_alone(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = operations.export_spike_pack(three_sources.settings.home, ["ibl"], tmp_path / "pack")
    monkeypatch.chdir(tmp_path)
    section = PAGE.read_text(encoding="utf-8").partition("## spikes")[2]
    block = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[0]
    assert len(block.splitlines()) <= 10
    assert "nh_platform" not in block
    names: dict[str, object] = {}
    exec(compile(block, "exports.md", "exec"), names)
    read = names["spikes_of"]
    assert callable(read)
    session = only_session["ibl"]
    row = int(np.flatnonzero(session.good_units())[-1])
    unit = f"ibl/{session.session_id}/{session.units['unit_id'].iloc[row]}"
    assert np.array_equal(read(unit), session.spikes.of_unit(row))
    assert made.n_units == len(names["units"])  # type: ignore[arg-type]


def test_a_region_sessions_and_rulebooks_choose(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path
) -> None:
    home, session = three_sources.settings.home, only_session["ibl"]
    units = session.units
    area = units.loc[units["beryl"].notna(), "beryl"].iloc[0]
    made = operations.export_spike_pack(
        home, SOURCES, tmp_path, [session.session_id[:8]], units="all", region=area, dry_run=True
    )
    assert (made.n_units, made.sessions) == ((units["beryl"] == area).sum(), {"ibl": 1})
    strict = operations.export_spike_pack(home, ["ibl"], tmp_path, units="ibl-2022-03", dry_run=True)
    assert strict.n_units == session.good_units("ibl-2022-03").sum()
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_lacks_something_is_named_and_the_others_go_on(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = only_session["allen_vc"].session_id
    whole = PackPart.spikes

    def spikes(self: PackPart) -> tuple[np.ndarray, pd.DataFrame]:
        if self.units["session_id"].iloc[0] == broken:
            raise BadUpstreamData(broken, "its spikes are gone", "Nothing.")
        return whole(self)

    monkeypatch.setattr(PackPart, "spikes", spikes)
    made = operations.export_spike_pack(three_sources.settings.home, SOURCES, tmp_path)
    assert set(made.failed) == {f"allen_vc/{broken}"}
    assert made.sessions == {"ibl": 1, "allen_vbn": 1}
    held = np.load(made.folder / "units.npy")
    assert (set(held["source"]), len(held)) == ({"ibl", "allen_vbn"}, made.n_units)
    assert len(np.load(made.folder / "times.npy", mmap_mode="r")) == made.n_spikes
    monkeypatch.setattr(PackPart, "spikes", whole)
    assert not operations.export_spike_pack(three_sources.settings.home, SOURCES, tmp_path).is_current

    def unread(opened: Callable[[], SessionView], units: str, region: object) -> PackPart:
        if opened().session_id == broken:
            raise UnknownSession(broken, "it has no units", "Nothing.")
        return pack_part(opened, units, region)  # type: ignore[arg-type]

    pack_part = pack_selection.pack_part
    monkeypatch.setattr(pack_selection, "pack_part", unread)
    again = operations.export_spike_pack(three_sources.settings.home, SOURCES, tmp_path / "other")
    assert (set(again.failed), again.sessions) == ({f"allen_vc/{broken}"}, {"ibl": 1, "allen_vbn": 1})


def test_a_pack_that_fails_leaves_what_was_there(
    three_sources: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = three_sources.settings.home
    made = operations.export_spike_pack(home, ["ibl"], tmp_path)
    before = {path.name: path.read_bytes() for path in made.folder.iterdir()}

    def full(self: PackPart) -> tuple[np.ndarray, pd.DataFrame]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PackPart, "spikes", full)
    with pytest.raises(StoreError, match="the disk is full"):
        operations.export_spike_pack(home, ["ibl"], tmp_path, again=True)
    assert {path.name: path.read_bytes() for path in made.folder.iterdir()} == before
    assert ExportFolder.opened(tmp_path).made.keys() == {"spikes"}


def test_ids_of_two_sources_never_clash(tmp_path: Path) -> None:
    parts = [MadePart("one", "1", 3, 2), MadePart("two", "1", 3, 2)]
    assert write_pack(tmp_path / "pack", parts, []) == {}
    units = np.load(tmp_path / "pack" / "units.npy")
    assert len(set(units["unit_id"])) == 3
    assert len(set(units["id"])) == 6


def test_memory_holds_one_session_whatever_their_number(tmp_path: Path) -> None:
    parts = [MadePart("one", str(number), 4, 250_000) for number in range(12)]  # 8 MB each
    tracemalloc.start()
    try:
        write_pack(tmp_path / "pack", parts, [])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "pack" / "times.npy").stat().st_size == 12 * 8_000_000 + 128
    assert peak < 20e6


def test_a_session_with_other_spikes_than_its_units_say_is_left_out(tmp_path: Path) -> None:
    odd, whole = MadePart("one", "1", 2, 3), MadePart("one", "2", 2, 3)
    odd.n_each = 5
    failed = write_pack(tmp_path / "pack", [odd, whole], [])
    assert "its units state 6 spikes, and 10 are stored" in str(failed[0])
    assert np.load(tmp_path / "pack" / "times.npy").tolist() == whole.times().tolist()
