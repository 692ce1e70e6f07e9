"""What each per-session asset does, in the order read, compute, write, with what a person sees of it.

Each function reads its inputs, calls the room that knows the science, and returns what to write and what to show. Add
a step here when a per-session asset is added to `planning.STEPS`. Nothing here publishes, and no formula stands here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.defs.metadata import counts_table, records_table, table_schema
from nh_platform.history.manifest import SessionFiles
from nh_platform.home.platform import Platform
from nh_platform.planning.inputs import StepInputs
from nh_platform.qc.gate import GATE_FILE, gate_problems, read_gate
from nh_platform.session import BadUpstreamData, Behavior, Note
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.session.tables.events import EVENTS
from nh_platform.session.tables.spikes import RAW_UNITS
from nh_platform.session.tables.stimulus import STIMULUS_PRESENTATIONS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNITS
from nh_platform.session.tables.windows import WINDOW_INDEX
from nh_platform.store.parquet import read_table, write_table
from nh_platform.store.recording_files import read_recording, write_behavior, write_recording

SUMMARY_FILE = "summary.json"
_REGION_COLUMNS = ("acronym", "beryl", "cosmos")


@dataclass(frozen=True)
class StepResult:
    """What a step made.

    Parameters
    ----------
    write
        Writes the files into the folder that it is given.
    metadata
        What the UI shows of this materialization.
    left_out
        What was missing, assumed or left out, in words; kept in the provenance.
    """

    write: Callable[[Path], None]
    metadata: Mapping[str, Any]
    left_out: tuple[str, ...] = ()


def make_raw_spikes(platform: Platform, files: SessionFiles, inputs: StepInputs) -> StepResult:
    """Read the verified upstream sorting; nothing is filtered."""
    recording = platform.source(files.session.source).read_spikes(files)
    spikes = recording.spikes
    first, last = spikes.time_range
    return StepResult(
        write=lambda folder: write_recording(folder, recording),
        metadata={
            "dagster/partition_row_count": spikes.n_units,
            "dagster/column_schema": table_schema(RAW_UNITS),
            "units": spikes.n_units,
            "units without spikes": int((spikes.counts == 0).sum()),
            "spikes": len(spikes.times),
            "first spike [s]": first,
            "last spike [s]": last,
            "probes": records_table(
                [
                    {key: str(value) for key, value in row.items() if value is not None}
                    for row in recording.probes.to_dict("records")
                ]
            ),
        },
        left_out=_words(recording.notes),
    )


def make_behavior(platform: Platform, files: SessionFiles, inputs: StepInputs) -> StepResult:
    """Read trials or presentations, wheel or running, pupil, licks, passive periods and invalid times."""
    from nh_platform.session.performance import easy_performance

    behavior = platform.source(files.session.source).read_behavior(files)
    trials = behavior.events.get("trials")
    presentations = behavior.events.get("presentations")
    summary: dict[str, Any] = {
        "n_trials": len(trials if trials is not None else behavior.events.get("change_trials", ())),
        "n_presentations": 0 if presentations is None else len(presentations),
        "performance": None if trials is None else easy_performance(trials),
        "stimuli": [] if presentations is None else sorted(presentations["stimulus_name"].unique()),
        "signals": sorted(behavior.signals),
    }
    main = "trials" if trials is not None else "presentations"

    def write(folder: Path) -> None:
        write_behavior(folder, behavior)
        _write_json(folder / SUMMARY_FILE, summary)

    return StepResult(
        write=write,
        metadata={
            "dagster/partition_row_count": len(behavior.events.get(main, ())),
            "dagster/column_schema": table_schema(EVENTS[main], behavior.events[main])
            if main in behavior.events
            else table_schema(EVENTS[main]),
            "events": records_table([{"table": name, "rows": len(t)} for name, t in sorted(behavior.events.items())]),
            "signals": records_table(
                [
                    {"signal": s.name, "samples": len(s.timestamps), "unit": s.unit, "columns": ", ".join(s.columns)}
                    for s in (behavior.signals[name] for name in sorted(behavior.signals))
                ]
            ),
            **({} if summary["performance"] is None else {"easy-trial performance": summary["performance"]}),
        },
        left_out=_words(behavior.notes),
    )


def make_units(platform: Platform, files: SessionFiles, inputs: StepInputs) -> StepResult:
    """Join released metrics, recomputed metrics, positions, verdicts of every rulebook and reviews."""
    from nh_platform.qc.metrics.histogram_file import write_histograms
    from nh_platform.qc.unit_columns import column_words
    from nh_platform.qc.unit_table import build_units
    from nh_platform.windows.reviewed_intervals import write_reviewed

    source = files.session.source
    config = platform.config(source)
    recording = read_recording(inputs.folder("raw_spikes"))
    annotation = platform.source(source).read_annotation(files, recording.units, recording.channels)
    spikes_version = inputs.record("raw_spikes").inputs["upstream/spikes"]
    problems = gate_problems(recording, annotation, files, spikes_version)
    built = build_units(
        recording,
        annotation,
        rulebooks=config.rulebooks,
        reviews_file=platform.settings.reviews / source / f"{files.session.session_id}.yaml",
        today=platform.today,
    )
    reviewed = _reviewed_intervals(platform, files)
    table, words = built.table, column_words(source)
    rulebook, *_ = config.rulebook_ids
    active = f"pass.{rulebook}"
    regions = table["beryl"].fillna("unlocated").value_counts()
    summary: dict[str, Any] = {
        "n_units": len(table),
        "n_pass": {name: int(table[f"pass.{name}"].sum()) for name in config.rulebook_ids},
        "active_rulebook": rulebook,
        "regions": {str(region): int(count) for region, count in sorted(regions.items())},
        "region_names": sorted(
            {str(name) for column in ("acronym", "beryl", "cosmos") for name in table[column].dropna()}
        ),
        "n_spikes": int(table["n_spikes"].sum()),
        "probes": sorted(table["probe"].unique()),
    }

    def write(folder: Path) -> None:
        write_table(folder / "units.parquet", table, UNITS, words)
        write_table(folder / "channels.parquet", annotation.channels, CHANNEL_POSITIONS)
        write_histograms(folder, built.histograms)
        write_reviewed(folder, reviewed)
        _write_json(folder / SUMMARY_FILE, summary)
        _write_json(folder / GATE_FILE, {"problems": problems})

    return StepResult(
        write=write,
        metadata={
            "dagster/partition_row_count": len(table),
            "dagster/column_schema": table_schema(UNITS, table, words),
            "units": len(table),
            "good units": int(table[active].sum()),
            "share good": float(table[active].mean()) if len(table) else 0.0,
            "rulebook": rulebook,
            "good units by rulebook": records_table(
                [{"rulebook": name, "units": count} for name, count in summary["n_pass"].items()]
            ),
            "good units by region": counts_table(
                table.loc[table[active], "beryl"].fillna("unlocated").value_counts(), "region"
            ),
            "most frequent reasons": counts_table(_reasons(table, rulebook), "rule"),
        },
        left_out=(*_words(annotation.notes), *_words(built.notes)),
    )


def make_windows(platform: Platform, files: SessionFiles, inputs: StepInputs) -> StepResult:
    """Bin the spikes for the presets of the source and index the windows."""
    from nh_platform.windows.presets.preset_files import load_presets
    from nh_platform.windows.session_windows import build_windows
    from nh_platform.windows.window_files import write_windows

    _refuse_gated(files, inputs)
    recording = read_recording(inputs.folder("raw_spikes"))
    units = read_table(inputs.folder("units") / "units.parquet")
    behavior = _reviewed_behavior(inputs)
    presets = [load_presets()[name] for name in platform.config(files.session.source).presets]
    windows = build_windows(recording.spikes, units, behavior, presets)
    per_preset = windows.index.groupby("preset", sort=True).agg(windows=("valid", "size"), valid=("valid", "sum"))
    return StepResult(
        write=lambda folder: write_windows(folder, windows),
        metadata={
            "dagster/partition_row_count": len(windows.index),
            "dagster/column_schema": table_schema(WINDOW_INDEX),
            "windows": records_table(
                [
                    {"preset": p, "windows": int(r["windows"]), "valid": int(r["valid"])}
                    for p, r in per_preset.iterrows()
                ]
            ),
        },
        left_out=_words(windows.notes),
    )


def make_unit_embeddings(platform: Platform, files: SessionFiles, inputs: StepInputs) -> StepResult:
    """Describe every unit by its rate, its inter-spike intervals and its coupling to others, over valid time."""
    from nh_platform.embeddings.population_coupling import population_coupling
    from nh_platform.embeddings.unit_features import unit_embeddings
    from nh_platform.windows.binning import bin_edges
    from nh_platform.windows.invalid_masks import invalid_times, valid_bins
    from nh_platform.windows.window_files import StoredWindows

    _refuse_gated(files, inputs)
    recording = read_recording(inputs.folder("raw_spikes"))
    units = read_table(inputs.folder("units") / "units.parquet")
    invalid = invalid_times(_reviewed_behavior(inputs), list(dict.fromkeys(units["probe"])))
    table = unit_embeddings(recording.spikes, units, invalid=invalid)
    windows = StoredWindows(inputs.folder("windows"))
    table["population_coupling"] = np.float32(np.nan)
    if windows.grid_widths:
        grid = windows.grid(min(windows.grid_widths))
        edges = bin_edges(grid.start_bin * grid.bin_us, grid.counts.shape[1], grid.bin_us)
        table["population_coupling"] = population_coupling(grid.counts, valid_bins(edges, invalid))
    return StepResult(
        write=lambda folder: write_table(folder / "unit_embeddings.parquet", table, UNIT_EMBEDDINGS),
        metadata={
            "dagster/partition_row_count": len(table),
            "dagster/column_schema": table_schema(UNIT_EMBEDDINGS, table),
            "features": len(table.columns) - len(UNIT_EMBEDDINGS.columns),
        },
    )


def make_stimulus_tensors(platform: Platform, files: SessionFiles, inputs: StepInputs) -> StepResult:
    """Clean the presentations and bin the good units' spikes per stimulus type, in every configured mode."""
    from nh_platform.exports.stimulus.tensor_files import plan_tensors, write_tensors
    from nh_platform.exports.stimulus.unit_choice import tensor_good_units

    _refuse_gated(files, inputs)
    config = platform.config(files.session.source)
    units = read_table(inputs.folder("units") / "units.parquet")
    behavior = _reviewed_behavior(inputs)
    plans = [
        plan_tensors(behavior, units, tensor_good_units(units, mode, config.rulebook_ids[0]), mode)
        for mode in config.stimulus_modes
    ]

    def write(folder: Path) -> None:
        recording = read_recording(inputs.folder("raw_spikes"))
        write_tensors(folder, recording.spikes, behavior, plans)

    shown = plans[0].presentations if plans else STIMULUS_PRESENTATIONS.empty()
    return StepResult(
        write=write,
        metadata={
            "dagster/partition_row_count": len(shown),
            "dagster/column_schema": table_schema(STIMULUS_PRESENTATIONS, shown),
            "units": records_table([{"mode": plan.mode, "units": len(plan.units)} for plan in plans]),
            "presentations": records_table(
                [
                    {"mode": plan.mode, "stimulus": name, "presentations": len(plan.rows(name))}
                    for plan in plans
                    for name in plan.types
                ]
            ),
        },
        left_out=_words(note for plan in plans for note in plan.notes),
    )


MAKERS: dict[str, Callable[[Platform, SessionFiles, StepInputs], StepResult]] = {
    "raw_spikes": make_raw_spikes,
    "behavior": make_behavior,
    "units": make_units,
    "windows": make_windows,
    "unit_embeddings": make_unit_embeddings,
    "stimulus_tensors": make_stimulus_tensors,
}


def _reviewed_intervals(platform: Platform, files: SessionFiles) -> pd.DataFrame:
    """Return the intervals that counted reviews mark; `units` keeps them for all that reads it."""
    from nh_platform.qc.reviews.review_decisions import reviewed_intervals
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.qc.rules.rulebook import load_rulebook

    session = files.session
    reviews = read_reviews(platform.settings.reviews / session.source / f"{session.session_id}.yaml")
    quorum = load_rulebook(platform.config(session.source).rulebook).review_quorum
    return reviewed_intervals(reviews, quorum, platform.today)


def _reviewed_behavior(inputs: StepInputs) -> Behavior:
    """Read `behavior` with the intervals that `units` was reviewed with."""
    from nh_platform.windows.reviewed_intervals import read_reviewed_behavior

    return read_reviewed_behavior(inputs.folder("behavior"), inputs.folder("units"))


def _refuse_gated(files: SessionFiles, inputs: StepInputs) -> None:
    """Stop where the gate of `units` found the data unusable: a blocking check only stops the run that it is in."""
    problems = read_gate(inputs.folder("units"))
    if problems:
        raise BadUpstreamData(
            f"{files.session.source} session {files.session.session_id}",
            f"it is gated: {'; '.join(problems)}",
            "Correct the upstream data or wait for the next release, then materialize raw_spikes and units again.",
        )


def _reasons(table: Any, rulebook: str) -> Any:
    """Return how many units fail each rule of a rulebook."""
    prefix = f"rule.{rulebook}."
    rules = [name for name in table.columns if name.startswith(prefix)]
    return (~table[rules]).sum().rename(lambda name: name.removeprefix(prefix))


def _words(notes: Iterable[Note]) -> tuple[str, ...]:
    return tuple(f"{note.subject}: {note.text}" for note in notes)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
