"""The checks of a session: the gate of `raw_spikes`; of `units` one per rule of the active rulebook, and agreement.

All are partitioned by session.

Add a check here when a person must see it per session. What a rule says stands in its rulebook; counts are made by
`nh_platform.qc`.
"""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from nh_platform.assets.raw_spikes import ASSET as RAW_SPIKES
from nh_platform.assets.registry import session_assets
from nh_platform.assets.units import ASSET as UNITS
from nh_platform.defs.metadata import records_table, report_link
from nh_platform.defs.partitions import SESSIONS_POOL, session_partitions
from nh_platform.defs.rules.rule_results import SessionPlace, rule_result, rulebook_metadata, threshold_metadata
from nh_platform.defs.run_tags import name_warned
from nh_platform.defs.told_failures import told_failures
from nh_platform.home.active_rulebook import active_rulebook
from nh_platform.home.platform import Platform
from nh_platform.qc.gate import read_gate
from nh_platform.qc.released_agreement import Agreement, MetricAgreement, released_agreement
from nh_platform.qc.rules.rule_summary import criterion, rule_summary
from nh_platform.qc.rules.rulebook_model import COUNTS_AS, RESERVED_RULE_IDS, Rule, Rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.sources.entry import SourceEntry
from nh_platform.store.codecs.parquet import read_table

AGREEMENT, GATE, PLAUSIBLE = RESERVED_RULE_IDS


def build_unit_checks(entry: SourceEntry, platform: Platform, *, queued: bool = True) -> dg.AssetChecksDefinition:
    """Return the checks of one source's `units` asset; runs of them alone take places of the pool where ``queued``."""
    rulebook = active_rulebook(platform.settings, entry.name)
    units_key = dg.AssetKey([entry.name, UNITS.name])
    partitions = session_partitions(entry.name)
    with warnings.catch_warnings():
        # Partitioned checks are marked preview in 1.13; docs/decisions/0003 says why they are used all the same.
        warnings.filterwarnings("ignore", category=dg.PreviewWarning)
        specs = [
            dg.AssetCheckSpec(
                rule.id,
                asset=units_key,
                description=_description(rulebook, rule),
                partitions_def=partitions,
                metadata={
                    **rulebook_metadata(rulebook),
                    "metric": ", else ".join(rule.metrics),
                    **threshold_metadata(rule),
                },
            )
            for rule in rulebook.rules
        ]
        specs.append(
            dg.AssetCheckSpec(
                AGREEMENT,
                asset=units_key,
                description=(
                    "The metrics that the release states agree with those recomputed from the spikes, in all but 1 % "
                    "of the units. Neither replaces the other; docs/unit-quality.md says why vintages differ."
                ),
                partitions_def=partitions,
            )
        )

    @dg.multi_asset_check(
        name=f"{entry.name}_unit_checks", specs=specs, can_subset=True, pool=SESSIONS_POOL if queued else None
    )
    def unit_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        with told_failures(context):
            folder = platform.store.folder(entry.name, context.partition_key, UNITS.name)
            units, place = read_table(folder / "units.parquet"), SessionPlace(entry.name, context.partition_key, folder)
            verdicts = apply_rulebook(units, rulebook, missing="nan")
            summaries = {s.rule: s for s in rule_summary(verdicts, units["unit_id"].tolist())}
            chosen = {key.name for key in context.selected_asset_check_keys}
            results = [
                rule_result(rulebook, rule, summaries[rule.id], units, place)
                for rule in rulebook.rules
                if rule.id in chosen
            ]
            if AGREEMENT in chosen:
                results.append(_agreement_result(released_agreement(units, entry.counterparts), place))
        name_warned(context, [str(one.check_name) for one in results if not one.passed])
        yield from results

    return unit_checks


def build_gate(entry: SourceEntry, platform: Platform, *, queued: bool = True) -> dg.AssetChecksDefinition:
    """Return the checks of one source's `raw_spikes`: the gate, and that times and amplitudes are plausible.

    Runs of them alone take places of the pool where ``queued``.
    """
    key = dg.AssetKey([entry.name, RAW_SPIKES.name])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=dg.PreviewWarning)
        gate_spec = dg.AssetCheckSpec(
            GATE,
            asset=key,
            blocking=True,
            description=(
                "The session can be used at all: files verified and of one revision, lengths agree, spike times sorted "
                "and possible. Few good units do not fail it. Units, windows and embeddings stop where it fails."
            ),
            partitions_def=session_partitions(entry.name),
        )
        plausible_spec = dg.AssetCheckSpec(
            PLAUSIBLE,
            asset=key,
            description=(
                "Spike times and amplitudes are what they say they are: few spikes before 0 s or far behind others, "
                "amplitudes of the order of magnitude of volts. It stops nothing; the asset's notes have the numbers."
            ),
            partitions_def=session_partitions(entry.name),
        )

    @dg.multi_asset_check(
        name=f"{entry.name}_gate",
        specs=[gate_spec, plausible_spec],
        can_subset=True,
        pool=SESSIONS_POOL if queued else None,
    )
    def gate(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        with told_failures(context):
            found = read_gate(platform.store.folder(entry.name, context.partition_key, RAW_SPIKES.name))
        results = {
            GATE: (found.problems, dg.AssetCheckSeverity.ERROR, "The session's data can be used."),
            PLAUSIBLE: (found.warnings, dg.AssetCheckSeverity.WARN, "Times and amplitudes are plausible."),
        }
        chosen_keys = sorted(context.selected_asset_check_keys)
        name_warned(context, [chosen.name for chosen in chosen_keys if results[chosen.name][0]])
        for chosen in chosen_keys:
            texts, severity, otherwise = results[chosen.name]
            yield dg.AssetCheckResult(
                check_name=chosen.name,
                asset_key=key,
                passed=not texts,
                severity=severity,
                description="; ".join(texts) or otherwise,
                metadata={"found": dg.MetadataValue.md("\n".join(f"- {text}" for text in texts) or "nothing")},
            )

    return gate


def session_checks(entry: SourceEntry, platform: Platform) -> dict[str, Sequence[dg.AssetCheckKey]]:
    """Return the checks of the per-session assets of one source, by the asset's name."""
    rulebook = active_rulebook(platform.settings, entry.name)
    names = {
        RAW_SPIKES.name: [GATE, PLAUSIBLE],
        UNITS.name: [*(rule.id for rule in rulebook.rules), AGREEMENT],
    }
    for asset in session_assets(entry.name, platform.config(entry.name).also_assets).values():
        names[asset.name] = [*names.get(asset.name, ()), *(check.name for check in asset.checks)]
    keys = {asset: dg.AssetKey([entry.name, asset]) for asset in names}
    return {asset: [dg.AssetCheckKey(keys[asset], name) for name in of_asset] for asset, of_asset in names.items()}


def _agreement_result(agreement: Agreement, place: SessionPlace) -> dg.AssetCheckResult:
    worst: list[Mapping[str, Any]] = [
        {"metric": metric.counterpart.column, "unit": w.unit, "released": w.released, "recomputed": w.recomputed}
        for metric in agreement.metrics
        for w in metric.worst
    ]
    return dg.AssetCheckResult(
        check_name=AGREEMENT,
        asset_key=place.key,
        passed=agreement.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=agreement.text(),
        metadata={
            "units compared": agreement.n_units,
            "units without spikes, left out": agreement.n_silent,
            "metrics": records_table([_agreement_row(metric) for metric in agreement.metrics]),
            "units that differ": records_table(worst),
            **report_link(place.source, place.session_id),
            "released only": ", ".join(agreement.without_definition) or "none",
        },
    )


def _agreement_row(metric: MetricAgreement) -> Mapping[str, Any]:
    counterpart = metric.counterpart
    return {
        "released": counterpart.column,
        "definition": counterpart.definition,
        "units": metric.n_both,
        "differ": metric.n_differ,
        "only released": metric.n_only_released,
        "only recomputed": metric.n_only_recomputed,
        "largest relative difference": "" if math.isnan(metric.largest) else f"{metric.largest:.2g}",
        "allowed": f"{counterpart.relative:g} of the value"
        + (f" or {counterpart.absolute:g}" if counterpart.absolute else ""),
        "outcome": "agrees" if metric.agrees else "differs" if metric.decides else "differs, other vintage",
    }


def _description(rulebook: Rulebook, rule: Rule) -> str:
    cited = f" Sources: {', '.join(rule.references)}." if rule.references else ""
    return (
        f"{criterion(rule)} (rulebook {rulebook.id}, since {rule.since}). {rule.why} "
        f"A unit without a value {COUNTS_AS[rule.nan]}. The check warns where fewer than {rule.warn_below:.0%} of a "
        f"session's units pass. Metric: {', else '.join(rule.metrics)}.{cited} "
        "Sessions that these rules have not judged yet show no result."
    )
