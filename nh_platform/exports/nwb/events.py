"""What happened: trials, stimulus presentations, passive replay, licks, rewards, light, invalid times.

Add here where a table of events stands in the file. Trials of IBL's task have columns of their own (`ibl_trials`);
what is sampled is `behavior`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from pynwb import NWBFile, TimeSeries
from pynwb.base import ProcessingModule
from pynwb.epoch import TimeIntervals

from nh_platform.exports.nwb.columns import dynamic_table, interval_table, is_empty, meanings
from nh_platform.exports.nwb.ibl_trials import WORDS, as_ibl_trials
from nh_platform.exports.nwb.time_series import clock_of, series
from nh_platform.exports.source_names import is_ibl
from nh_platform.reading import SessionView
from nh_platform.session.tables.events import DETECTED, EVENTS, LAB_TRIALS, RFM_SIDE_PX
from nh_platform.windows.intervals import merged_pairs

MODULES = {
    "passive_protocol": "IBL's passive protocol, shown behind the task: spontaneous activity, sparse noise, replay",
    "wheel": "Position of the wheel that the animal turns, and movements detected in it",
    "lick_times": "Licks",
    "licking": "Licks",
    "rewards": "Water rewards",
    "optotagging": "Light for optotagging",
    "stimulus": "What was shown",
}
"""Processing modules, named as in IBL's and Allen's files, and their descriptions."""

FLAGS = ("active", "is_change", "is_image_novel", "is_sham_change", "omitted", "rewarded")
"""Columns of Visual Behavior's presentations that are true or false where a stimulus has them."""

Add = Callable[[NWBFile, SessionView, list[str]], None]


def add_events(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    """Add every table of events that the session has; what it lacks is named in the notes.

    Parameters
    ----------
    nwbfile
        Takes them.
    session
        The session.
    notes
        Takes what is missing or left out.
    """
    if "events" not in session.assets:
        notes.append("events: not stored; no trials, presentations or licks")
        return
    tables = dict(session.events)
    if not {"trials", "change_trials", "lab_trials", "presentations"} & set(tables):
        notes.append("trials: the session has none")
    for name in tables:
        add = _ADD.get(name)
        if add is not None:
            add(nwbfile, session, notes)
        elif name not in _WITHIN_OTHERS:
            notes.append(f"{name}: no place in the file; left out")
    if "invalid_times" not in tables:  # reviews and pauses
        _invalid_times(nwbfile, session, notes)


def module_of(nwbfile: NWBFile, name: str) -> ProcessingModule:
    """Return a processing module of the file, made where it is not there yet."""
    found: ProcessingModule = (
        nwbfile.processing[name]
        if name in nwbfile.processing
        else nwbfile.create_processing_module(name=name, description=MODULES[name])
    )
    return found


def _ibl_trials(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    table, said = as_ibl_trials(session.events["trials"], notes), "Trials of IBL's decision task"
    _set_trials(nwbfile, interval_table("trials", said, table, WORDS, notes))


def _change_trials(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    table = session.events["change_trials"]
    words = meanings(EVENTS["change_trials"], table)
    table = table.rename(columns={"reward_volume": "reward_volume_uL"})
    words["reward_volume_uL"] = words.pop("reward_volume", "")
    licks = session.events.get("trial_licks")
    beside = [] if licks is None else [("lick_times", licks, "Licks of the trial [s]")]
    said = "Trials of the image change detection task"
    _set_trials(nwbfile, interval_table("trials", said, table, words, notes, ids="trials_id", beside=beside))


def _lab_trials(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    table = session.events["lab_trials"]
    words = meanings(LAB_TRIALS, table)
    _set_trials(nwbfile, interval_table("trials", "Trials as the lab has them", table, words, notes, ids="trial_id"))


def _set_trials(nwbfile: NWBFile, table: TimeIntervals | None) -> None:
    if table is not None:
        nwbfile.trials = table


def _presentations(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    every = session.events["presentations"]
    words = meanings(EVENTS["presentations"], every)
    for stimulus, shown in every.groupby("stimulus_name", sort=True):
        name = f"{re.sub(r'[/:]', '_', str(stimulus))}_presentations"
        flags = {one: shown[one] == 1 for one in FLAGS if one in shown and shown[one].isin((0, 1)).all()}
        shown = shown.assign(**flags)
        said = f"Presentations of {stimulus}; ids are numbers of all presentations in order of time"
        table = interval_table(name, said, shown, words, notes, ids="presentation_id")
        if table is not None:
            nwbfile.add_time_intervals(table)


def _in_module(
    table: str, module: str, name: str, description: str, renamed: Mapping[str, str] | None = None
) -> Callable[[NWBFile, SessionView, list[str]], None]:
    """Return what adds a table of intervals to a processing module under a name of upstream's files."""

    def add(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
        rows, schema = session.events[table], EVENTS.get(table) or DETECTED[table]
        words = meanings(schema, rows)
        words |= {new: words[old] for old, new in (renamed or {}).items() if old in words}
        found = interval_table(name, description, rows.rename(columns=dict(renamed or {})), words, notes)
        if found is not None:
            module_of(nwbfile, module).add(found)

    return add


def _rfm(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    table = session.events["passive_rfm"].dropna(subset=["times"]).sort_values("times", kind="stable")
    if table.empty:
        return
    pixels = table.drop(columns="times").to_numpy(np.uint8).reshape(-1, RFM_SIDE_PX, RFM_SIDE_PX)
    said = "Frames of the receptive field mapping: grey levels 0 black, 128 grey, 255 white"
    times = table["times"].to_numpy(np.float64)
    frames = series("rfm_stimulus", clock_of(times), pixels, "n.a.", said, "none")
    module_of(nwbfile, "passive_protocol").add(frames)


def _licks(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    times = np.sort(session.events["licks"]["times"].dropna().to_numpy(np.float64))
    if len(times):
        module = module_of(nwbfile, "lick_times" if is_ibl(session.source) else "licking")
        ones, said = np.ones(len(times), dtype=np.int8), "Licks; the times count, and every value is 1"
        module.add(TimeSeries(name="licks", description=said, data=ones, unit="n.a.", timestamps=times))


def _rewards(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    table = session.events["rewards"].dropna(subset=["times"]).sort_values("times", kind="stable")
    if table.empty:
        return
    times, module = table["times"].to_numpy(np.float64), module_of(nwbfile, "rewards")
    volume = TimeSeries(
        name="volume", description="Water given", data=table["volume"].to_numpy(np.float64), unit="uL", timestamps=times
    )
    module.add(volume)
    if "auto_rewarded" in table and not is_empty(table["auto_rewarded"]):
        said, given = "Whether the water came without a lick", table["auto_rewarded"].to_numpy(bool)
        module.add(TimeSeries(name="autorewarded", description=said, data=given, unit="n.a.", timestamps=volume))


def _invalid_times(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    """Add upstream's invalid intervals, and those of reviews and pauses, by what they make invalid."""
    stated = session.events.get("invalid_times")
    rows = [] if stated is None else stated.to_dict("records")
    for scope, intervals in [("all_probes", session.invalid_times.recording), *session.invalid_times.probes.items()]:
        known = merged_pairs((row["start_time"], row["stop_time"]) for row in rows if row["scope"] == scope).tolist()
        for start, stop in intervals.tolist():
            if not any(first <= start and stop <= last for first, last in known):
                label = "review, or pause of the recording; one with what it touches"
                rows.append({"start_time": start, "stop_time": stop, "scope": scope, "label": label})
    if not rows:
        return
    table = pd.DataFrame(rows)
    words = meanings(EVENTS["invalid_times"], table)
    said = "Intervals in which a probe, all probes or the stimulus are invalid"
    found = interval_table("invalid_times", said, table, words, notes, tags="scope")
    if found is not None:
        nwbfile.invalid_times = found


def _facts(name: str) -> Add:
    """Return what adds facts as JSON, one text: they are of the session, and many are lists."""

    def add(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
        table = session.events[name]
        lines = [f'"{row["name"]}": {row["value"]}' for row in table.to_dict("records")]
        text = "{" + ", ".join(lines) + "}"
        nwbfile.add_scratch(text, name=name, description=f"{name.replace('_', ' ')} as AllenSDK has them, as JSON")

    return add


def _image_templates(nwbfile: NWBFile, session: SessionView, notes: list[str]) -> None:
    table = session.events["image_templates"]
    if len(table):
        words = meanings(EVENTS["image_templates"], table)
        said = "Images that were shown; the pictures themselves are not in the file"
        module_of(nwbfile, "stimulus").add(dynamic_table("image_templates", said, table, words))


_ADD: dict[str, Add] = {
    "trials": _ibl_trials,
    "change_trials": _change_trials,
    "lab_trials": _lab_trials,
    "presentations": _presentations,
    "licks": _licks,
    "rewards": _rewards,
    "invalid_times": _invalid_times,
    "passive_rfm": _rfm,
    "passive_periods": _in_module(
        "passive_periods", "passive_protocol", "passive_intervals", "Phases of the protocol", {"name": "protocol_name"}
    ),
    "passive_gabor": _in_module("passive_gabor", "passive_protocol", "gabor_table", "Gabor patches of the replay"),
    "passive_stims": _in_module(
        "passive_stims", "passive_protocol", "passive_task_replay", "Sounds of the replay", {"name": "stim_type"}
    ),
    "wheel_moves": _in_module("wheel_moves", "wheel", "WheelMovement", "Movements of the wheel that IBL detected"),
    "optogenetic_epochs": _in_module("optogenetic_epochs", "optotagging", "optogenetic_stimulation", "Light pulses"),
    "task_parameters": _facts("task_parameters"),
    "session_metadata": _facts("session_metadata"),
    "image_templates": _image_templates,
}
"""What adds each table of events."""

_WITHIN_OTHERS = frozenset({"trial_licks"})
"""Tables that are columns of another one in the file."""
