"""The datasets of a session that the platform reads, and the ALF collection that each is read from.

Contains the names of every dataset that is read, by asset group, and the choice of one sorting per probe. Add a
dataset here before a reader uses it. Everything works on the columns of the files table; no file is opened here.
"""

from __future__ import annotations

import pandas as pd

SPIKES, EVENTS, SIGNALS, ALIGNMENT, QC, OTHER = "spikes", "events", "signals", "alignment", "qc", "other"
POSE, WAVEFORMS, NOISE = "pose", "waveforms", "noise"

SORTER_ORDER = ("iblsorter", "pykilosort")
"""Sorters by preference, after an explicit choice (ibllib 4.1.0 ``SpikeSortingLoader``); then the shortest name."""

SORTING_NAMES = {
    **{f"spikes.{attribute}.npy": SPIKES for attribute in ("times", "clusters", "amps", "depths")},
    **{f"clusters.{attribute}.npy": SPIKES for attribute in ("channels", "depths", "amps", "peakToTrough")},
    "clusters.uuids.csv": SPIKES,
    "channels.localCoordinates.npy": SPIKES,
    "channels.rawInd.npy": SPIKES,
    "channels.mlapdv.npy": ALIGNMENT,
    "channels.brainLocationIds_ccf_2017.npy": ALIGNMENT,
    "clusters.metrics.pqt": QC,
    **{
        f"{of}.{attribute}.npy": WAVEFORMS
        for of in ("clusters", "templates")
        for attribute in ("waveforms", "waveformsChannels")
    },
    **dict.fromkeys(("waveforms.templates.npy", "waveforms.table.pqt", "waveforms.channels.npz"), WAVEFORMS),
}
"""Datasets of the sorter's collection that are read, with their group."""

PROBE_NAMES = {
    f"electrodeSites.{attribute}.npy": ALIGNMENT
    for attribute in ("localCoordinates", "mlapdv", "brainLocationIds_ccf_2017")
}
"""Datasets of the probe's own collection ``alf/<probe>`` that are read, whatever the sorter."""

NOISE_NAMES = frozenset(
    {
        "_iblqc_ephysChannels.apRMS.npy",
        "_iblqc_ephysTimeRmsAP.rms.npy",
        "_iblqc_ephysTimeRmsLF.rms.npy",
        "_iblqc_ephysSpectralDensityLF.freqs.npy",
        "_iblqc_ephysSpectralDensityLF.power.npy",
    }
)
"""Datasets of ``raw_ephys_data/<probe>`` that are read."""

CAMERAS = ("left", "right", "body")

TRIAL_COLUMNS = (
    "intervals",
    "goCue_times",
    "response_times",
    "choice",
    "stimOn_times",
    "stimOff_times",
    "contrastLeft",
    "contrastRight",
    "feedback_times",
    "feedbackType",
    "rewardVolume",
    "probabilityLeft",
    "firstMovement_times",
    "quiescencePeriod",
)
"""Attributes of the trials object that are read, from the table or from one file each (sessions before the table)."""

TRIALS_TABLE = "_ibl_trials.table.pqt"

BESIDE_TABLE = ("stimOff_times", "quiescencePeriod")
"""Trial attributes that are not in the table of 13 columns and have a file of their own."""

TRIGGERS = ("goCueTrigger_times", "stimOnTrigger_times", "stimOffTrigger_times")
"""When the rig asked for something, by the attributes that ibllib 4.1.0 saves for every session of the task."""

ALSO_TRIAL_COLUMNS = (
    *TRIGGERS,
    "stimFreezeTrigger_times",
    "errorCueTrigger_times",
    "intervals_bpod",
    "laserStimulation",
    "laserProbability",
)
"""Further attributes, each in a file of its own; of those that are not `TRIGGERS` only some sessions have any."""

_COPIES_OF_TABLE = frozenset(f"_ibl_trials.{name}.npy" for name in TRIAL_COLUMNS if name not in BESIDE_TABLE)

RFM_FRAMES = "_iblrig_RFMapStim.raw.bin"
"""Frames of the receptive field mapping, in the collection of the raw task data."""

EVENT_OBJECTS: dict[str, frozenset[str]] = {
    "trials": frozenset(
        {TRIALS_TABLE, *(f"_ibl_trials.{attribute}.npy" for attribute in (*TRIAL_COLUMNS, *ALSO_TRIAL_COLUMNS))},
    ),
    "licks": frozenset({"licks.times.npy"}),
    "passive": frozenset(
        {
            "_ibl_passivePeriods.intervalsTable.csv",
            "_ibl_passiveGabor.table.csv",
            "_ibl_passiveStims.table.csv",
            "_ibl_passiveRFM.times.npy",
        }
    ),
}
"""Datasets of events that are read, by ALF object."""

SIGNAL_OBJECTS: dict[str, frozenset[str]] = {
    "wheel": frozenset({"_ibl_wheel.timestamps.npy", "_ibl_wheel.position.npy"}),
    "wheelMoves": frozenset({"_ibl_wheelMoves.intervals.npy", "_ibl_wheelMoves.peakAmplitude.npy"}),
    **{
        f"{camera}Camera": frozenset(
            {
                f"_ibl_{camera}Camera.times.npy",
                f"_ibl_{camera}Camera.features.pqt",
                f"{camera}Camera.ROIMotionEnergy.npy",
            }
        )
        for camera in CAMERAS
    },
}
"""Datasets of signals that are read, by ALF object, and of what upstream detected in them."""

TRACKERS = ("dlc", "lightningPose")
"""Programs that found body parts in the videos, by the name of their files."""

POSE_OBJECTS: dict[str, frozenset[str]] = {
    f"{camera}Camera": frozenset(f"_ibl_{camera}Camera.{tracker}.pqt" for tracker in TRACKERS) for camera in CAMERAS
}
"""Datasets of body parts that are read, by ALF object."""

_CAMERA_TIMES = frozenset(f"_ibl_{camera}Camera.times.npy" for camera in CAMERAS)
"""They are the times of the body parts too."""

_PROBE_OF_COLLECTION = r"^(?:alf|raw_ephys_data)/(probe[^/]+)"
_TASK_COLLECTION = r"alf(?:/task_\d+)?"
_RAW_TASK_COLLECTION = r"raw_passive_data|raw_task_data_\d+"
_MISSING_PART = r"(?i)(?:^(?:nan|none|<na>)/|(?<![^/])#(?:nan|none|<na>|nat)#/)"
_SORTING_OBJECT = r"(?:spikes|clusters)\..+"

COMPLETE_SORTING = frozenset({"spikes.times.npy", "spikes.clusters.npy", "clusters.channels.npy"})
"""Datasets without which no spike of a sorting can be read."""


def split_relative_paths(rel_path: pd.Series) -> pd.DataFrame:
    """Split ``collection/#revision#/name`` into its parts, a revision or collection that is a missing value left out.

    Parameters
    ----------
    rel_path
        (n,) paths relative to the session.

    Returns
    -------
    pandas.DataFrame
        (n, 3): ``collection``, ``revision`` (empty where there is none), ``name``.
    """
    named = without_missing_parts(rel_path)
    parts = named.str.extract(r"^(?:(?P<collection>[^#]+?)/)?(?:#(?P<revision>[^#/]+)#/)?(?P<name>[^/]+)$")
    return parts.fillna("")


def without_missing_parts(rel_path: pd.Series) -> pd.Series:
    """Return paths without folders that are a missing value as text: ``alf/#nan#/a.b.npy`` is ``alf/a.b.npy``.

    Alyx puts ``#…#`` around each revision that is true, and pandas 3 gives NaN, which is true, where 2 gave None.
    """
    return rel_path.astype("str").str.replace(_MISSING_PART, "", regex=True)


def relative_path(collection: str, revision: str, name: str) -> str:
    """Return the path relative to the session, the exact inverse of `split_relative_paths`."""
    return "/".join(part for part in (collection, f"#{revision}#" if revision else "", name) if part)


def probe_of_collection(collection: pd.Series) -> pd.Series:
    """Return the probe that each collection names, ``probe00`` of ``alf/probe00/pykilosort``; empty where none."""
    return collection.str.extract(_PROBE_OF_COLLECTION, expand=False).fillna("")


def sorter_of_collection(collection: str) -> str | None:
    """Return the sorter that a collection names; None for ``alf/<probe>``, where sessions before 2021 lie."""
    parts = collection.split("/")
    return parts[2] if len(parts) > 2 else None


def choose_sorting(collections: list[str], sorter: str | None = None) -> str:
    """Choose the collection of one probe to read the sorting from.

    Parameters
    ----------
    collections
        Collections of the probe that hold a sorting.
    sorter
        Sorter preferred over `SORTER_ORDER`, if any.

    Returns
    -------
    str
        The preferred sorter's collection, else that of `SORTER_ORDER`, else the one with the shortest name.

    Examples
    --------
    >>> choose_sorting(["alf/probe00", "alf/probe00/pykilosort"])
    'alf/probe00/pykilosort'
    """
    for wanted in (*([sorter] if sorter else []), *SORTER_ORDER):
        for collection in sorted(collections):
            if sorter_of_collection(collection) == wanted:
                return collection
    return min(collections, key=lambda name: (len(name), name))


def assign_groups(files: pd.DataFrame, sorter: str | None = None) -> pd.Series:
    """Assign every file to the asset group that reads it.

    Only one sorting per probe is in a group that is read; the files of every other sorting are ``other``.

    Parameters
    ----------
    files
        Columns ``session_id``, ``probe``, ``collection``, ``name``.
    sorter
        Preferred sorter, as of `choose_sorting`.

    Returns
    -------
    pandas.Series
        (n,) groups of `GROUPS` or ``other``, on the index of ``files``; times of the cameras are of two.
    """
    group = pd.Series(OTHER, index=files.index, dtype=object)
    on_probe = (files["probe"] != "") & files["collection"].str.startswith("alf/")
    chosen = _chosen_sorting(files[on_probe & files["name"].str.fullmatch(_SORTING_OBJECT)], sorter)
    keys = pd.MultiIndex.from_frame(files[["session_id", "probe"]])
    in_chosen = on_probe & (files["collection"].to_numpy() == chosen.reindex(keys).to_numpy())
    of_probe = on_probe & (files["collection"] == "alf/" + files["probe"])
    for mask, names in ((in_chosen, SORTING_NAMES), (of_probe, PROBE_NAMES)):
        named = files["name"].map(names)
        group = group.where(~(mask & named.notna()), named)
    of_raw = (files["probe"] != "") & (files["collection"] == "raw_ephys_data/" + files["probe"])
    group = group.where(~(of_raw & files["name"].isin(NOISE_NAMES)), NOISE)
    for objects, name in ((EVENT_OBJECTS, EVENTS), (SIGNAL_OBJECTS, SIGNALS), (POSE_OBJECTS, POSE)):
        group = group.where(~_is_read(files, objects), name)
    group = group.where(~((group == SIGNALS) & files["name"].isin(_CAMERA_TIMES)), f"{SIGNALS},{POSE}")
    is_rfm = (files["name"] == RFM_FRAMES) & files["collection"].str.fullmatch(_RAW_TASK_COLLECTION).astype(bool)
    return group.where(~is_rfm, EVENTS)


def _chosen_sorting(sorting_files: pd.DataFrame, sorter: str | None) -> pd.Series:
    """Return the chosen collection, indexed by (session_id, probe).

    Chosen among the collections of which the revision policy keeps a whole sorting; among those of which it keeps a
    part, or else of which upstream has one, only where there is no whole one. A folder of ``clusters.*`` that a sorter
    left behind, or a sorter that came after the pinned date, does not take the place of a sorting that can be read.
    """
    if len(sorting_files) == 0:
        return pd.Series([], dtype=object, index=pd.MultiIndex.from_arrays([[], []]))
    is_kept = sorting_files.get("default_revision", pd.Series(True, index=sorting_files.index))
    is_needed = is_kept & sorting_files["name"].isin(COMPLETE_SORTING)
    of_collection = [sorting_files[name] for name in ("session_id", "probe", "collection")]
    is_whole = sorting_files["name"].where(is_needed).groupby(of_collection).nunique() == len(COMPLETE_SORTING)
    rank = is_whole.astype(int) + is_kept.groupby(of_collection).any().astype(int)
    best = rank[rank == rank.groupby(level=["session_id", "probe"]).transform("max")].reset_index()
    collections = best.groupby(["session_id", "probe"])["collection"].unique()
    return collections.map(lambda names: choose_sorting(list(names), sorter))


def _is_read(files: pd.DataFrame, objects: dict[str, frozenset[str]]) -> pd.Series:
    """Return which files are of some objects, each from ``alf``, or else from every ``alf/task_NN`` that has it."""
    object_of = {name: key for key, names in objects.items() for name in names}
    in_alf = files["collection"].str.fullmatch(_TASK_COLLECTION).astype(bool)
    candidate = files["name"].isin(object_of.keys()) & in_alf
    candidate &= _kept_where_any_is(files, candidate, object_of)
    keys = [files["session_id"][candidate], files["name"][candidate].map(object_of)]
    first = files["collection"][candidate].groupby(keys).transform("min")  # "alf" sorts before "alf/task_00"
    of_session = first.reindex(files.index) == "alf"
    is_read = candidate & (~of_session | (files["collection"] == "alf"))
    # Where the table is there, the older one-file-per-column copies are not read and must not be part of the version.
    where = files["session_id"] + "/" + files["collection"]
    has_table = where.isin(where[is_read & (files["name"] == TRIALS_TABLE)])
    return is_read & ~(has_table & files["name"].isin(_COPIES_OF_TABLE))


def _kept_where_any_is(files: pd.DataFrame, candidate: pd.Series, object_of: dict[str, str]) -> pd.Series:
    """Return which candidates the revision policy keeps; of an object of a session of which it keeps none, all.

    A file that came after the pinned date does not decide where the object is read from, nor that its table is.
    """
    is_kept = files.get("default_revision", pd.Series(True, index=files.index)).astype(bool)
    keys = [files["session_id"], files["name"].map(object_of)]
    any_kept = (is_kept & candidate).groupby(keys, dropna=False).transform("any")
    return is_kept | ~any_kept
