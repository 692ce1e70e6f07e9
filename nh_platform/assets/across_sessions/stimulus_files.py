"""The asset `stimulus_files`: all sessions of a source in one HDF5 file per stimulus type.

Change here what is shown of it. What the files hold is `nh_platform.exports.stimulus`. It is made of the tensors of
every session that the store has them of; a session that is new or remade shows in its data version, not in any
session's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.assets.across_sessions.stored_versions import stored_versions
from nh_platform.assets.record import AssetCheck, AssetResult, CheckOutcome, SourceAsset, note_texts
from nh_platform.assets.stimulus_tensors import ASSET as TENSORS_ASSET
from nh_platform.home.platform import Platform
from nh_platform.session.columns import Column, TableSchema
from nh_platform.store import Provenance
from nh_platform.store.names import SOURCE_WIDE

if TYPE_CHECKING:
    from nh_platform.exports.stimulus.joined_files import FilesSummary
    from nh_platform.sources.project_tables import ProjectTables

TENSORS = TENSORS_ASSET.name
PROJECT_TABLES = "project_tables"
"""Name of the version of upstream's own tables of sessions and units, beside those of the tensors."""

STATISTICS = TableSchema(
    "statistics",
    (
        Column("stimulus_type", "string", "-", "Stimulus type, the name of the file"),
        Column("session_id", "string", "-", "Session"),
        Column("brain_structure", "string", "-", "Allen structure acronym"),
        Column("n_presentations", "int64", "-", "Presentations of the stimulus"),
        Column("n_units", "int64", "-", "Units of the structure"),
        Column("has_pupil_data", "bool", "-", "Whether the session has eye data (has_gaze_data in compat)"),
    ),
)

CHECK = AssetCheck(
    "every_session_is_in",
    "Every session that has stimulus tensors is in the files of each of its modes. One that is left out (no good unit "
    "in any structure, no presentation within the durations, tensors of an earlier version) is named.",
)


def inputs(platform: Platform, source: str) -> Mapping[str, str]:
    """Return the version of the tensors of every session in the store, and of the tables that upstream keeps."""
    from nh_platform.sources.project_tables import TabulatesProject

    current, _ = _stored_tensors(platform, source)
    versions = stored_versions(platform, source, TENSORS, current)
    made_of = {f"{TENSORS}/{session_id}": version for session_id, version in versions.items()}
    opened = platform.source(source) if made_of else None
    if isinstance(opened, TabulatesProject):
        made_of |= {PROJECT_TABLES: opened.project_tables_version() or _stored_tables(platform, source, made_of)}
    return made_of


def _stored_tensors(platform: Platform, source: str) -> tuple[list[str], list[str]]:
    """Return the sessions whose stored tensors this code made, and those whose tensors earlier code did.

    Their files differ, and earlier tensors lack presentations that the joined medians may keep.
    """
    current: list[str] = []
    earlier: list[str] = []
    for session_id in platform.store.sessions(source):
        if platform.store.usable(source, session_id, TENSORS) is None:
            continue
        record = platform.store.provenance(source, session_id, TENSORS)
        if record is not None:
            (current if record.code_version == TENSORS_ASSET.code_version else earlier).append(session_id)
    return current, earlier


def _stored_tables(platform: Platform, source: str, tensors: Mapping[str, str]) -> str:
    """Return the version of the tables that the stored files of these tensors were made with.

    A store that was carried away from its upstream has no tables at hand, and its files are none the worse for it.
    """
    known = platform.store.usable(source, SOURCE_WIDE, ASSET.name)
    stored = None if known is None else Provenance.read(known)
    if stored is None or stored.code_version != ASSET.code_version:
        return ""
    others = {name: version for name, version in stored.inputs.items() if name != PROJECT_TABLES}
    return stored.inputs.get(PROJECT_TABLES, "") if others == tensors else ""


def make(platform: Platform, source: str, folder: Path) -> AssetResult:
    """Write the files of every mode that the sessions have."""
    from nh_platform.exports.stimulus.joined_files import write_stimulus_files
    from nh_platform.exports.stimulus.tensor_files import StoredTensors, stored_modes
    from nh_platform.windows.presentations.conventions import MODES

    current, earlier = _stored_tensors(platform, source)
    found = ((one, platform.store.usable(source, one, TENSORS)) for one in current)
    modes_of = {one: (path, stored_modes(path)) for one, path in found if path is not None}
    project = _project_tables(platform, source, modes_of)
    summaries: dict[str, FilesSummary] = {}
    for mode in MODES:
        stored = [StoredTensors(path, one, mode) for one, (path, modes) in modes_of.items() if mode in modes]
        if stored:
            summaries[mode] = write_stimulus_files(folder / mode, stored, mode, project)
    medians = next(iter(summaries.values())).medians if summaries else {}
    missing = [
        {"mode": mode, "session": one}
        for one, (_, modes) in modes_of.items()
        for mode in modes
        if one not in {row.session_id for row in summaries[mode].statistics}
    ] + [{"mode": "every", "session": one} for one in earlier]
    return AssetResult(
        rows=sum(len(summary.statistics) for summary in summaries.values()),
        shown={
            "sessions": len(modes_of),
            "files by stimulus": [
                _of_file(summary, mode, name) for mode, summary in summaries.items() for name in _types(summary)
            ],
            "median durations [s]": [{"stimulus": name, "median": value} for name, value in medians.items()],
        },
        notes=(
            *(f"{mode}, {n.subject}: {n.text}" for mode, made in summaries.items() for n in made.notes),
            *(note_texts(project.notes) if project else ()),
            *(
                f"session {one}: left out, an earlier version made its tensors; run `nh materialize {source} --missing`"
                for one in earlier
            ),
        ),
        checks={
            CHECK.name: CheckOutcome(
                not missing,
                f"{len(missing)} of {len(modes_of) + len(earlier)} sessions with tensors are in no file of a mode.",
                {"sessions": len(modes_of) + len(earlier), "left out": missing},
            )
        },
    )


def _project_tables(platform: Platform, source: str, session_ids: Iterable[str]) -> ProjectTables | None:
    """Return upstream's tables of those sessions that the manifest lists; None where the source has none."""
    from nh_platform.sources.project_tables import TabulatesProject

    opened = platform.source(source)
    if not isinstance(opened, TabulatesProject):
        return None
    manifest = platform.manifest(source)
    listed = set(manifest.session_ids)
    return opened.project_tables([manifest.session(one) for one in session_ids if one in listed])


def _types(summary: FilesSummary) -> list[str]:
    return sorted({row.stimulus_type for row in summary.statistics})


def _of_file(summary: FilesSummary, mode: str, stimulus: str) -> dict[str, object]:
    """Return how many sessions and structures the file of a stimulus holds."""
    rows = [row for row in summary.statistics if row.stimulus_type == stimulus]
    return {
        "mode": mode,
        "stimulus": stimulus,
        "sessions": len({row.session_id for row in rows}),
        "structures": len({row.brain_structure for row in rows}),
    }


ASSET = SourceAsset(
    name="stimulus_files",
    code_version="3",
    description=(
        "Every session in one HDF5 file per stimulus type, `session_ID/STRUCTURE/spike_data`, speed, "
        "presentations and eyes, which xarray opens as a tree; with the table of what is in it, the median "
        "durations over all sessions and what the filter by them removed. Made of the sessions whose "
        "stimulus_tensors are in the store."
    ),
    kinds=frozenset({"hdf5"}),
    tables=((STATISTICS, "<mode>/combined_statistics.csv"),),
    reads=(TENSORS,),
    inputs=inputs,
    make=make,
    checks=(CHECK,),
)
