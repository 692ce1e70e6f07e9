"""The asset `events`: what happened and when.

Change here what is stored and shown of events. Reading upstream's files belongs to the source; what was sampled all the
time is `signals`.
"""

from pathlib import Path
from typing import Any

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, files_not_had, note_texts, origin_texts
from nh_platform.session.columns import describe
from nh_platform.session.performance import easy_performance
from nh_platform.session.tables.events import EVENTS, TRIAL_TABLES, TRIALS
from nh_platform.store.codecs.json_files import SUMMARY_FILE, write_json
from nh_platform.store.codecs.recording_files import write_events


def make(inputs: SessionInputs) -> AssetResult:
    """Read trials or presentations, licks, passive periods and invalid times."""
    events = inputs.upstream.read_events(inputs.files)
    trials, presentations = events.tables.get("trials"), events.tables.get("presentations")
    summary: dict[str, Any] = {
        "n_trials": len(next((events.tables[name] for name in TRIAL_TABLES if name in events.tables), ())),
        "n_presentations": 0 if presentations is None else len(presentations),
        "performance": None if trials is None else easy_performance(trials),
        "stimuli": [] if presentations is None else sorted(presentations["stimulus_name"].unique()),
    }
    main = next((name for name in ("trials", "lab_trials", "presentations") if name in events.tables), "presentations")
    table = events.tables.get(main)

    def write(folder: Path) -> None:
        write_events(folder, events)
        write_json(folder / SUMMARY_FILE, summary)

    return AssetResult(
        write=write,
        rows=0 if table is None else len(table),
        columns=describe(EVENTS[main], EVENTS[main].names if table is None else table),
        shown={
            "events": [{"table": name, "rows": len(rows)} for name, rows in sorted(events.tables.items())],
            **({} if summary["performance"] is None else {"easy-trial performance": summary["performance"]}),
        },
        notes=note_texts(events.notes),
        not_had=files_not_had(events.notes),
        origins=origin_texts(events.notes),
    )


ASSET = SessionAsset(
    name="events",
    code_version="5",
    description=(
        "What happened and when: trials or stimulus presentations, licks, passive periods, and the intervals that "
        "upstream calls invalid. Times are seconds on the session clock."
    ),
    kinds=frozenset({"parquet"}),
    tables=(
        (TRIALS, "trials.parquet, where the session has any"),
        *((EVENTS[name], f"{name}.parquet, where the session has any") for name in EVENTS if name != TRIALS.name),
    ),
    make=make,
    groups=("events",),
)
