"""One sorting of Kilosort and phy: its rate, spikes in seconds, clusters, channels, and what the TSV files say.

Add here what a file of such a folder means. Files are verified by `nh_platform.sources.own.local_files`; nothing here
knows a session.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session import BadUpstreamData, Note, Spikes
from nh_platform.session.columns import unnamed_fields

SPIKE_TIMES, PARAMS = "spike_times.npy", "params.py"
ARRAYS = (
    SPIKE_TIMES,
    "spike_clusters.npy",
    "spike_templates.npy",
    "amplitudes.npy",
    "templates.npy",
    "templates_ind.npy",
    "channel_map.npy",
    "channel_positions.npy",
)
LABELS = re.compile(r"cluster_\w+\.(tsv|csv)")
"""Files of labels and metrics: ``cluster_group.tsv``, ``cluster_info.tsv``, ``cluster_KSLabel.tsv`` and others."""

UNKNOWN = -1


@dataclass(frozen=True)
class Sorting:
    """Spikes of one probe, grouped by cluster.

    Parameters
    ----------
    clusters
        (n_units,) number of each cluster.
    spikes
        Their spikes, in this order.
    channel
        (n_units,) row of the peak channel, −1 where the folder does not say.
    channel_ids, positions
        (n_channels,) number of each channel in the recording; (n_channels, 2) lateral and axial µm.
    rate
        Samples per second.
    """

    clusters: npt.NDArray[np.int64]
    spikes: Spikes
    channel: npt.NDArray[np.int64]
    channel_ids: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    rate: float


def stated_rate(params: Path) -> float | None:
    """Return the ``sample_rate`` of a ``params.py``, read and never run; None where it states none.

    Examples
    --------
    >>> stated_rate(Path("/nowhere/params.py")) is None
    True
    """
    if not params.is_file():
        return None
    try:
        tree = ast.parse(params.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):  # a file that is no Python says nothing
        return None
    for line in tree.body:
        if isinstance(line, ast.Assign) and any(getattr(to, "id", "") == "sample_rate" for to in line.targets):
            try:
                rate = float(ast.literal_eval(line.value))
            except (ValueError, TypeError):
                return None
            return rate if np.isfinite(rate) and rate > 0 else None
    return None


def read_sorting(
    folder: str,
    arrays: Mapping[str, Path],
    rate: float,
    volts: float | None,
    notes: list[Note],
) -> Sorting:
    """Read the spikes of one probe.

    Parameters
    ----------
    folder
        What errors and notes call it.
    arrays
        Verified files by name, of `ARRAYS`.
    rate
        Samples per second.
    volts
        Factor from ``amplitudes.npy`` to volts.
    notes
        Takes what was missing or assumed.

    Raises
    ------
    BadUpstreamData
        If there are no spike times or clusters, or they cannot be used.
    """

    def load(name: str) -> npt.NDArray[Any] | None:
        if name not in arrays:
            return None
        try:
            return np.load(arrays[name], allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise bad(name, f"it cannot be read: {error}") from error

    def bad(name: str, found: str) -> BadUpstreamData:
        return BadUpstreamData(f"file {folder}/{name}", found, "Copy it again, or leave the folder out by `folders`.")

    def whole(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        flat = values.reshape(-1)
        if values.size != max(values.shape, default=0) or flat.dtype.kind not in "iuf":
            raise bad(name, f"it is {values.dtype} of shape {values.shape}, expected whole numbers of shape (n,)")
        if flat.dtype.kind == "f" and not (np.isfinite(flat) & (flat == np.floor(flat))).all():
            raise bad(
                name, f"it is {values.dtype} with fractions or infinities, expected whole numbers: samples, not seconds"
            )
        return flat.astype(np.int64)

    def optional(name: str) -> npt.NDArray[Any] | None:
        try:
            values = load(name)
        except BadUpstreamData as error:
            notes.append(Note(f"{folder}/{name}", f"left out: {error.found}"))
            return None
        if values is None or (values.ndim and values.dtype.kind in "iuf"):
            return values
        notes.append(Note(f"{folder}/{name}", f"left out: it is {values.dtype} of shape {values.shape}, no numbers"))
        return None

    samples = load(SPIKE_TIMES)
    which = next((name for name in ("spike_clusters.npy", "spike_templates.npy") if name in arrays), None)
    if samples is None or which is None:
        missing = SPIKE_TIMES if samples is None else "spike_clusters.npy"
        raise bad(missing, "it is not there")
    samples, of_cluster = whole(SPIKE_TIMES, samples), load(which)
    assert of_cluster is not None  # `which` is there
    cluster = whole(which, of_cluster)
    if len(samples) != len(cluster):
        raise bad(which, f"{len(cluster)} clusters for {len(samples)} spike times")
    if before := int((samples < 0).sum()):
        notes.append(Note(f"{folder}/{SPIKE_TIMES}", f"{before} of {len(samples)} spikes are before sample 0; kept"))
    clusters = np.unique(cluster)
    row = np.searchsorted(clusters, cluster)
    order = np.lexsort((samples, row))
    counts = np.bincount(row, minlength=len(clusters))
    positions, channel_ids = _channels(optional("channel_positions.npy"), optional("channel_map.npy"))
    peak_of_template = _peaks(optional("templates.npy"), optional("templates_ind.npy"))
    template = optional("spike_templates.npy")
    template = cluster if template is None else template.reshape(-1)
    channel = np.full(len(clusters), UNKNOWN, dtype=np.int64)
    if peak_of_template is None or len(template) != len(row):
        notes.append(Note(f"{folder}/templates.npy", "missing or not as long as the spikes; no unit has a channel"))
    else:
        channel = _channel_of_units(row, template.astype(np.int64), peak_of_template, len(clusters), len(positions))
    return Sorting(
        clusters=clusters,
        spikes=Spikes(
            times=samples[order] / rate,
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            amplitudes=_amplitudes(folder, optional("amplitudes.npy"), volts, order, notes),
            depths=np.full(len(samples), np.nan, dtype=np.float32),
        ),
        channel=channel,
        channel_ids=channel_ids,
        positions=positions,
        rate=rate,
    )


def _amplitudes(
    folder: str, stated: npt.NDArray[Any] | None, volts: float | None, order: npt.NDArray[np.int64], notes: list[Note]
) -> npt.NDArray[np.float32]:
    """Return the amplitudes in volts, NaN and a note where their scale is not known."""
    nothing = np.full(len(order), np.nan, dtype=np.float32)
    if stated is None or stated.size != len(order):
        notes.append(Note(f"{folder}/amplitudes.npy", f"missing or not one for each of {len(order)} spikes; NaN"))
        return nothing
    if volts is None:
        text = "in the sorter's own scale; NaN. `volts_per_amplitude` under `read` of the source gives them in volts"
        notes.append(Note(f"{folder}/amplitudes.npy", text))
        return nothing
    return (stated.reshape(-1)[order].astype(np.float64) * volts).astype(np.float32)


def _channels(
    positions: npt.NDArray[Any] | None, numbers: npt.NDArray[Any] | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return the position of every channel and its number in the recording."""
    n_channels = len(positions) if positions is not None else len(numbers.reshape(-1)) if numbers is not None else 0
    places = np.full((n_channels, 2), np.nan)
    if positions is not None and positions.ndim == 2 and positions.shape[1] >= 2:
        places[:] = positions[:, :2]
    ids = np.arange(n_channels, dtype=np.int64)
    if numbers is not None and numbers.size == n_channels and len(np.unique(numbers)) == n_channels:
        ids = numbers.reshape(-1).astype(np.int64)
    return places, ids


def _peaks(templates: npt.NDArray[Any] | None, columns: npt.NDArray[Any] | None) -> npt.NDArray[np.int64] | None:
    """Return the channel of each template with the largest peak-to-peak height, shape (n_templates,)."""
    if templates is None or templates.ndim != 3 or not templates.size:
        return None
    peaks = np.ptp(templates, axis=1).argmax(axis=1).astype(np.int64)
    if columns is not None and columns.shape == (templates.shape[0], templates.shape[2]):
        peaks = columns[np.arange(len(peaks)), peaks].astype(np.int64)
    return peaks


def _channel_of_units(
    row: npt.NDArray[np.int64],
    template: npt.NDArray[np.int64],
    peaks: npt.NDArray[np.int64],
    n_units: int,
    n_channels: int,
) -> npt.NDArray[np.int64]:
    """Return the peak channel of the template that most spikes of each unit are of."""
    channel = np.full(n_units, UNKNOWN, dtype=np.int64)
    pairs, counts = np.unique(np.stack([row, template]), axis=1, return_counts=True)
    for unit in np.unique(pairs[0]):
        own = pairs[0] == unit
        most = int(pairs[1][own][np.argmax(counts[own])])
        if 0 <= most < len(peaks) and peaks[most] < n_channels:
            channel[unit] = peaks[most]
    return channel


def read_labels(folder: str, texts: Mapping[str, str], notes: list[Note]) -> pd.DataFrame:
    """Return what the TSV files say of clusters, indexed by cluster: one column per column of a file.

    Parameters
    ----------
    folder
        What notes call it.
    texts
        Content of the files by name. ``cluster_group.tsv`` goes before others of the same column: a person wrote it.
    notes
        Takes what could not be read.
    """
    found = pd.DataFrame()
    for name in sorted(texts, key=lambda name: (name != "cluster_group.tsv", name)):
        try:
            table = pd.read_csv(StringIO(texts[name]), sep="," if name.endswith(".csv") else "\t")
            if found_wrong := unnamed_fields(table):
                raise ValueError(found_wrong)
            key = next(column for column in ("cluster_id", "id") if column in table)
            table = table[table[key].notna()].astype({key: np.int64}).drop_duplicates(key).set_index(key)
        except (ValueError, StopIteration) as error:
            why = str(error) or "it has no column cluster_id"
            notes.append(Note(f"{folder}/{name}", f"left out: {why}"))
            continue
        new = table[[column for column in table if column not in found]]
        found = new if found.empty else found.join(new, how="outer")
    return found
