"""Per-session assets as Dagster sees them, made from their records: the same for every source, none special-cased.

Add here what Dagster must be told of every per-session asset. What an asset is stands in its own file in
`nh_platform.assets`; how it is made is `nh_platform.planning.making`.
"""

from collections.abc import Sequence

import dagster as dg

from nh_platform.assets.record import REVIEWED_INTERVALS, REVIEWS, SessionAsset, upstream_name
from nh_platform.defs.making_checks import check_specs, checks_of_making
from nh_platform.defs.metadata import OWNERS, published_metadata, report_link, table_schema
from nh_platform.defs.partitions import SESSIONS_POOL, session_partitions
from nh_platform.defs.run_tags import stamp_run
from nh_platform.defs.told_failures import told_failures
from nh_platform.home.platform import Platform
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.versions import SourcePlan
from nh_platform.session.columns import Column
from nh_platform.sources.entry import SourceEntry


def build_session_assets(entry: SourceEntry, plan: SourcePlan, *, queued: bool = True) -> list[dg.AssetsDefinition]:
    """Return every per-session asset of one source; its runs take places of the pool where they are ``queued``."""
    return [_build(entry, plan, asset, queued) for asset in plan.assets.values()]


def _build(entry: SourceEntry, plan: SourcePlan, asset: SessionAsset, queued: bool) -> dg.AssetsDefinition:
    columns = asset.columns(plan.platform, entry.name) if asset.columns else asset.tables[0][0].columns

    @dg.asset(
        name=asset.name,
        key_prefix=entry.name,
        partitions_def=session_partitions(entry.name),
        deps=_parents(entry, asset),
        group_name=entry.name,
        kinds=set(asset.kinds),
        owners=OWNERS,
        code_version=plan.definition_version(asset.name),
        pool=SESSIONS_POOL if queued else None,
        description=asset.description,
        metadata={"dagster/column_schema": table_schema(columns)},
        check_specs=check_specs(dg.AssetKey([entry.name, asset.name]), asset.checks, session_partitions(entry.name)),
    )
    def session_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        stamp_run(context, plan.platform.store, entry.name)
        with told_failures(context):
            return materialize(context, plan.platform, entry.name, asset, columns)

    return session_asset


def _parents(entry: SourceEntry, asset: SessionAsset) -> list[dg.AssetKey]:
    """Return what an asset reads: assets of the session, and what is outside."""
    keys = [dg.AssetKey([entry.name, name]) for name in asset.inputs]
    keys += [dg.AssetKey([entry.name, upstream_name(group)]) for group in asset.groups]
    of_reviews = {REVIEWS: asset.reads_reviews, REVIEWED_INTERVALS: asset.reads_reviewed_intervals}
    return keys + [dg.AssetKey([entry.name, name]) for name, is_read in of_reviews.items() if is_read]


def materialize(
    context: dg.AssetExecutionContext,
    platform: Platform,
    source: str,
    asset: SessionAsset,
    defined: Sequence[Column],
) -> dg.MaterializeResult:
    """Make one asset of the session of a run, publish it, and show what was made.

    Columns are part of the event only where some are not among those of the definition, ``defined``, which the page
    shows then: they were 65 of 108 kB of the events of an IBL session, each of which Dagster stores twice. For the same
    reason metadata are given to the context: of a result, Dagster stores them with the output of the step, too.
    """
    session_id = context.partition_key
    made = make_session_asset(platform, source, session_id, asset.name)
    columns = made.result.columns or ()
    others = {} if set(columns) <= set(defined) else {"dagster/column_schema": table_schema(columns)}
    context.add_asset_metadata(
        {
            "dagster/partition_row_count": made.result.rows,
            "columns": len(columns or defined),
            **others,
            **published_metadata(made.result, made.folder),
            **report_link(source, session_id),
        }
    )
    return dg.MaterializeResult(
        data_version=dg.DataVersion(made.record.data_version),
        check_results=checks_of_making(context, asset.checks, made),
    )
