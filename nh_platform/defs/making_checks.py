"""Checks that making an asset carries out, as Dagster sees them: per-session assets' and those across sessions'.

Add here what Dagster must be told of every such check. What is checked stands in the asset's own file; checks that read
what is stored are `checks`.
"""

import warnings
from collections.abc import Sequence

import dagster as dg

from nh_platform.assets.record import AssetCheck
from nh_platform.defs.metadata import shown_metadata
from nh_platform.defs.run_tags import name_warned
from nh_platform.planning.making import MadeAsset

NOT_COMPARED = "nothing to compare with"
"""Metadata of a check that has not passed because there was nothing to hold it against."""


def check_specs(
    key: dg.AssetKey, checks: Sequence[AssetCheck], partitions: dg.PartitionsDefinition | None = None
) -> list[dg.AssetCheckSpec]:
    """Return the checks of an asset, partitioned where it is."""
    with warnings.catch_warnings():
        # Partitioned checks are marked preview in 1.13; docs/decisions/0003 says why they are used all the same.
        warnings.filterwarnings("ignore", category=dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(check.name, asset=key, description=check.description, partitions_def=partitions)
            for check in checks
        ]


def checks_of_making(
    context: dg.AssetExecutionContext, checks: Sequence[AssetCheck], made: MadeAsset
) -> list[dg.AssetCheckResult]:
    """Return what the checks of an asset found, and name in the run's tags those that warn or fail.

    Raises
    ------
    TypeError
        If making it had no outcome of one.
    """
    outcomes = made.result.checks
    if lacking := [check.name for check in checks if check.name not in outcomes]:
        raise TypeError(f"{made.record.asset} has checks {', '.join(lacking)} and made no outcome of them")
    name_warned(context, [name for name, outcome in outcomes.items() if outcome.is_known and not outcome.passed])
    return [
        dg.AssetCheckResult(
            check_name=check.name,
            passed=outcome.passed,
            severity=dg.AssetCheckSeverity.ERROR if check.is_error and outcome.is_known else dg.AssetCheckSeverity.WARN,
            description=outcome.description,
            metadata={NOT_COMPARED: not outcome.is_known, **shown_metadata(outcome.shown)},
        )
        for check, outcome in ((check, outcomes[check.name]) for check in checks)
    ]
