"""Assets across sessions as Dagster sees them, made from their records.

Add here what Dagster must be told of every asset that joins the sessions of a source. What such an asset is stands in
its own file in `nh_platform.assets.across_sessions`; when they run is `inventory`.
"""

import dagster as dg

from nh_platform.assets.record import AssetCheck, SourceAsset
from nh_platform.assets.registry import source_assets
from nh_platform.defs.metadata import OWNERS, failure, published_metadata, shown_metadata, table_schema
from nh_platform.defs.run_tags import name_warned, stamp_run
from nh_platform.home.platform import Platform
from nh_platform.planning.making import MadeAsset, make_source_asset
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry

ACROSS_SESSIONS_POOL = "across_sessions"
"""Pool of the runs that join sessions, so that three daily inventories do not all run at once."""


NOT_COMPARED = "nothing to compare with"
"""Metadata of a check that has not passed because there was nothing to hold it against."""


def build_source_assets(entry: SourceEntry, platform: Platform) -> list[dg.AssetsDefinition]:
    """Return the assets that join all sessions of a source."""
    return [build_source_asset(entry, platform, asset) for asset in source_assets(entry.name).values()]


def build_source_asset(entry: SourceEntry, platform: Platform, asset: SourceAsset) -> dg.AssetsDefinition:
    """Return one asset that joins all sessions of a source, with its check."""
    key = dg.AssetKey([entry.name, asset.name])

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([entry.name, name]) for name in asset.reads],
        group_name=entry.name,
        kinds=set(asset.kinds),
        owners=OWNERS,
        code_version=asset.code_version,
        description=asset.description,
        pool=ACROSS_SESSIONS_POOL,
        metadata={"dagster/column_schema": table_schema(asset.tables[0][0].columns)},
        check_specs=[
            dg.AssetCheckSpec(check.name, asset=key, description=check.description)
            for check in ([asset.check] if asset.check else [])
        ],
    )
    def source_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        stamp_run(context, platform.store, entry.name)
        try:
            made = make_source_asset(platform, entry.name, asset)
        except NhError as error:
            raise failure(error) from None
        result = made.result
        if asset.check and result.check and result.check.is_known and not result.check.passed:
            name_warned(context, [asset.check.name])
        columns = {} if result.columns is None else {"dagster/column_schema": table_schema(result.columns)}
        return dg.MaterializeResult(
            data_version=dg.DataVersion(made.record.data_version),
            metadata={"dagster/row_count": result.rows, **columns, **published_metadata(result, made.folder)},
            check_results=[_check_result(asset.check, made)] if asset.check else [],
        )

    return source_asset


def _check_result(check: AssetCheck, made: MadeAsset) -> dg.AssetCheckResult:
    outcome = made.result.check
    if outcome is None:
        raise TypeError(f"{made.record.asset} has a check {check.name} and made no outcome of it")
    return dg.AssetCheckResult(
        check_name=check.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if check.is_error and outcome.is_known else dg.AssetCheckSeverity.WARN,
        description=outcome.description,
        metadata={NOT_COMPARED: not outcome.is_known, **shown_metadata(outcome.shown)},
    )
