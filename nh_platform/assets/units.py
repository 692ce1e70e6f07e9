"""The asset `units`: every unit with metrics, verdicts, reasons, labels, position and reviews.

Change here what is stored of units and what is shown of them. Metrics, rules and reviews are `nh_platform.qc`; the
checks of this asset, one per rule, are `nh_platform.defs.checks`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import (
    AssetResult,
    Parameters,
    SessionAsset,
    files_not_had,
    largest_counts,
    note_texts,
    origin_texts,
)
from nh_platform.home.platform import Platform
from nh_platform.qc.plausibility import implausible_volts
from nh_platform.session import RawRecording, StoreError
from nh_platform.session.columns import Column, ColumnMeanings, describe
from nh_platform.session.tables.carried_reviews import CARRIED_REVIEWS
from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNIT_INVALID_TIMES, UNIT_POSITIONS, UNITS
from nh_platform.store.codecs.json_files import SUMMARY_FILE, write_json
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.codecs.recording_files import CARRIED_FILE, write_reviewed_intervals

if TYPE_CHECKING:
    from nh_platform.qc.rules.rulebook_model import Rulebook

RULE_FIGURES = "rules"
"""Folder with the histogram of each rule of the active rulebook that compares numbers, ``<rule>.svg``."""

_REVIEWS_SHOWN = 20
"""Reviewed things that the page names; `nh review list` lists all."""
_DECIDED = ("session", "unit", "unit interval", "interval")
"""Kinds of what reviews decide; questions change nothing, and are in no asset."""


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the metrics that are computed, and the rulebooks by content."""
    from nh_platform.qc.metrics.definitions.lookup import HISTOGRAMS
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.unit_columns import metric_ids

    rulebooks = [load_rulebook(name) for name in platform.config(source).rulebooks]
    return {
        "metrics": ";".join((*metric_ids(rulebooks), *HISTOGRAMS)),
        "rulebooks": ";".join(f"{book.id}={book.content_version()}" for book in rulebooks),
    }


def columns(platform: Platform, source: str) -> list[Column]:
    """Return the columns of the configured rulebooks and metrics, with those that releases of the source have."""
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.unit_columns import unit_columns

    config = platform.config(source)
    return unit_columns(config.entry, [load_rulebook(name) for name in config.rulebooks])


def make(inputs: SessionInputs) -> AssetResult:
    """Join released metrics, recomputed metrics, positions, verdicts of every rulebook and reviews."""
    from nh_platform.qc.metrics.histogram_file import write_histograms
    from nh_platform.qc.reviews.listed_reviews import listed_reviews
    from nh_platform.qc.reviews.reviewed_times import reviewed_intervals, reviewed_unit_intervals
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.qc.unit_columns import column_meanings
    from nh_platform.qc.unit_table import build_units

    config, today = inputs.config, inputs.platform.today
    if inputs.stored.record("raw_spikes").inputs["upstream/spikes"] != inputs.files.version("spikes"):
        raise StoreError(
            f"{inputs.source} session {inputs.session_id}",
            "the stored raw_spikes are of another release than the metrics and positions",
            f"Run `nh materialize {inputs.source} {inputs.session_id}`, which makes raw_spikes first.",
        )
    recording = inputs.recording()
    cell_types = _cell_types(inputs, recording)
    annotation = inputs.upstream.read_annotation(inputs.files, recording.units, recording.channels)
    built = build_units(
        recording,
        annotation,
        rulebooks=config.rulebooks,
        reviews_file=inputs.reviews_file,
        cell_types=cell_types,
        today=today,
    )
    book, reviews = load_rulebook(config.rulebook), built.evidence.reviews
    reviewed = reviewed_intervals(reviews, book.review_quorum, today)
    reviewed_of_units = reviewed_unit_intervals(reviews, book.review_quorum, today)
    decided = [one for one in listed_reviews(reviews, [book], today) if one.kind in _DECIDED]
    by_state = Counter((one.kind, one.state) for one in decided)
    by_state.update(("sorted again", str(standing)) for standing in built.evidence.carried["standing"])
    table, meanings, rulebook = built.table, column_meanings(config.entry), config.rulebook_ids[0]
    good = table[f"pass.{rulebook}"]
    summary = _summary(table, config.rulebook_ids)
    figures = _rule_figures(table, book)

    def write(folder: Path) -> None:
        write_table(folder / "units.parquet", table, UNITS, meanings)
        write_table(folder / "channels.parquet", annotation.channels, CHANNEL_POSITIONS)
        write_histograms(folder, built.histograms)
        write_reviewed_intervals(folder, reviewed, reviewed_of_units)
        write_table(folder / CARRIED_FILE, built.evidence.carried, CARRIED_REVIEWS)
        write_json(folder / SUMMARY_FILE, summary)
        (folder / RULE_FIGURES).mkdir()
        for rule, figure in figures.items():
            (folder / RULE_FIGURES / f"{rule}.svg").write_text(figure, encoding="utf-8")

    return AssetResult(
        write=write,
        rows=len(table),
        columns=describe(UNITS, table, meanings),
        shown={
            "units": len(table),
            "good units": int(good.sum()),
            "share good": float(good.mean()) if len(table) else 0.0,
            "rulebook": rulebook,
            "rulebook digest": book.digest,
            "reviews by state": [
                {"what": kind, "state": state, "number": number} for (kind, state), number in sorted(by_state.items())
            ],
            "reviewed": [
                {"what": one.about, "state": one.state, "decision": one.text} for one in decided[:_REVIEWS_SHOWN]
            ],
            "labels of other curators": [
                {"column": name, "units": int(table[name].notna().sum())} for name in built.evidence.labels
            ],
            "good units by rulebook": [{"rulebook": name, "units": n} for name, n in summary["n_pass"].items()],
            "good units by region": largest_counts(_regions(table[good]), "region"),
            "most frequent reasons": largest_counts(_failed_units(table, rulebook), "rule"),
        },
        not_had=files_not_had(annotation.notes),
        origins=origin_texts(annotation.notes),
        notes=(*note_texts((*annotation.notes, *built.notes)), *_implausible_amplitudes(table, meanings)),
    )


def _cell_types(inputs: SessionInputs, recording: RawRecording) -> pd.DataFrame:
    """Return the columns of cell types, one row per unit; what light did is null where `optotagging` is not made."""
    import numpy as np
    import pandas as pd

    from nh_platform.assets.optotagging import OPTOTAGGING_FILE
    from nh_platform.embeddings.cell_types.waveform_type import waveform_types
    from nh_platform.session.tables.cell_types import OPTOTAGGED, WAVEFORM_TYPE

    tagged = np.full(len(recording.units), np.nan)
    if "optotagging" in inputs.stored.by_asset:
        judged = read_table(inputs.stored.folder("optotagging") / OPTOTAGGING_FILE)
        tagged = judged.set_index("unit_id")["optotagged"].reindex(recording.units["unit_id"]).to_numpy()
    types = waveform_types(recording.units["peak_to_trough"].to_numpy(dtype=np.float64))
    return pd.DataFrame({WAVEFORM_TYPE.name: types, OPTOTAGGED.name: tagged})


def _implausible_amplitudes(table: pd.DataFrame, meanings: ColumnMeanings) -> list[str]:
    """Return what is not plausible of the released amplitudes of each probe, as texts of notes."""
    released = [str(name) for name in table.columns if str(name).startswith("released.")]
    volts = [name for name in released if (meanings(name) or ("",))[0] == "V"]
    columns = {
        f"{name} of {probe}": units[name] for probe, units in table.groupby("probe", sort=False) for name in volts
    }
    return [str(finding) for finding in implausible_volts(columns)]


def _rule_figures(table: pd.DataFrame, rulebook: Rulebook) -> dict[str, str]:
    """Return the histogram of each rule that compares numbers, as SVG by the rule."""
    from nh_platform.qc.rules.rule_summary import rule_summary
    from nh_platform.qc.rules.verdicts import apply_rulebook
    from nh_platform.reports.rule_histogram import rule_histogram

    summaries = {one.rule: one for one in rule_summary(apply_rulebook(table, rulebook, missing="nan"))}
    drawn = {rule.id: rule_histogram(rule, summaries[rule.id]) for rule in rulebook.rules}
    return {rule: figure for rule, figure in drawn.items() if figure is not None}


def _summary(table: pd.DataFrame, rulebook_ids: tuple[str, ...]) -> dict[str, Any]:
    """Return what finding sessions needs to know of their units."""
    names = {str(name) for column in ("acronym", "beryl", "cosmos") for name in table[column].dropna()}
    return {
        "n_units": len(table),
        "n_pass": {name: int(table[f"pass.{name}"].sum()) for name in rulebook_ids},
        "active_rulebook": rulebook_ids[0],
        "regions": {str(region): int(count) for region, count in sorted(_regions(table).items())},
        "region_names": sorted(names),
        "n_spikes": int(table["n_spikes"].sum()),
        "probes": sorted(table["probe"].unique()),
    }


def _regions(table: pd.DataFrame) -> pd.Series:
    return table["beryl"].fillna("unlocated").value_counts()


def _failed_units(table: pd.DataFrame, rulebook: str) -> pd.Series:
    """Return how many units fail each rule of a rulebook."""
    prefix = f"rule.{rulebook}."
    rules = [name for name in table.columns if name.startswith(prefix)]
    return (~table[rules]).sum().rename(lambda name: name.removeprefix(prefix))


ASSET = SessionAsset(
    name="units",
    code_version="9",
    description=(
        "Every unit with released and recomputed quality metrics, the verdict of each rule, the reason in words, the "
        "label of each rulebook, brain region (Allen, Beryl, Cosmos), Allen CCF position and cell type. The checks of "
        "this asset are the rules of the active rulebook."
    ),
    kinds=frozenset({"parquet"}),
    tables=(
        (UNITS, "units.parquet"),
        (CHANNEL_POSITIONS, "channels.parquet"),
        (UNIT_POSITIONS, "not stored by itself; its columns are part of units.parquet"),
        (CARRIED_REVIEWS, f"{CARRIED_FILE}, those that do not count since their unit was sorted again"),
        (INVALID_TIMES, "reviewed_intervals.parquet, those that counted reviews mark"),
        (UNIT_INVALID_TIMES, "reviewed_unit_intervals.parquet, those of single units that counted reviews mark"),
    ),
    make=make,
    inputs=("raw_spikes",),
    inputs_where_made=("optotagging",),
    groups=("alignment", "qc"),
    parameters=parameters,
    columns=columns,
    reads_reviews=True,
    memory_per_spike_byte=1.0,
)
