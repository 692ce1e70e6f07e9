"""The asset `unit_embeddings`: one row per unit that describes how it fires.

Change here what is stored of embeddings and what is shown of them. Features are computed in `nh_platform.embeddings`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetCheck, AssetResult, CheckOutcome, Parameters, SessionAsset
from nh_platform.home.platform import Platform
from nh_platform.session.columns import Column, describe
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.store.codecs.parquet import write_table

if TYPE_CHECKING:
    from nh_platform.embeddings.units.unit_quality import UnitQuality

WAVEFORMS = "mean_waveforms"

SOUND = AssetCheck(
    "unit_vectors_sound",
    "Features of units that fire are finite, every feature varies, the vectors of ten units or more fill at least "
    "three dimensions, and no two units have the same one.",
)
FIRE = AssetCheck(
    "units_fire",
    "At most half of the units are too silent to be described in the reference window. Where more are, the window is "
    "too short for the session, or not in it; the notes say which.",
)


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the versions of the encoders, and the window that they describe."""
    from nh_platform.embeddings.units.unit_encoding import encoders_version

    return {"features": encoders_version(), "reference_window": platform.config(source).reference_window}


def make(inputs: SessionInputs) -> AssetResult:
    """Describe every unit by every encoder, over the valid time of the reference window."""
    from nh_platform.embeddings.units.unit_encoding import feature_meanings, unit_embeddings
    from nh_platform.embeddings.units.unit_quality import unit_quality
    from nh_platform.embeddings.units.window_places import used_window
    from nh_platform.store.codecs.waveform_files import read_waveforms
    from nh_platform.windows.unrecorded_time import with_pauses
    from nh_platform.windows.valid_time import invalid_times
    from nh_platform.windows.window_files import StoredWindows

    recording = inputs.trains()
    spikes, units = recording.spikes, recording.units
    grid = StoredWindows(inputs.stored.folder("windows")).finest_grid(spikes, units["probe"].tolist())
    events = inputs.events()
    invalid = invalid_times(events, list(dict.fromkeys(units["probe"])))
    invalid = with_pauses(invalid, spikes.recorded_time)
    used = used_window(spikes, inputs.platform.config(inputs.source).reference_window, events)
    waves = read_waveforms(inputs.stored.folder(WAVEFORMS)) if WAVEFORMS in inputs.stored.by_asset else None
    table, meanings = unit_embeddings(spikes, units, used, invalid, grid, None, events, waves), feature_meanings()
    quality = unit_quality(table)

    def write(folder: Path) -> None:
        write_table(folder / "unit_embeddings.parquet", table, UNIT_EMBEDDINGS, meanings)
        used.write(folder)

    return AssetResult(
        write=write,
        rows=len(table),
        columns=describe(UNIT_EMBEDDINGS, table, meanings),
        shown={
            "features": len(table.columns) - len(UNIT_EMBEDDINGS.columns),
            "reference window": used.id,
            "seconds of the window": round(used.available_s, 3),
            "silent units": quality.n_silent,
        },
        notes=used.notes,
        checks={SOUND.name: _sound(quality), FIRE.name: _fire(quality)},
    )


def _sound(quality: UnitQuality) -> CheckOutcome:
    vectors, problems = quality.vectors, quality.problems
    shown = {"effective rank": vectors.effective_rank, "features": quality.features}
    if not vectors.n_vectors:
        return CheckOutcome(False, "No unit fires enough to be described.", is_known=False)
    text = "; ".join(problems) or f"The vectors of {vectors.n_vectors} units are finite, vary, and differ"
    return CheckOutcome(not problems, f"{text}.", shown)


def _fire(quality: UnitQuality) -> CheckOutcome:
    from nh_platform.embeddings.units.unit_quality import MOST_SILENT

    if not quality.n_units:
        return CheckOutcome(False, "The session has no units.", is_known=False)
    text = f"{quality.n_silent} of {quality.n_units} units are too silent to be described."
    return CheckOutcome(quality.share_silent <= MOST_SILENT, text, {"share of silent units": quality.share_silent})


def columns(_platform: Platform, _source: str) -> list[Column]:
    """Return the fixed columns, then the features of every encoder."""
    from nh_platform.embeddings.units.unit_encoding import feature_meanings, feature_names

    return describe(UNIT_EMBEDDINGS, [*UNIT_EMBEDDINGS.names, *feature_names()], feature_meanings())


ASSET = SessionAsset(
    name="unit_embeddings",
    code_version="6",
    description=(
        "One row per unit: firing rate, inter-spike intervals, bursts, autocorrelogram, rhythm, waveform, and coupling "
        "to the other units of the session, in the reference window that is configured."
    ),
    kinds=frozenset({"parquet"}),
    tables=((UNIT_EMBEDDINGS, "unit_embeddings.parquet"),),
    make=make,
    inputs=("raw_spikes", "events", "windows"),
    inputs_where_made=(WAVEFORMS,),
    reads_reviewed_intervals=True,
    parameters=parameters,
    columns=columns,
    memory_per_spike_byte=1.7,
    checks=(SOUND, FIRE),
)
