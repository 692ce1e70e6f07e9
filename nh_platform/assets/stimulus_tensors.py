"""The asset `stimulus_tensors`: responses of a session per stimulus type, on fixed bins.

Change here what is stored of tensors and what is shown of them. Conventions and cleaning are
`nh_platform.windows.presentations`, the files `nh_platform.exports.stimulus`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, Parameters, SessionAsset, note_texts
from nh_platform.home.platform import Platform
from nh_platform.session import Note
from nh_platform.session.columns import describe
from nh_platform.session.tables.stimulus import STIMULUS_PRESENTATIONS, STIMULUS_UNITS


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the conventions, the ways to make tensors, and the rulebooks that choose their units."""
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.windows.presentations.conventions import CONVENTIONS_VERSION, DEFAULT_UNITS_RULEBOOK

    config = platform.config(source)
    parts = [
        f"conventions={CONVENTIONS_VERSION}",
        f"modes={','.join(config.stimulus_modes)}",
        f"{DEFAULT_UNITS_RULEBOOK}={load_rulebook(DEFAULT_UNITS_RULEBOOK).content_version()}",
        f"active={load_rulebook(config.rulebook).id}",
    ]
    return {"stimulus_tensors": ";".join(parts)}


def make(inputs: SessionInputs) -> AssetResult:
    """Clean the presentations and bin the good units' spikes per stimulus type, in every configured mode."""
    from nh_platform.exports.stimulus.tensor_files import plan_tensors, write_tensors
    from nh_platform.exports.stimulus.unit_choice import tensor_good_units

    config, spikes, units = inputs.config, inputs.trains().spikes, inputs.units()
    events, signals = inputs.events(), inputs.signals()
    plans = [
        plan_tensors(events, signals, units, tensor_good_units(units, mode, config.rulebook_ids[0]), mode)
        for mode in config.stimulus_modes
    ]
    shown = plans[0].presentations if plans else STIMULUS_PRESENTATIONS.empty()
    return AssetResult(
        write=lambda folder: write_tensors(folder, spikes, events, signals, plans),
        rows=len(shown),
        columns=describe(STIMULUS_PRESENTATIONS, shown),
        shown={
            "units": [{"mode": plan.mode, "units": len(plan.units)} for plan in plans],
            "presentations": [
                {"mode": plan.mode, "stimulus": name, "presentations": len(plan.rows(name))}
                for plan in plans
                for name in plan.types
            ],
        },
        notes=note_texts(_notes({plan.mode: plan.notes for plan in plans})),
    )


def _notes(by_mode: Mapping[str, Iterable[Note]]) -> list[Note]:
    """Return the notes of all modes; what is said of several is said once, of them together."""
    modes: dict[Note, list[str]] = {}
    for mode, notes in by_mode.items():
        for note in notes:
            modes.setdefault(replace(note, subject=note.subject.removeprefix(f"{mode}, ")), []).append(mode)
    return [replace(note, subject=f"{' and '.join(said_of)}, {note.subject}") for note, said_of in modes.items()]


ASSET = SessionAsset(
    name="stimulus_tensors",
    code_version="4",
    description=(
        "Per stimulus type: whether and how often each good unit fired in every 20 ms of every presentation, with "
        "running speed, eyes and stimulus parameters; movies joined from frames, blanks left out. Presentations of "
        "unusual length are in; joining the sessions decides on them. In the conventions of the Mlynarski group's "
        "binned data set, and in correct ones."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=(
        (STIMULUS_PRESENTATIONS, "<mode>/presentations.parquet"),
        (STIMULUS_UNITS, "<mode>/units.parquet"),
    ),
    make=make,
    inputs=("raw_spikes", "units", "events", "signals"),
    parameters=parameters,
    reads_reviewed_intervals=True,
    of_every_source=False,
)
