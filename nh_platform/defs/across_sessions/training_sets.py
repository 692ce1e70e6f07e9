"""The asset `training_set` as Dagster sees it: a partition for each set of the home, its audit as a blocking check.

Add here what is shown of a set. What a set holds is `nh_platform.training_sets`; it reads sessions of several sources,
and so stands beside them.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from nh_platform.assets.across_sessions.image_embeddings import ASSET as IMAGES
from nh_platform.assets.registry import source_assets
from nh_platform.assets.unit_embeddings import ASSET as UNIT_EMBEDDINGS
from nh_platform.assets.units import ASSET as UNITS
from nh_platform.assets.windows import ASSET as WINDOWS
from nh_platform.defs.metadata import OWNERS, failure, file_list, records_table, table_schema
from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.session.display.counted import counted
from nh_platform.session.tables.across_sessions.training_sets import SET_SESSIONS, TRAINING_SET
from nh_platform.store.names import TRAINING_SETS
from nh_platform.store.objects.address import shown
from nh_platform.training_sets.auditing import audited, built_parts
from nh_platform.training_sets.recipe import find_recipe, recipe_ids
from nh_platform.training_sets.training_set import (
    CODE_VERSION,
    TrainingSet,
    last_set,
    make_training_set,
    set_provenance,
)
from nh_platform.windows.splits import Finding, PartOfSet

PARTITIONS = "training_sets"
JOB = "training_set_job"
NO_LEAKS = "no_leaks"
EMBEDDINGS = UNIT_EMBEDDINGS.name
READS = tuple(asset.name for asset in (UNITS, WINDOWS))
_LEAKS_SHOWN = 50


def register_set(instance: dg.DagsterInstance, set_id: str) -> None:
    """Register a set as a partition."""
    if set_id not in instance.get_dynamic_partitions(PARTITIONS):
        instance.add_dynamic_partitions(PARTITIONS, [set_id])


def build_training_set_asset(
    platform: Platform,
    made: TrainingSet | None = None,
    earlier: Sequence[PartOfSet] | None = None,
    sources: Sequence[str] | None = None,
) -> dg.AssetsDefinition:
    """Return the asset of all training sets.

    Parameters
    ----------
    platform
        The platform.
    made
        A set that was made already and is to be stored; made by the recipe of the partition where None.
    earlier
        What it is audited against; every version that was built where None.
    sources
        Sources that are served, whose assets it reads; all of the home where None.
    """
    key = dg.AssetKey([TRAINING_SET])
    every_session = dg.AllPartitionMapping()
    served = tuple(platform.entries if sources is None else sources)
    of_units, of_images = _also_read(platform, made)

    @dg.asset(
        key=key,
        deps=[
            dg.AssetDep(dg.AssetKey([source, name]), partition_mapping=every_session)
            for source in served
            for name in (*READS, *([EMBEDDINGS] if source in of_units else []))
        ]
        + [dg.AssetDep(dg.AssetKey([source, IMAGES.name])) for source in served if source in of_images],
        partitions_def=dg.DynamicPartitionsDefinition(name=PARTITIONS),
        group_name=PARTITIONS,
        kinds={"parquet"},
        owners=OWNERS,
        code_version=CODE_VERSION,
        description=(
            "A versioned selection for training: sessions, units, windows, how they are divided, statistics of the "
            "training windows, data versions, keys of images, terms and citations, as a small manifest over stored "
            "files. One partition for each recipe in the home's folder training_sets. In Python, open_training_set "
            "reads it."
        ),
        metadata={"dagster/column_schema": table_schema(SET_SESSIONS.columns)},
        check_specs=[
            dg.AssetCheckSpec(
                NO_LEAKS,
                asset=key,
                blocking=True,
                description=(
                    "No subject, session, insertion or stretch of time is in two splits, across sources and releases; "
                    "statistics are of training data alone; no reference window of embeddings has seen what is tested; "
                    "and nothing that tested before trains now. With a leak nothing is stored."
                ),
            )
        ],
    )
    def training_set(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        try:
            found = made or make_training_set(platform, find_recipe(platform.settings.home, context.partition_key))
            before = built_parts(platform.store, found.id) if earlier is None else earlier
            leaks = audited(platform, found, before)
        except NhError as error:
            raise failure(error) from None
        yield _check(found, leaks)
        if leaks:
            raise dg.Failure(f"training set {found.id}: {len(leaks)} leaks, first {leaks[0]}", allow_retries=False)
        record, last = set_provenance(found), last_set(platform.store, found.id)
        if last is None or last.digest != found.digest:
            with platform.store.publish(record, keep_history=True) as folder:
                found.write(folder)
        sessions, windows = found.tables["set_sessions"], found.tables["set_windows"]
        yield dg.MaterializeResult(
            data_version=dg.DataVersion(record.data_version),
            metadata={
                "dagster/row_count": len(sessions),
                "sessions by split": records_table(_counted(sessions["split"].value_counts().items())),
                "windows by split": records_table(
                    windows.groupby(["preset", "split"])[["n_windows", "seconds"]]
                    .sum()
                    .reset_index()
                    .to_dict("records")
                ),
                "units": len(found.tables["set_units"]),
                "number of notes": len(found.header["left_out"]),
                "notes": dg.MetadataValue.md("\n".join(f"- {line}" for line in found.header["left_out"]) or "none"),
                "files": file_list(platform.store.folder(TRAINING_SETS, found.id, TRAINING_SET)),
                "dagster/uri": shown(platform.store.folder(TRAINING_SETS, found.id, TRAINING_SET)),
            },
        )

    return training_set


def _also_read(platform: Platform, made: TrainingSet | None) -> tuple[set[str], set[str]]:
    """Return the sources of which a set reads embeddings of units, and those of images: as the recipes of the home say.

    An edge stands where a recipe asks for it, since Dagster tells a set stale by whatever its asset depends on.
    """
    recipes = [] if made is None else [made.recipe]
    for name in recipe_ids(platform.settings.home):
        try:
            recipes.append(find_recipe(platform.settings.home, name))
        except NhError:  # told when its set is built
            continue
    of_units = {source for recipe in recipes if recipe.embeddings for source in recipe.sources}
    stated = {source for recipe in recipes for source, part in recipe.sources.items() if part.images}
    return of_units, {source for source in stated if IMAGES.name in source_assets(source)}


def _counted(counts: object) -> list[dict[str, object]]:
    return [{"split": split, "sessions": int(n)} for split, n in counts]  # type: ignore[attr-defined]


def _check(found: TrainingSet, leaks: Sequence[Finding]) -> dg.AssetCheckResult:
    rows = [{"kind": one.kind, "what": one.thing, "found": one.found} for one in leaks[:_LEAKS_SHOWN]]
    return dg.AssetCheckResult(
        check_name=NO_LEAKS,
        passed=not leaks,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"Set {found.id}: {counted(len(leaks), 'leak') if leaks else 'no leak'}.",
        metadata={"leaks": records_table(rows), "sessions and stretches": len(found.parts())},
    )
