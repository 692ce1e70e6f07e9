"""Assets across sessions as Dagster sees them, made from their records.

Add here what Dagster must be told of every asset that joins the sessions of a source. What such an asset is stands in
its own file in `nh_platform.assets.across_sessions`; when they run is `inventory`.
"""

import dagster as dg

from nh_platform.assets.record import SourceAsset
from nh_platform.assets.registry import source_assets
from nh_platform.defs.making_checks import check_specs, checks_of_making
from nh_platform.defs.metadata import OWNERS, failure, published_metadata, table_schema
from nh_platform.defs.run_tags import stamp_run
from nh_platform.home.platform import Platform
from nh_platform.planning.making import make_source_asset
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry

ACROSS_SESSIONS_POOL = "across_sessions"
"""Pool of the runs that join sessions, so that three daily inventories do not all run at once."""


def build_source_assets(entry: SourceEntry, platform: Platform) -> list[dg.AssetsDefinition]:
    """Return the assets that join all sessions of a source."""
    return [build_source_asset(entry, platform, asset) for asset in source_assets(entry.name).values()]


def build_source_asset(entry: SourceEntry, platform: Platform, asset: SourceAsset) -> dg.AssetsDefinition:
    """Return one asset that joins all sessions of a source, with its checks."""
    key = dg.AssetKey([entry.name, asset.name])

    @dg.asset(
        key=key,
        deps=[dg.AssetKey([entry.name, name]) for name in asset.reads],
        group_name=entry.name,
        kinds=set(asset.kinds),
        owners=OWNERS,
        code_version=asset.code_version,
        description=asset.description,
        pool=asset.pool or ACROSS_SESSIONS_POOL,
        metadata={"dagster/column_schema": table_schema(asset.tables[0][0].columns)},
        check_specs=check_specs(key, asset.checks),
    )
    def source_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        stamp_run(context, platform.store, entry.name)
        try:
            made = make_source_asset(platform, entry.name, asset)
        except NhError as error:
            raise failure(error) from None
        result = made.result
        columns = {} if result.columns is None else {"dagster/column_schema": table_schema(result.columns)}
        return dg.MaterializeResult(
            data_version=dg.DataVersion(made.record.data_version),
            metadata={"dagster/row_count": result.rows, **columns, **published_metadata(result, made.folder)},
            check_results=checks_of_making(context, asset.checks, made),
        )

    return source_asset
