"""The assets of one source, made from its entry: the same for every source, none special-cased.

Add an asset here by a description and a step in `steps` and `planning`. What a step does is not said here.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from nh_platform.defs.metadata import file_list, records_table, rounded_values, table_schema
from nh_platform.defs.partitions import register_sessions, session_partitions
from nh_platform.defs.steps import MAKERS
from nh_platform.history.publishing import store_manifest
from nh_platform.history.release_diff import ReleaseDiff
from nh_platform.history.snapshots import ASSET as MANIFEST_ASSET
from nh_platform.history.tombstones import withdrawn_sessions
from nh_platform.home.platform import Platform
from nh_platform.planning.inputs import TRIES, InputReplaced, resolve_inputs
from nh_platform.planning.versions import Step, definition_version, step_record, steps_of
from nh_platform.session import NhError
from nh_platform.session.columns import TableSchema
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.session.tables.events import TRIALS
from nh_platform.session.tables.manifest import SESSIONS
from nh_platform.session.tables.spikes import RAW_UNITS
from nh_platform.session.tables.stimulus import STIMULUS_PRESENTATIONS
from nh_platform.session.tables.units import UNITS
from nh_platform.session.tables.windows import WINDOW_INDEX
from nh_platform.sources.registry import SourceEntry

OWNERS = ["team:data-platform"]
FRESHNESS_FAIL = timedelta(days=3)
FRESHNESS_WARN = timedelta(days=1, hours=6)
"""How old the last look at a release may be: it is daily."""
_MANIFEST_CODE_VERSION = "2"
_CHANGES_SHOWN = 100

_DESCRIPTIONS: dict[str, str] = {
    "raw_spikes": (
        "Spike times, amplitudes and depths of every sorted unit, from verified upstream files. Nothing is filtered; "
        "no quality metric and no brain region is in it. Times are seconds on the session clock, amplitudes volts."
    ),
    "behavior": (
        "What the animal saw and did: trials or stimulus presentations, wheel or running, pupil, licks, passive "
        "periods, and the intervals that upstream calls invalid."
    ),
    "units": (
        "Every unit with released and recomputed quality metrics, the verdict of each rule, the reason in words, the "
        "label of each rulebook, brain region (Allen, Beryl, Cosmos) and Allen CCF position. The checks of this asset "
        "are the rules of the active rulebook."
    ),
    "windows": (
        "Binned spike counts and the index of windows for the configured presets: continuous windows and windows "
        "aligned to stimulus onset. Bins are half-open; a spike falls into exactly one."
    ),
    "unit_embeddings": (
        "One row per unit: firing rate, inter-spike-interval statistics and histogram, and coupling to the other units "
        "of the session."
    ),
    "stimulus_tensors": (
        "Per stimulus type: whether and how often each good unit fired in every 20 ms of every presentation, with "
        "running speed, eyes and stimulus parameters; movies joined from frames, blanks and presentations of unusual "
        "length left out. In the conventions of the Mlynarski group's binned data set, and in correct ones."
    ),
}
_KINDS = {
    "raw_spikes": {"hdf5", "parquet"},
    "behavior": {"hdf5", "parquet"},
    "units": {"parquet"},
    "windows": {"hdf5", "parquet"},
    "unit_embeddings": {"parquet"},
    "stimulus_tensors": {"hdf5", "parquet"},
}
_SCHEMAS: dict[str, TableSchema] = {
    "raw_spikes": RAW_UNITS,
    "behavior": TRIALS,
    "units": UNITS,
    "windows": WINDOW_INDEX,
    "unit_embeddings": UNIT_EMBEDDINGS,
    "stimulus_tensors": STIMULUS_PRESENTATIONS,
}


def build_source_assets(entry: SourceEntry, platform: Platform) -> Sequence[dg.AssetsDefinition]:
    """Return `release_manifest` and every per-session asset of one source."""
    return [
        _release_manifest(entry, platform),
        *(_session_asset(entry, platform, step) for step in steps_of(entry.name).values()),
    ]


def _release_manifest(entry: SourceEntry, platform: Platform) -> dg.AssetsDefinition:
    @dg.asset(
        name=MANIFEST_ASSET,
        key_prefix=entry.name,
        group_name=entry.name,
        kinds={entry.upstream_format, "parquet"},
        owners=OWNERS,
        code_version=_MANIFEST_CODE_VERSION,
        description=(
            f"{entry.description} This is the snapshot of what upstream holds: every session, insertion and file with "
            "its hash, and what changed since the snapshot before. Reading it downloads no session data."
        ),
        metadata={"dagster/column_schema": table_schema(SESSIONS)},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESHNESS_FAIL, warn_window=FRESHNESS_WARN),
    )
    def release_manifest(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return snapshot_manifest(context.instance, entry.name, platform)

    return release_manifest


def snapshot_manifest(instance: dg.DagsterInstance, source: str, platform: Platform) -> dg.MaterializeResult:
    """Read the manifest from upstream, store it, register its sessions as partitions, and say what changed."""
    try:
        manifest = platform.source(source).manifest()
        stored = store_manifest(platform.store, manifest, _MANIFEST_CODE_VERSION)
    except NhError as error:
        raise failure(error) from error
    new = register_sessions(instance, source, manifest.session_ids)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(stored.data_version),
        metadata={
            "dagster/row_count": len(manifest.sessions),
            "snapshot": f"{stored.snapshot.number} ({stored.snapshot.id})",
            "release": manifest.release,
            "sessions": len(manifest.sessions),
            "insertions": len(manifest.insertions),
            "files": len(manifest.files),
            "behaviour sessions catalogued": len(manifest.behavior_sessions),
            "partitions registered": len(new),
            "summary": "; ".join(stored.diff.summary()),
            "what changed": dg.MetadataValue.md(diff_in_words(stored.diff)),
            "sessions still withdrawn": len(withdrawn_sessions(stored.tombstones)),
            "changes": records_table(_first_changes(stored.diff)),
        },
    )


def diff_in_words(diff: ReleaseDiff, limit: int = 20) -> str:
    """Return a release diff as Markdown: how many changes of each kind, then the first of them."""
    if diff.is_empty:
        return "Nothing changed since the snapshot before."
    lines = [f"- **{kind}**: {count}" for kind, count in diff.counts().items()]
    shown = diff.changes.head(limit).fillna("")
    lines += ["", *(f"1. `{row.session_id}` {row.probe} {row.what}".replace("`` ", "") for row in shown.itertuples())]
    if len(diff.changes) > limit:
        lines.append(f"\n{len(diff.changes) - limit} more: `nh releases diff previous latest`")
    return "\n".join(lines)


def _first_changes(diff: ReleaseDiff) -> list[Mapping[str, Any]]:
    """Return what fits a page; `nh releases diff` prints all."""
    columns = ["kind", "session_id", "probe", "group", "what"]
    return [dict(zip(columns, row)) for row in diff.changes[columns].head(_CHANGES_SHOWN).itertuples(index=False)]


def _session_asset(entry: SourceEntry, platform: Platform, step: Step) -> dg.AssetsDefinition:
    @dg.asset(
        name=step.asset,
        key_prefix=entry.name,
        partitions_def=session_partitions(entry.name),
        deps=_parents(entry, step),
        group_name=entry.name,
        kinds=_KINDS[step.asset],
        owners=OWNERS,
        code_version=definition_version(step, platform.source_parameters(entry.name)),
        pool=f"{entry.name}_upstream" if step.groups else None,
        description=_DESCRIPTIONS[step.asset],
        metadata={"dagster/column_schema": table_schema(_SCHEMAS[step.asset])},
    )
    def session_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return materialize_step(platform, entry.name, context.partition_key, step)

    return session_asset


def _parents(entry: SourceEntry, step: Step) -> list[dg.AssetKey]:
    """Return what a step reads: assets of the session, and what is outside."""
    keys = [dg.AssetKey([entry.name, name]) for name in step.inputs]
    keys += [dg.AssetKey([entry.name, "upstream_files", group]) for group in step.groups]
    return keys + ([dg.AssetKey([entry.name, "reviews"])] if "reviews" in step.parameters else [])


def materialize_step(platform: Platform, source: str, session_id: str, step: Step) -> dg.MaterializeResult:
    """Run one step for one session, publish its files, and return what the UI shows.

    The step is begun anew, at most `TRIES` times in all, where what it reads was replaced meanwhile.

    Raises
    ------
    dagster.Failure
        With the thing, what was found and what to do, where upstream data or the store cannot be used.
    """
    try:
        for _ in range(TRIES - 1):
            try:
                return _publish_step(platform, source, session_id, step)
            except InputReplaced:
                continue
        return _publish_step(platform, source, session_id, step)
    except NhError as error:
        raise failure(error) from error


def _publish_step(platform: Platform, source: str, session_id: str, step: Step) -> dg.MaterializeResult:
    files = platform.manifest(source).session(session_id)
    inputs = resolve_inputs(platform.store, source, session_id, step.inputs)
    parameters = platform.parameters(source, session_id)
    record = step_record(step, files, inputs.versions, parameters)
    try:
        result = MAKERS[step.asset](platform, files, inputs)
        record = record.model_copy(update={"left_out": list(result.left_out)})
        with platform.store.publish(record) as folder:
            result.write(folder)
            inputs.require_current()
            if platform.parameters(source, session_id) != parameters:
                raise InputReplaced(
                    f"{source} session {session_id}",
                    "its reviews or a rulebook changed while they were read; nothing was published",
                    "Materialize the session again.",
                )
    except (NhError, OSError) as error:
        if not isinstance(error, InputReplaced):
            inputs.require_current()  # files that are missing because their version was replaced
        raise
    published = platform.store.folder(source, session_id, step.asset)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(record.data_version),
        metadata={
            **rounded_values(result.metadata),
            "notes": dg.MetadataValue.md("\n".join(f"- {line}" for line in result.left_out) or "none"),
            "files": file_list(published),
            "dagster/uri": str(published),
        },
    )


def failure(error: NhError) -> dg.Failure:
    """Return the Dagster failure of a named error; retrying does not mend bad data."""
    return dg.Failure(
        description=str(error),
        metadata={"what": error.thing, "found": error.found, "what to do": error.action},
        allow_retries=False,
    )
