"""The asset `release_manifest` of a source as Dagster sees it: a snapshot, and its sessions registered as partitions.

Add here what is shown of a snapshot. What a snapshot holds is `nh_platform.assets.release_manifest`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from nh_platform.assets.release_manifest import CODE_VERSION, DESCRIPTION, NAME, TABLES, take_snapshot
from nh_platform.defs.metadata import OWNERS, failure, records_table, table_schema
from nh_platform.defs.partitions import register_sessions
from nh_platform.defs.run_tags import stamp_run
from nh_platform.history.comparison.release_diff import ReleaseDiff
from nh_platform.history.tombstones import withdrawn_sessions
from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry

FRESHNESS_FAIL = timedelta(days=3)
FRESHNESS_WARN = timedelta(days=1, hours=6)
"""How old the last look at a release may be: it is daily."""
_CHANGES_SHOWN = 100


def build_release_manifest(entry: SourceEntry, platform: Platform) -> dg.AssetsDefinition:
    """Return `release_manifest` of one source."""

    @dg.asset(
        name=NAME,
        key_prefix=entry.name,
        group_name=entry.name,
        kinds={entry.upstream_format, "parquet"},
        owners=OWNERS,
        code_version=CODE_VERSION,
        description=f"{entry.description} {DESCRIPTION}",
        metadata={"dagster/column_schema": table_schema(TABLES[0][0].columns)},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=FRESHNESS_FAIL, warn_window=FRESHNESS_WARN),
    )
    def release_manifest(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        stamp_run(context, platform.store, entry.name)
        return snapshot_manifest(context.instance, entry.name, platform)

    return release_manifest


def snapshot_manifest(instance: dg.DagsterInstance, source: str, platform: Platform) -> dg.MaterializeResult:
    """Read the manifest from upstream, store it, register its sessions as partitions, and say what changed."""
    try:
        stored = take_snapshot(platform, source)
        manifest = platform.manifest(source)
    except NhError as error:
        raise failure(error) from None
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
            "left out": len(manifest.left_out),
            "left out because": "; ".join(f"{n} {reason}" for reason, n in manifest.left_out_counts().items()) or "-",
            "partitions registered": len(new),
            "summary": "; ".join(stored.diff.summary()),
            "what changed": dg.MetadataValue.md(diff_text(stored.diff)),
            "sessions still withdrawn": len(withdrawn_sessions(stored.tombstones)),
            "changes": records_table(_first_changes(stored.diff)),
        },
    )


def diff_text(diff: ReleaseDiff, limit: int = 20) -> str:
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
