"""The asset `behavior`: what the animal saw and did.

Change here what is stored and shown of events and signals. Reading upstream's files belongs to the source.
"""

from pathlib import Path
from typing import Any

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, in_words
from nh_platform.session.columns import describe
from nh_platform.session.performance import easy_performance
from nh_platform.session.tables.events import EVENTS, TRIALS
from nh_platform.store.json_files import SUMMARY_FILE, write_json
from nh_platform.store.recording_files import write_behavior


def make(inputs: SessionInputs) -> AssetResult:
    """Read trials or presentations, wheel or running, pupil, licks, passive periods and invalid times."""
    behavior = inputs.upstream.read_behavior(inputs.files)
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
    table = behavior.events.get(main)
    signals = (behavior.signals[name] for name in sorted(behavior.signals))

    def write(folder: Path) -> None:
        write_behavior(folder, behavior)
        write_json(folder / SUMMARY_FILE, summary)

    return AssetResult(
        write=write,
        rows=0 if table is None else len(table),
        columns=describe(EVENTS[main], EVENTS[main].names if table is None else table),
        shown={
            "events": [{"table": name, "rows": len(rows)} for name, rows in sorted(behavior.events.items())],
            "signals": [
                {"signal": s.name, "samples": len(s.timestamps), "unit": s.unit, "columns": ", ".join(s.columns)}
                for s in signals
            ],
            **({} if summary["performance"] is None else {"easy-trial performance": summary["performance"]}),
        },
        notes=in_words(behavior.notes),
    )


ASSET = SessionAsset(
    name="behavior",
    code_version="1",
    description=(
        "What the animal saw and did: trials or stimulus presentations, wheel or running, pupil, licks, passive "
        "periods, and the intervals that upstream calls invalid."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=(
        (TRIALS, "trials.parquet, where the session has any"),
        *((EVENTS[name], f"{name}.parquet, where the session has any") for name in EVENTS if name != TRIALS.name),
    ),
    make=make,
    groups=("behavior",),
)
