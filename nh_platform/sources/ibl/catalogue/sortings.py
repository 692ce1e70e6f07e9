"""Which sorter made the spikes of each insertion, in which revision, and where its log is: from the files table alone.

Contains `sortings`, and `sorter_version`, which only the log states. Add here what the catalogue says of a sorting. The
choice between several sortings of a probe is made in `datasets`; what a sorter does stands in docs/preprocessing.md.

Neither ONE's tables nor the insertions of Alyx name a sorter or its version (ibllib 4.0.0 `_label_probe_qc` stores unit
counts, drift and whitening there); the folder of the files names the sorter.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from nh_platform.sources.ibl.catalogue.datasets import SPIKES, relative_path

COLUMNS = ["session_id", "probe", "sorter", "revision", "sorter_log"]

_SORTING = r"^alf/(?P<probe>probe[^/]+)(?:/(?P<sorter>[^/]+))?$"
_LOG_FOLDER = r"^(?:alf/(?P<p1>probe[^/]+)/(?P<s1>[^/]+)|spike_sorters/(?P<s2>[^/]+)/(?P<p2>probe[^/]+))$"
_LOG_NAME = r"_ibl_log\.info_\w+\.log|spike_sorting_\w+\.log"
"""Names of the log: ``spike_sorters/pykilosort/probe00/spike_sorting_pykilosort.log`` (ibllib 300f5f87, 2022-06),
``alf/probe00/iblsorter/_ibl_log.info_iblsorter.log`` (ibl-sorter da33bc5, 2024-12)."""

_SPIKE_TIMES = "spikes.times.npy"

FILE_NAMES = rf"^{re.escape(_SPIKE_TIMES)}$|^(?:{_LOG_NAME})$"
"""Names of all files that `sortings` looks at, as a regular expression."""

_VERSION = re.compile(r"Starting (?:py|ibl)\w+ version ([^\s,]+)", re.IGNORECASE)
_BEGINNING = 1 << 16
_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\^\[\[0m")


def sortings(files: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of the sorting that is read of each probe, one row per session and probe.

    Parameters
    ----------
    files
        Schema `FILES`, of any sessions.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`: sorter (null in ``alf/<probe>``, where Kilosort 2.5 of MATLAB left its results), revision
        (empty where unrevised), path of its log within the session (null where upstream lists none). Without the
        probes of sources that do not keep to ALF.
    """
    spikes = files[(files["name"] == _SPIKE_TIMES) & files["default_revision"]]
    spikes = spikes[spikes["group"].str.contains(rf"\b{SPIKES}\b").astype(bool)].drop(columns="probe")
    spikes = spikes.assign(**spikes["collection"].str.extract(_SORTING)).dropna(subset=["probe"])
    logs = files[files["name"].str.fullmatch(_LOG_NAME).astype(bool)]
    at = logs["collection"].str.extract(_LOG_FOLDER)
    paths = [relative_path(*row) for row in zip(logs["collection"], logs["revision"], logs["name"])]
    logs = logs[["session_id"]].assign(
        probe=at["p1"].fillna(at["p2"]), sorter=at["s1"].fillna(at["s2"]), sorter_log=pd.Series(paths, logs.index, str)
    )
    # The log beside the results is that of their last run; one of the raw output stands behind it in the alphabet.
    logs = logs.dropna(subset=["probe"]).sort_values("sorter_log").drop_duplicates(["session_id", "probe", "sorter"])
    found = spikes.merge(logs, on=["session_id", "probe", "sorter"], how="left")
    return found[COLUMNS].drop_duplicates(["session_id", "probe"], ignore_index=True)


def logged_version(path: Path) -> str:
    """Return as of `sorter_version` what a log states at its beginning; logs of hours are read no further."""
    with path.open("rb") as log:
        return sorter_version(log.read(_BEGINNING).decode("utf-8", "replace"))


def sorter_version(log: str) -> str:
    """Return the version of the sorter that a log states; empty where it states none.

    Examples
    --------
    >>> sorter_version("15:39:37 [I] ibl:90  Starting Pykilosort version ibl_1.2.1, output in gnagga")
    'ibl_1.2.1'
    >>> sorter_version("Starting iblsorter version 1.7.0")
    '1.7.0'
    """
    found = _VERSION.search(_COLOUR.sub("", log))
    return found.group(1) if found else ""
