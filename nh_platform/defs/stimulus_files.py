"""The asset `stimulus_files`: all sessions of a source in one HDF5 file per stimulus type.

Contains the asset and what makes it. Add here what is shown of it. What the files hold is `nh_platform.exports`.
It reads the tensors of every session that the store has them of, in the versions that it has; a session that is new or
remade shows in its data version, not in any session's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from nh_platform.defs.assets import OWNERS, failure
from nh_platform.defs.metadata import file_list, records_table
from nh_platform.home.platform import Platform
from nh_platform.planning.inputs import resolve_inputs
from nh_platform.session import NhError
from nh_platform.sources.registry import SourceEntry
from nh_platform.store import Provenance
from nh_platform.store.layout import SOURCE_WIDE

if TYPE_CHECKING:
    from nh_platform.exports.stimulus.joined_files import FilesSummary

ASSET = "stimulus_files"
CHECK = "every_session_is_in"
TENSORS = "stimulus_tensors"
_CODE_VERSION = "2"

_STATISTICS_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("stimulus_type", "string", description="Stimulus type, the name of the file"),
        dg.TableColumn("session_id", "string", description="Session"),
        dg.TableColumn("brain_structure", "string", description="Allen structure acronym"),
        dg.TableColumn("n_presentations", "int64", description="Presentations of the stimulus"),
        dg.TableColumn("n_units", "int64", description="Units of the structure"),
        dg.TableColumn(
            "has_pupil_data", "bool", description="Whether the session has eye data (has_gaze_data in compat)"
        ),
    ]
)


def build_stimulus_files(entry: SourceEntry, platform: Platform) -> dg.AssetsDefinition:
    """Return the asset of one source that has stimulus tensors."""

    @dg.asset(
        name=ASSET,
        key_prefix=entry.name,
        deps=[dg.AssetKey([entry.name, TENSORS])],
        group_name=entry.name,
        kinds={"hdf5"},
        owners=OWNERS,
        code_version=_CODE_VERSION,
        description=(
            "Every session in one HDF5 file per stimulus type, session_<id>/<structure>/spike_data, speed, "
            "presentations and eyes, which xarray opens as a tree; with the table of what is in it, the median "
            "durations over all sessions and what the filter by them removed. Made of the sessions whose "
            "stimulus_tensors are in the store."
        ),
        metadata={"dagster/column_schema": _STATISTICS_SCHEMA},
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=dg.AssetKey([entry.name, ASSET]),
                description=(
                    "Every session that has stimulus tensors is in the files of each of its modes. One that is left "
                    "out (no good unit in any structure, no presentation within the durations) is named."
                ),
            )
        ],
    )
    def stimulus_files() -> dg.MaterializeResult:
        return make_stimulus_files(platform, entry.name)

    return stimulus_files


def expected_stimulus_files(platform: Platform, source: str) -> Provenance:
    """Return the record that files made from the tensors now in the store would carry."""
    inputs = {
        f"{TENSORS}/{session}": record.data_version
        for session in platform.store.sessions(source)
        if (record := platform.store.provenance(source, session, TENSORS)) is not None
    }
    return _record(source, inputs)


def _record(source: str, inputs: Mapping[str, str]) -> Provenance:
    return Provenance.make(
        asset=ASSET, source=source, session_id=SOURCE_WIDE, code_version=_CODE_VERSION, inputs=inputs, parameters={}
    )


def make_stimulus_files(platform: Platform, source: str) -> dg.MaterializeResult:
    """Write the files of every mode that the sessions have, publish them, and return what the UI shows.

    Raises
    ------
    dagster.Failure
        With the thing, what was found and what to do, where tensors cannot be used.
    """
    from nh_platform.exports.stimulus.joined_files import write_stimulus_files
    from nh_platform.exports.stimulus.tensor_files import StoredTensors, stored_modes
    from nh_platform.windows.presentations.conventions import MODES

    summaries: dict[str, FilesSummary] = {}
    try:
        inputs = {
            session: resolve_inputs(platform.store, source, session, [TENSORS])
            for session in platform.store.sessions(source)
            if platform.store.current(source, session, TENSORS) is not None
        }
        record = _record(source, {f"{TENSORS}/{name}": one.versions[TENSORS] for name, one in inputs.items()})
        folders = {session: one.folder(TENSORS) for session, one in inputs.items()}
        with platform.store.publish(record) as folder:
            for mode in MODES:
                stored = [
                    StoredTensors(path, session, mode)
                    for session, path in folders.items()
                    if mode in stored_modes(path)
                ]
                if stored:
                    summaries[mode] = write_stimulus_files(folder / mode, stored, mode)
            for one in inputs.values():
                one.require_current()
            notes = [f"{mode}, {n.subject}: {n.text}" for mode, made in summaries.items() for n in made.notes]
        published = platform.store.folder(source, SOURCE_WIDE, ASSET)
    except NhError as error:
        raise failure(error) from error
    rows: list[Mapping[str, Any]] = [
        {
            "mode": mode,
            "stimulus": name,
            "sessions": len({row.session_id for row in summary.statistics if row.stimulus_type == name}),
            "structures": len({row.brain_structure for row in summary.statistics if row.stimulus_type == name}),
        }
        for mode, summary in summaries.items()
        for name in sorted({row.stimulus_type for row in summary.statistics})
    ]
    medians = next(iter(summaries.values())).medians if summaries else {}
    return dg.MaterializeResult(
        data_version=dg.DataVersion(record.data_version),
        metadata={
            "dagster/row_count": sum(len(summary.statistics) for summary in summaries.values()),
            "sessions": len(folders),
            "files by stimulus": records_table(rows),
            "median durations [s]": records_table([{"stimulus": n, "median": v} for n, v in medians.items()]),
            "notes": dg.MetadataValue.md("\n".join(f"- {line}" for line in notes) or "none"),
            "files": file_list(published),
            "dagster/uri": str(published),
        },
        check_results=[_every_session_is_in(folders, summaries)],
    )


def _every_session_is_in(folders: Mapping[str, Path], summaries: Mapping[str, FilesSummary]) -> dg.AssetCheckResult:
    from nh_platform.exports.stimulus.tensor_files import stored_modes

    missing: list[Mapping[str, Any]] = [
        {"mode": mode, "session": session}
        for session, folder in folders.items()
        for mode in stored_modes(folder)
        if session not in {row.session_id for row in summaries[mode].statistics}
    ]
    return dg.AssetCheckResult(
        check_name=CHECK,
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{len(missing)} of {len(folders)} sessions with tensors are in no file of a mode.",
        metadata={"sessions": len(folders), "left out": records_table(missing)},
    )
