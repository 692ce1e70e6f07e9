"""Where the channels and units of found insertions lie: from stored sessions, else from the tables of the release.

Contains the gathering for a page or a file of points. Add here another table that states positions. Which insertions
there are is `probe_search`; nothing here asks upstream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.released_tables import ASSET, read_released
from nh_platform.reading.searching.session_search import read_summary
from nh_platform.session import NhError
from nh_platform.sources.anatomy.coordinates import BREGMA_AP_UM, BREGMA_DV_UM, BREGMA_ML_UM, mirrored_ml_um
from nh_platform.sources.entry import MlTowards, SourceEntry, UpstreamLabel
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import column_names, read_table
from nh_platform.store.file_hashes import is_stored
from nh_platform.store.names import SOURCE_WIDE

AXES = ("ap_um", "dv_um", "ml_um")
"""CCF µm; ML counts from the animal's left to its right, whatever the source."""

CHANNEL_COLUMNS = ("source", "insertion_id", "along", *AXES, "acronym")
UNIT_COLUMNS = ("source", "insertion_id", "unit_id", *AXES, "acronym", "label")

PASS, FAIL, UNLABELLED = "pass", "fail", "none"
"""Labels of units: good, not good, or not known."""

_STATED = ("ccf_ap_um", "ccf_dv_um", "ccf_ml_um")
_BREGMA = (BREGMA_AP_UM, BREGMA_DV_UM, BREGMA_ML_UM)
"""Zero on every axis of IBL's metres: files of whole numbers have no NaN, so that it stands for no position."""

_NO_TABLE = "no table here states where it lies"
_NO_HISTOLOGY = "upstream states no final position (no histology, or its alignment is not resolved)"
_NO_ML = "upstream states no ML of its channels"


@dataclass(frozen=True)
class ProbePositions:
    """Positions of the insertions of one source.

    Parameters
    ----------
    channels
        `CHANNEL_COLUMNS`: located channels, those of an insertion in the order along the probe (``along``).
    units
        `UNIT_COLUMNS`: located units, each at its peak channel, with its label.
    unlocated
        Why an insertion has no position, by its id.
    labelled_by
        What the labels are of, in words.
    """

    channels: pd.DataFrame
    units: pd.DataFrame
    unlocated: Mapping[str, str]
    labelled_by: tuple[str, ...] = ()


def probe_positions(store: Store, entry: SourceEntry, probes: pd.DataFrame) -> ProbePositions:
    """Return where the channels and units of insertions lie.

    Parameters
    ----------
    store
        What is stored.
    entry
        The source: to which side its ML grows, and which released column is its label.
    probes
        ``session_id``, ``insertion_id`` and ``probe`` of the insertions.
    """
    source, ml_towards = entry.name, entry.ml_towards
    channels, units, labelled_by = [], [], []
    damaged: dict[str, str] = {}
    for session_id, of_session in probes.groupby("session_id", sort=False):
        try:
            found = _of_session(store, source, str(session_id), of_session)
        except NhError as error:  # the others are drawn
            damaged |= dict.fromkeys(of_session["insertion_id"], str(error))
            continue
        if found is not None:
            channels.append(found[0])
            units.append(found[1])
            labelled_by.append(found[2])
    stored = {str(one) for table in (*channels, *units) for one in table["insertion_id"].unique()}
    left = probes[~probes["insertion_id"].isin(stored | set(damaged))]
    released = _of_release(store, entry, left) if len(left) else None
    if released is not None:
        channels.append(released[0])
        units.append(released[1])
        labelled_by.append(released[2])
    all_channels = _placed(channels, CHANNEL_COLUMNS, source, ml_towards)
    all_units = _placed(units, UNIT_COLUMNS, source, ml_towards)
    placed = {*all_channels["insertion_id"], *all_units["insertion_id"]}
    tabulated = {str(one) for part in (*channels, *units) for one in part["insertion_id"]}
    has_ap = {str(one) for part in (*channels, *units) for one in part.loc[part["ccf_ap_um"].notna(), "insertion_id"]}
    unlocated = {
        one: damaged.get(one) or (_NO_ML if one in has_ap else _NO_HISTOLOGY if one in tabulated else _NO_TABLE)
        for one in map(str, probes["insertion_id"])
        if one not in placed
    }
    return ProbePositions(all_channels, all_units, unlocated, tuple(sorted(set(filter(None, labelled_by)))))


def _of_session(
    store: Store, source: str, session_id: str, probes: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, str] | None:
    """Return channels and units of a session whose ``units`` are stored, and by what units are labelled."""
    folder = store.usable(source, session_id, "units")
    if folder is None or not is_stored(folder / "units.parquet"):
        return None
    ids = probes.set_index("probe")["insertion_id"]
    rulebook = read_summary(store, source, session_id, "units").get("active_rulebook", "")
    verdict = f"pass.{rulebook}"
    path = folder / "units.parquet"
    has_verdict = verdict in column_names(path)
    columns = ["probe", "unit_id", "acronym", *_STATED]
    units = read_table(path, [*columns, *([verdict] if has_verdict else [])])
    labels = np.where(units[verdict], PASS, FAIL) if has_verdict else np.full(len(units), UNLABELLED)
    units = units.assign(insertion_id=units["probe"].map(ids), label=labels)
    channels = pd.DataFrame(columns=["probe", "channel", "acronym", *_STATED])
    if is_stored(folder / "channels.parquet"):
        channels = read_table(folder / "channels.parquet", list(channels.columns))
    channels = channels.assign(insertion_id=channels["probe"].map(ids), along=channels["channel"].astype("float64"))
    said = f"rulebook {rulebook}" if has_verdict else ""
    return channels.dropna(subset="insertion_id"), units.dropna(subset="insertion_id"), said


def _of_release(
    store: Store, entry: SourceEntry, probes: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, str] | None:
    """Return channels and units that the tables of the release have of these insertions."""
    folder = store.usable(entry.name, SOURCE_WIDE, ASSET)
    if folder is None:
        return None
    wanted, keys = set(probes["insertion_id"]), ["insertion_id", "acronym"]
    channels = read_released(folder, "channels", [*keys, "channel_id", *_STATED])
    channels = channels[channels["insertion_id"].isin(wanted)].reset_index(drop=True)
    number = pd.to_numeric(channels["channel_id"], errors="coerce")
    channels = channels.assign(along=number.where(number.notna(), channels.groupby("insertion_id").cumcount()))
    path = folder / "units.parquet"
    names = column_names(path) if is_stored(path) else []
    label = entry.upstream_label
    own = [name for name in ("channels", label.column if label else "") if name in names]
    units = read_released(folder, "units", [*keys, "unit_id", *_STATED, *own])
    units = units[units["insertion_id"].isin(wanted)].reset_index(drop=True)
    units = _at_channels(units, channels)
    labels, said = _released_labels(units, label)
    return channels, units.assign(label=labels), said


def _at_channels(units: pd.DataFrame, channels: pd.DataFrame) -> pd.DataFrame:
    """Return units that state no position, as IBL's tables of clusters, where their peak channel lies."""
    if "channels" not in units or units[list(_STATED)].notna().any(axis=None):
        return units
    at = channels.drop_duplicates(["insertion_id", "along"]).set_index(["insertion_id", "along"])[list(_STATED)]
    peak = pd.MultiIndex.from_arrays([units["insertion_id"], pd.to_numeric(units["channels"], errors="coerce")])
    return units.assign(**{axis: at[axis].reindex(peak).to_numpy() for axis in _STATED})


def _released_labels(units: pd.DataFrame, stated: UpstreamLabel | None) -> tuple[npt.NDArray[np.object_], str]:
    """Return the label of each unit as the release states it, and what it is of."""
    if stated is None or stated.column not in units:
        return np.full(len(units), UNLABELLED, dtype=object), ""
    values = units[stated.column]
    labels = np.where(values.notna(), np.where(values == stated.good, PASS, FAIL), UNLABELLED)
    return labels.astype(object), f"{stated.column} of the release"


def _placed(tables: list[pd.DataFrame], columns: tuple[str, ...], source: str, ml_towards: MlTowards) -> pd.DataFrame:
    """Return the rows that have a position, ML counted to the right, by insertion and along the probe."""
    if not tables:
        return pd.DataFrame(columns=list(columns))
    table = pd.concat(tables, ignore_index=True)
    ml = table["ccf_ml_um"].to_numpy(np.float64)
    table = table.assign(
        source=source,
        ap_um=table["ccf_ap_um"].astype("float64"),
        dv_um=table["ccf_dv_um"].astype("float64"),
        ml_um=ml if ml_towards == "right" else mirrored_ml_um(ml),
    )
    at_bregma = (table[list(_STATED)] == _BREGMA).all(axis=1)
    table = table[np.isfinite(table[list(AXES)]).all(axis=1) & ~at_bregma]
    order = ["insertion_id", "along"] if "along" in columns else ["insertion_id"]
    return table.sort_values(order, kind="stable", ignore_index=True)[list(columns)]
