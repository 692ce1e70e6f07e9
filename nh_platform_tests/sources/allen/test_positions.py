"""Positions: channels.csv before the electrodes table, and what counts as unregistered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.session import BadUpstreamData
from nh_platform.sources.nwb.positions import locate_channels

Opened = Callable[..., Any]


def _channels(**columns: list[Any]) -> pd.DataFrame:
    n_channels = len(columns["x"])
    return pd.DataFrame(
        {
            "probe": ["probeA"] * n_channels,
            "channel": np.arange(n_channels),
            "channel_id": np.arange(n_channels) + 100,
            "location": ["CA1"] * n_channels,
            **columns,
        }
    )


def test_unregistered_channels_have_no_position_but_keep_their_region() -> None:
    channels = _channels(x=[-1000.0, 0.0, 7000.0], y=[-1000.0, 0.0, 2000.0], z=[-1000.0, 0.0, 8000.0])
    table, notes = locate_channels(channels, None)
    assert table["histology"].tolist() == ["unlocated", "unlocated", "allen"]
    assert table["ccf_ap_um"].isna().tolist() == [True, True, False]
    assert table["acronym"].tolist() == ["CA1"] * 3
    assert table["cosmos"].tolist() == ["HPF"] * 3
    assert "2 of 3 channels are not registered" in notes[0].text
    # 5739/5400/332 µm is bregma; x right, y anterior, z dorsal.
    assert table[["x_m", "y_m", "z_m"]].iloc[2].tolist() == pytest.approx([2261e-6, -1600e-6, -1668e-6])


def test_an_electrodes_table_that_repeats_dv_has_no_ml() -> None:
    channels = _channels(x=[7000.0, 7001.0], y=[2000.0, 1980.0], z=[2000.0, 1980.0])
    table, notes = locate_channels(channels, None)
    assert table["ccf_dv_um"].tolist() == [2000.0, 1980.0]
    assert table["ccf_ml_um"].isna().all()
    assert table["x_m"].isna().all()
    assert table["y_m"].notna().all()
    assert table["histology"].tolist() == ["allen", "allen"]
    assert "repeats DV" in notes[0].text


def test_a_structure_that_iblatlas_does_not_know_keeps_its_text_and_is_noted() -> None:
    channels = _channels(x=[7000.0], y=[2000.0], z=[8000.0], location=["Foo9"])
    table, notes = locate_channels(channels, None)
    assert table["acronym"].tolist() == ["Foo9"]
    assert table["atlas_id"].tolist() == [0]
    assert "Foo9" in notes[0].text


def _write_csv(root: Path, path: Path, drop: int = 0) -> None:
    with h5py.File(path) as handle:
        table = handle["general/extracellular_ephys/electrodes"]
        rows = pd.DataFrame(
            {
                "id": table["id"][...],
                "ecephys_probe_id": table["probe_id"][...],
                "anterior_posterior_ccf_coordinate": 7000.0,
                "dorsal_ventral_ccf_coordinate": 1500.0,
                "left_right_ccf_coordinate": 8200.0,
                "ecephys_structure_acronym": "LGd",
            }
        )
    rows.loc[rows["ecephys_probe_id"] == 810755797, "left_right_ccf_coordinate"] = np.nan
    rows.iloc[: len(rows) - drop].to_csv(root / "channels.csv", index=False)


def test_channels_csv_overrides_the_electrodes_table(opened: Opened) -> None:
    source, _ = opened()
    root = source.settings.root
    _write_csv(root, root / "session_715093703" / "session_715093703.nwb")
    session = source.manifest().session("715093703")
    raw = source.read_spikes(session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    on_a = (raw.units["probe"] == "probeA").to_numpy()
    assert set(annotation.positions["acronym"]) == {"LGd"}
    assert annotation.positions["ccf_ml_um"][on_a].tolist() == [8200.0] * 5
    assert annotation.positions["histology"].tolist() == ["allen"] * 5 + ["unlocated"] * 5


def test_a_channels_csv_without_all_channels_is_not_mixed_in(opened: Opened) -> None:
    source, _ = opened()
    root = source.settings.root
    _write_csv(root, root / "session_715093703" / "session_715093703.nwb", drop=1)
    session = source.manifest().session("715093703")
    raw = source.read_spikes(session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    assert "LGd" not in set(annotation.positions["acronym"])
    assert "channels.csv" in [note.subject for note in annotation.notes]


def test_units_lie_where_their_peak_channel_lies(opened: Opened) -> None:
    source, session = opened()
    raw = source.read_spikes(session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    assert annotation.positions["unit_id"].tolist() == raw.units["unit_id"].tolist()
    assert annotation.released["unit_id"].tolist() == raw.units["unit_id"].tolist()
    on_a = annotation.positions[(raw.units["probe"] == "probeA").to_numpy()]
    # Units 0, 1, 3, 4, 5 peak on channels 0, 2, 6, 8, 10 of probeA, and channel i lies at 8000 + i.
    assert on_a["ccf_ap_um"].tolist() == [8000.0, 8002.0, 8006.0, 8008.0, 8010.0]
    assert on_a["acronym"].tolist() == ["CA1", "CA1", "VISp", "VISp", None]
    subset = raw.units.iloc[[7, 2]].reset_index(drop=True)
    again = source.read_annotation(session, subset, raw.channels)
    assert again.released["unit_id"].tolist() == subset["unit_id"].tolist()


def _annotate(source: Any, session: Any) -> pd.DataFrame:
    raw = source.read_spikes(session)
    return source.read_annotation(session, raw.units, raw.channels).positions


def _edit_csv(root: Path, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    edit(pd.read_csv(root / "channels.csv", dtype=str)).to_csv(root / "channels.csv", index=False)


@pytest.fixture
def with_csv(opened: Opened) -> tuple[Any, Any, Path]:
    """Return a source with a channels.csv, its session as the manifest lists it, and the root."""
    source, _ = opened()
    root = source.settings.root
    _write_csv(root, root / "session_715093703" / "session_715093703.nwb")
    return source, source.manifest().session("715093703"), root


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows.assign(left_right_ccf_coordinate=rows["left_right_ccf_coordinate"].replace("8200.0", "1.0")),
        lambda rows: rows.assign(ecephys_structure_acronym="CA1"),
        lambda rows: rows.iloc[1:],
        lambda rows: rows.iloc[:0],
        lambda rows: pd.concat([rows, rows.iloc[:1].assign(id="1")]),
    ],
    ids=["other position", "other region", "one row fewer", "no rows", "one row more"],
)
def test_rows_of_channels_csv_that_changed_after_the_manifest_are_refused_until_it_is_synced(
    with_csv: tuple[Any, Any, Path], edit: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    source, session, root = with_csv
    _annotate(source, session)
    _edit_csv(root, edit)
    with pytest.raises(
        BadUpstreamData, match=r"session 715093703 in channels.csv: its rows are not those .*`nh sync allen_vc`"
    ):
        _annotate(source, session)
    assert len(source.read_spikes(session).units) == 10, "spikes do not depend on the positions"
    synced = source.manifest().session("715093703")
    assert synced.version("alignment") != session.version("alignment")
    _annotate(source, synced)


def test_a_channels_csv_that_is_gone_is_refused(with_csv: tuple[Any, Any, Path]) -> None:
    source, session, root = with_csv
    (root / "channels.csv").unlink()
    with pytest.raises(BadUpstreamData, match=r"session 715093703 in channels.csv.*restore the file"):
        _annotate(source, session)


def test_a_channels_csv_with_other_order_and_more_sessions_is_the_same(with_csv: tuple[Any, Any, Path]) -> None:
    source, session, root = with_csv
    before = _annotate(source, session)
    _edit_csv(root, lambda rows: pd.concat([rows.iloc[::-1], rows.iloc[:1].assign(id="7", ecephys_probe_id="7")]))
    pd.testing.assert_frame_equal(_annotate(source, session), before)
    assert source.manifest().session("715093703").version("alignment") == session.version("alignment")


def test_a_channels_csv_that_came_after_the_manifest_is_not_read(opened: Opened) -> None:
    source, session = opened()
    before, root = _annotate(source, session), source.settings.root
    _write_csv(root, root / "session_715093703" / "session_715093703.nwb")
    pd.testing.assert_frame_equal(_annotate(source, session), before)
    assert set(_annotate(source, source.manifest().session("715093703"))["acronym"]) == {"LGd"}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda rows: rows.drop(columns="left_right_ccf_coordinate"), "lacks left_right_ccf_coordinate"),
        (lambda rows: rows.assign(left_right_ccf_coordinate="far right"), "24 of 24 are no numbers"),
        (lambda rows: rows.assign(id=["one", *rows["id"].iloc[1:]]), "1 of 24 rows have no id of their own"),
        (lambda rows: pd.concat([rows, rows.iloc[:1]]), "1 of 25 rows have no id of their own"),
    ],
    ids=["column missing", "no numbers", "id is a word", "id twice"],
)
def test_a_channels_csv_that_cannot_be_used_costs_positions_and_no_unit(
    with_csv: tuple[Any, Any, Path], edit: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    source, _, root = with_csv
    _edit_csv(root, edit)
    session = source.manifest().session("715093703")
    raw = source.read_spikes(session)
    annotation = source.read_annotation(session, raw.units, raw.channels)
    assert annotation.positions["unit_id"].tolist() == raw.units["unit_id"].tolist()
    assert any(said in note.text for note in annotation.notes if note.subject == "channels.csv")
