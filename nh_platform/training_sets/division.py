"""The division of chosen sessions into splits, by a recipe.

Contains the table of who is where and that of the stretches. The ways of dividing are `nh_platform.windows.splits`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from nh_platform.embeddings.units.reference_windows import UsedWindow
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform.session.tables.across_sessions.training_sets import SET_RANGES
from nh_platform.sources.anatomy.region_names import find_region
from nh_platform.training_sets.recipe import BLOCKS, BY_SUBJECT, CAUSAL, Recipe, SplitRecipe
from nh_platform.windows.intervals import merged_pairs, valid_stretches
from nh_platform.windows.splits import block_folds, causal_ranges, load_reserved, nested_subset, task_time_ranges
from nh_platform.windows.splits.audited_record import WHOLE_SESSION
from nh_platform.windows.splits.by_subject import TRAIN, split_by_subject
from nh_platform.windows.splits.time_ranges import FloatArray, Ranges, lies_within

RangeRow = tuple[str, str, str, float, float]
"""Source, session, split, start and stop (s) of a stretch."""

DIVIDED, NOT_DRAWN = "divided", "not_drawn"
"""Splits of a session that is divided in time, and of a training session beyond the subset."""


def divide(
    platform: Platform, recipe: Recipe, sessions: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    """Divide sessions as a recipe says.

    Returns
    -------
    tuple
        ``sessions`` with ``split`` and ``why``; the stretches, schema `SET_RANGES`, none where whole sessions are
        divided; and which sessions were too short to be divided, a text each: they are left out.

    Raises
    ------
    ConfigError
        If a laboratory, subject or session that is held out is not there, a list is unknown, a split would be empty, or
        the subset is larger than what there is.
    """
    how = recipe.split
    held_out = _held_out(how, sessions)
    by_animal = how.by == BY_SUBJECT
    blank = sessions["subject"] == ""
    named = (
        sessions
        if by_animal
        else sessions.assign(
            subject=sessions["subject"].mask(blank, "session " + sessions["session_id"])  # an animal of its own
        )
    )
    found = split_by_subject(
        named,
        seed=how.seed,
        shares=how.percent if how.by == BY_SUBJECT else {TRAIN: 100},
        reserved=[load_reserved(platform.settings.own_file(name)) for name in how.reserved],
        hold_out_labs=how.hold_out_labs,
        hold_out_sessions=held_out,
        allow_empty=how.by != BY_SUBJECT,
    )
    found["subject"] = sessions["subject"].to_numpy()
    if not by_animal:
        found["split"] = found["split"].replace({TRAIN: DIVIDED})
    ranges, too_short = [], []
    for row in found[found["split"] == DIVIDED].itertuples():
        view = SessionView(platform.store, row.source, row.session_id)
        try:
            divided = _in_time(view, how)
            if recipe.embeddings:
                divided = apart_from_reference(view.embeddings_window, divided, how.gap_s)
            ranges.append((row.source, row.session_id, divided))
        except ConfigError as error:
            too_short.append(f"{row.source} session {row.session_id}: {error.thing}: {error.found}")
    if too_short:
        kept = {(source, session_id) for source, session_id, _ in ranges}
        is_kept = np.array([key in kept for key in zip(found["source"], found["session_id"])], dtype=bool)
        found = found[is_kept | (found["split"] != DIVIDED)].reset_index(drop=True)
    for source in recipe.sources:
        if source not in set(found["source"]):
            why = next(text for text in too_short if text.startswith(f"{source} session"))
            action = "Divide it otherwise, or leave the source out."
            raise ConfigError(f"training set {recipe.id}, source {source}", f"nothing of it is left; {why}", action)
    if how.subset is not None:
        found = _drawn(recipe, found)
    used = set(zip(*(found.loc[found["split"] == DIVIDED, name] for name in ("source", "session_id"))))
    rows = [row for one in ranges if one[:2] in used for row in _range_rows(*one)]
    if recipe.embeddings:
        rows += _beside_reference_windows(platform, found)
    table = pd.DataFrame(rows, columns=[column.name for column in SET_RANGES.columns]) if rows else SET_RANGES.empty()
    if how.by != BY_SUBJECT and not used:
        found_none = too_short[0] if too_short else "every session is kept out"
        raise ConfigError(f"training set {recipe.id}", f"no session is left to divide; {found_none}", "Ask for others.")
    return found, table, tuple(too_short)


def apart_from_reference(window: UsedWindow, ranges: Ranges, gap_s: float) -> Ranges:
    """Return stretches of which those that are tested keep the gap to what embeddings were made of.

    Raises
    ------
    ConfigError
        If that leaves nothing of a split.
    """
    if window.id == WHOLE_SESSION:  # the audit tells that
        return ranges
    seen = [(start, stop) for start, stop in window.stretches.tolist() if not lies_within((start, stop), ranges[TRAIN])]
    around = merged_pairs([(start - gap_s, stop + gap_s) for start, stop in seen])
    found = {TRAIN: ranges[TRAIN]}
    for split in [name for name in ranges if name != TRAIN]:
        found[split] = np.concatenate([valid_stretches(start, stop, around) for start, stop in ranges[split]])
        if not len(found[split]):
            near = next((one for one in seen if _reaches(one, ranges[split], gap_s)), seen[0])
            raise ConfigError(
                f"reference window {window.id} of its embeddings",
                f"its intervals, as {near[0]:.1f} to {near[1]:.1f} s, and {gap_s:g} s around each leave nothing of "
                f"{split}; `reference_window: start-30s` of the source in sources.yaml would",
                "State another window.",
            )
    return found


def _reaches(interval: tuple[float, float], stretches: FloatArray, gap_s: float) -> bool:
    return bool(((stretches[:, 0] < interval[1] + gap_s) & (stretches[:, 1] > interval[0] - gap_s)).any())


def _beside_reference_windows(platform: Platform, sessions: pd.DataFrame) -> Iterator[RangeRow]:
    """Give the stretches of each session that is tested as a whole: what embeddings were made of is not tested.

    Nothing of such a session trains, so that no gap is needed.
    """
    for row in sessions[~sessions["split"].isin((TRAIN, DIVIDED, NOT_DRAWN))].itertuples():
        view = SessionView(platform.store, row.source, row.session_id)
        window, recorded = view.embeddings_window, view.spikes.recorded_time
        if window.id == WHOLE_SESSION or window.is_empty:
            continue
        for start, stop in valid_stretches(recorded.start, recorded.stop, merged_pairs(window.stretches)).tolist():
            yield row.source, row.session_id, row.split, start, stop


def _held_out(how: SplitRecipe, sessions: pd.DataFrame) -> dict[str, str]:
    """Return why by session id for what is held out by name."""
    found = dict.fromkeys(how.hold_out_sessions, "named")
    for subject in how.hold_out_subjects:
        of_subject = sessions.loc[sessions["subject"] == subject, "session_id"]
        if of_subject.empty:
            action = "Name an animal of the sessions that are chosen, or leave it out."
            raise ConfigError(f"subject {subject!r} that is held out", "no session is of it", action)
        found |= dict.fromkeys(of_subject, f"subject {subject}")
    for region in how.hold_out_regions:
        meant = find_region(region).acronyms
        within = sessions.loc[[not meant.isdisjoint(regions) for regions in sessions["regions"]], "session_id"]
        if within.empty:
            action = "Name another one, or leave it out."
            raise ConfigError(f"region {region!r} that is held out", "no session has a unit there", action)
        found |= dict.fromkeys(within, f"region {region}")
    unknown = sorted(set(how.hold_out_sessions) - set(sessions["session_id"]))
    if unknown:
        action = "Name whole ids of sessions that are chosen, or leave it out."
        raise ConfigError(f"session {unknown[0]!r} that is held out", "it is none of the chosen sessions", action)
    return found


def _drawn(recipe: Recipe, found: pd.DataFrame) -> pd.DataFrame:
    trains = found["split"].isin((TRAIN, DIVIDED))
    assert recipe.split.subset is not None
    names, several = found["session_id"], found["session_id"].duplicated(keep=False)
    names = names.mask(several, found["source"] + "/" + names)  # of one id in two sources
    try:
        drawn = nested_subset(names[trains].tolist(), recipe.split.subset, recipe.split.seed)
    except ConfigError as error:
        thing = f"training set {recipe.id}, {error.thing} of {' and '.join(recipe.sources)}"
        raise ConfigError(thing, error.found, error.action) from error
    beyond = trains & ~names.isin(drawn)
    return found.assign(
        split=found["split"].mask(beyond, NOT_DRAWN), why=found["why"].mask(beyond, f"subset of {recipe.split.subset}")
    )


def _in_time(view: SessionView, how: SplitRecipe) -> Ranges:
    recorded = view.spikes.recorded_time
    shares = {name: percent / 100 for name, percent in how.percent.items()} if how.by != BLOCKS else {}
    if how.by == CAUSAL:
        return causal_ranges(recorded.start, recorded.stop, shares, how.gap_s)
    if how.by == BLOCKS:
        return block_folds(recorded.start, recorded.stop, how.folds, how.gap_s)[how.fold]
    trials = view.trials[["start_time", "stop_time"]].to_numpy(dtype=np.float64)
    return task_time_ranges(recorded.start, recorded.stop, trials[~np.isnan(trials).any(axis=1)], shares, how.gap_s)


def _range_rows(source: str, session_id: str, ranges: Ranges) -> Iterator[RangeRow]:
    for split, stretches in ranges.items():
        for start, stop in stretches:
            yield source, session_id, split, float(start), float(stop)
