"""Columns of the units table with one value per unit: IBL's and Allen's names where the meaning is the same.

Add a name here when upstream's published files have one for a column of ours. Spikes, waveforms and electrodes are
`units`; what a column of ours means is stored beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from nh_platform.exports.nwb.columns import is_empty
from nh_platform.exports.source_names import is_allen, is_ibl
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session import ConfigError
from nh_platform.session.units_of_measure import UV_PER_V

OF_THE_FILE = frozenset(
    {"id", "spike_times", "obs_intervals", "electrodes", "electrode_group", "waveform_mean", "waveform_sd", "waveforms"}
)
"""Columns that the standard defines; a released column of such a name is written as ``released_<name>``."""

_COMMON = {
    "probe": "probe_name",
    "depth": "distance_from_probe_tip_um",
    "amplitude": "amplitude_V",
    "peak_to_trough": "peak_to_trough_duration_ms",
    "acronym": "allen_location",
    "beryl": "beryl_location",
    "cosmos": "cosmos_location",
}

_IBL = {
    "label": "ibl_quality_score",
    "ks2_label": "kilosort2_label",
    "missed_spikes_est": "missed_spikes_estimate",
    "slidingRP_viol": "sliding_rp_violation",
    "drift": "cumulative_drift_um_per_hour",
    "amp_median": "median_spike_amplitude_uV",
}
"""Released columns by their name in IBL's files (DANDI 000409, catalystneuro/IBL-to-nwb)."""

_IN_UV = {("ibl", "amp_median"), ("allen", "amplitude")}
"""Released columns that upstream's files have in µV, and the platform in V."""

_NOT_WRITTEN = frozenset({"unit_id", "channel", "region", "label", "good"})
"""Ids and channels are columns of their own; the others are short names of columns that are written."""


def unit_columns(
    units: pd.DataFrame, words: Mapping[str, tuple[str, str]], source: str
) -> Iterator[tuple[str, pd.Series, str]]:
    """Yield name, values and description of every column that is not empty.

    Parameters
    ----------
    units
        Rows of the session's units.
    words
        Unit of measure and meaning of each stored column.
    source
        The source.
    """
    taken = set(OF_THE_FILE)
    for stored in map(str, units.columns):
        if stored in _NOT_WRITTEN or is_empty(units[stored]):
            continue
        unit, meaning = words.get(stored, ("-", ""))
        values = units[stored]
        name = written_name(stored, source)
        if _is_in_uv(stored, source):
            values, unit = values * UV_PER_V, "uV"
        if stored == "n_spikes":
            meaning = f"{meaning.rstrip('.')}, those in invalid time too, which spike_times may leave out"
        name = _unused(name, taken)
        taken.add(name)
        yield name, values, _described(stored, name, unit, meaning)


def written_name(stored: str, source: str) -> str:
    """Return the name of a column in the file: letters, digits and ``_``, so that every reader takes it.

    Parameters
    ----------
    stored
        Its name in `units`, for example ``released.amp_median`` or ``ibl.firing_rate@2022-10``.
    source
        The source.
    """
    if stored in _COMMON:
        return _COMMON[stored]
    if stored.startswith("released."):
        name = stored.removeprefix("released.")
        name = _IBL.get(name, name) if is_ibl(source) else name
        return f"released_{name}" if name in OF_THE_FILE else name
    return re.sub(r"\W+", "_", stored)


def _is_in_uv(stored: str, source: str) -> bool:
    family = "ibl" if is_ibl(source) else "allen" if is_allen(source) else ""
    return (family, stored.removeprefix("released.")) in _IN_UV and stored.startswith("released.")


def _unused(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"{name}_2"
    return name


def _described(stored: str, name: str, unit: str, meaning: str) -> str:
    kind, _, rest = stored.partition(".")
    rulebook_id, _, rule_id = rest.partition(".")
    if kind in ("rule", "pass", "label", "failed", "fallback", "reason"):
        meaning = _verdict_in_words(rulebook_id, rule_id, meaning)
    measure = f" [{unit}]" if unit not in ("-", "1", "") else ""
    ours = f" Column {stored} of the platform." if stored != name else ""
    return f"{meaning.rstrip('.') or name}{measure}.{ours}"


def _verdict_in_words(rulebook_id: str, rule_id: str, meaning: str) -> str:
    """Return what a verdict means, with the rule as its rulebook states it where that is shipped."""
    book = _rulebook(rulebook_id)
    if book is None:
        return f"{meaning}. Rulebook {rulebook_id}" + (f", rule {rule_id}" if rule_id else "")
    said = f"{meaning}. Rulebook {book.id} ({book.title}; digest {book.digest})"
    try:
        rule = book.rule(rule_id)
    except KeyError:
        return said
    return f"{said}, rule {rule.id}: {rule.metric} {rule.comparison} {rule.threshold} {rule.unit}. {rule.why}"


def _rulebook(rulebook_id: str) -> Rulebook | None:
    try:
        return load_rulebook(rulebook_id)
    except ConfigError:  # a rulebook of the lab's own; its verdicts are stored, its text is not
        return None


def unit_ids(unit_ids: pd.Series, rows: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the ids that a units table takes, and whether they are upstream's own.

    Parameters
    ----------
    unit_ids
        (n,) text, ids of the units.
    rows
        (n,) rows of the units in the session: their ids where upstream's are no whole numbers, whatever was chosen.
    """
    texts = [str(one) for one in unit_ids]
    numbers = all(one.isascii() and one.isdigit() and str(int(one)) == one and int(one) < 2**63 for one in texts)
    return (np.array([int(one) for one in texts], dtype=np.int64), True) if numbers and texts else (rows, False)
