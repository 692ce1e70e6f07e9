"""npz, npy and Parquet files: all that a session offers, bit-exact, with units of measure, terms and citations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nh_platform import operations
from nh_platform.exports.plain.session_arrays import structured
from nh_platform.exports.plain.session_content import session_content
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform_tests.homes import WRITERS

SOURCES = tuple(WRITERS)

TRIAL_SOURCES = {"ibl": "choice", "allen_vc": "stimulus_name", "allen_vbn": "change_image_name"}


def export(home: Platform, layout: str, folder: Path, source: str = "ibl", **how: object) -> Path:
    done = operations.export_sessions(home.settings.home, layout, source, folder, **how)  # type: ignore[arg-type]
    assert not done.failed, done.failed
    return folder / next(iter(done.written.values()))


@pytest.mark.parametrize("layout", ["npz", "npy", "parquet"])
@pytest.mark.parametrize("option", ["brotli"])
def test_a_compression_that_the_layout_does_not_know_is_refused_by_name(
    three_sources: Platform, tmp_path: Path, layout: str, option: str
) -> None:
    said = "has no such option" if layout == "npy" else "--compression brotli: there are"
    with pytest.raises(ConfigError, match=said):
        operations.export_sessions(
            three_sources.settings.home, layout, "ibl", tmp_path / "out", options={"compression": option}
        )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", ["npz", "npy", "parquet", "hdf5"])
def test_a_session_without_events_signals_and_regions_is_written_and_says_so(
    three_sources: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    nowhere = {"acronym": None, "beryl": None, "cosmos": None, "region": None}
    units = SessionView.units.func  # type: ignore[attr-defined]
    monkeypatch.setattr(SessionView, "units", property(lambda self: units(self).assign(**nowhere)))
    monkeypatch.setattr(SessionView, "assets", property(lambda self: ["raw_spikes", "units"]))
    done = operations.export_sessions(three_sources.settings.home, layout, "ibl", tmp_path)
    (notes,) = done.left_out.values()
    assert (done.failed, len(done.written)) == ({}, 1)
    assert [note for note in notes if note.startswith("it has no events")]
    assert [note for note in notes if note.startswith("it has no signals")]
    assert [note for note in notes if note.startswith("no region is known")]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("compression", ["none", "zip"])
def test_npz_holds_what_the_session_holds(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path, source: str, compression: str
) -> None:
    session = only_session[source]
    path = export(three_sources, "npz", tmp_path, source, options={"compression": compression})
    with np.load(path, allow_pickle=False) as held:
        assert held["spikes.times"].tobytes() == session.spikes.times.tobytes()
        assert np.array_equal(held["spikes.offsets"], session.spikes.offsets)
        assert np.array_equal(held["spikes.amplitudes"], session.spikes.amplitudes, equal_nan=True)
        units, trials = pd.DataFrame(held["units"]), pd.DataFrame(held["trials"])
        assert units["unit_id"].tolist() == session.units["unit_id"].tolist()
        assert list(units.columns) == list(session.units.columns)
        assert np.array_equal(units["good"], session.good_units())
        assert len(trials) == len(session.trials)
        assert {TRIAL_SOURCES[source], "stimulus_onset", "correct"} <= set(trials)
        for name, signal in session.signals.items():
            assert held[f"signals.{name}.timestamps"].tobytes() == signal.timestamps.tobytes()
            assert np.array_equal(held[f"signals.{name}.values"], signal.values, equal_nan=True)
        about, origin = json.loads(str(held["about"])), json.loads(str(held["origin"]))
        assert set(about) == set(held.files) - {"about", "origin"}
    assert all(one["unit"] and one["meaning"] for one in about.values())
    assert all(column["unit"] and column["meaning"] for one in about.values() for column in one.get("columns", ()))
    assert not [one for name in about for one in about[name].get("columns", ()) if "," in one["unit"]]
    assert about["spikes.times"]["unit"] == "s"
    assert origin["terms"] == three_sources.entry(source).terms
    assert origin["cites"]
    assert origin["rulebook_cites"]


def test_npy_files_are_memory_mapped(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path
) -> None:
    folder = export(three_sources, "npy", tmp_path, units="good")
    session = only_session["ibl"]
    rows = np.flatnonzero(session.good_units())
    times = np.load(folder / "spikes.times.npy", mmap_mode="r", allow_pickle=False)
    units = np.load(folder / "units.npy", mmap_mode="r", allow_pickle=False)
    assert isinstance(times, np.memmap)
    assert np.array_equal(times, session.spikes.take(rows).times)
    assert units["unit_id"].tolist() == session.units["unit_id"].to_numpy()[rows].tolist()
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    assert {path.stem for path in folder.glob("*.npy")} == set(about)
    assert json.loads((folder / "origin.json").read_text(encoding="utf-8"))["units"] == "good"


@pytest.mark.parametrize("source", SOURCES)
def test_parquet_tables_hold_what_the_session_holds(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path, source: str
) -> None:
    session = only_session[source]
    folder = export(three_sources, "parquet", tmp_path, source)
    spikes, units = pd.read_parquet(folder / "spikes.parquet"), pd.read_parquet(folder / "units.parquet")
    assert spikes["time"].to_numpy().tobytes() == session.spikes.times.tobytes()
    assert np.array_equal(spikes["unit"].to_numpy(), np.repeat(np.arange(len(units)), session.spikes.counts))
    assert (spikes["unit_id"].astype(str) == units["unit_id"].to_numpy()[spikes["unit"]]).all()
    assert list(units.columns) == ["source", "session_id", *session.units.columns]
    names = {path.stem for path in folder.glob("*.parquet")}
    assert names >= {"trials", "valid_time", *(f"signal_{name}" for name in session.signals)}
    for path in folder.glob("*.parquet"):
        schema = pq.read_schema(path)
        origin = json.loads(schema.metadata[b"nh.origin"])
        assert (origin["source"], origin["terms"]) == (source, three_sources.entry(source).terms)
        assert all(field.metadata[b"unit"] and field.metadata[b"meaning"] for field in schema), path.name
        assert not [field.name for field in schema if b"," in field.metadata[b"unit"]]
        table = pq.read_table(path)
        assert set(table["source"].to_pylist()) <= {source}
        assert pa.types.is_string(schema.field("session_id").type) or path.stem == "spikes"


def test_texts_of_a_table_without_rows_or_values_have_a_width(only_session: dict[str, SessionView]) -> None:
    content = session_content(only_session["ibl"], np.zeros(0, dtype=np.int64), "ibl-2022-10")
    units = content.table("units")
    assert units is not None
    table = structured(units)
    assert (table.shape, table.dtype["unit_id"].itemsize > 0) == ((0,), True)
    assert len(content.spikes.times) == 0
