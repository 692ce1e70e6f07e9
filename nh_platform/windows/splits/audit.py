"""The audit of a split: proof that nothing of what is tested was trained on, or a list of what was.

Contains the proof. Add here another way in which a score can come to mean nothing. What of a set is looked at is
`audited_record`; what a set holds besides is the matter of whoever builds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations

import numpy as np

from nh_platform.session import ConfigError
from nh_platform.windows.splits.audited_record import WHOLE_SESSION, Finding, FloatArray, PartOfSet, SetRecord
from nh_platform.windows.splits.by_subject import HELD_OUT, RESERVED, TRAIN
from nh_platform.windows.splits.time_ranges import lies_within


def audit(record: SetRecord) -> list[Finding]:
    """Return every leak of a set; none is the proof that there is none of the kinds that are looked for.

    Looked for are: a subject, session or insertion in two splits, also by way of another release or source, where ids
    that are alike mean the same; stretches of two splits that overlap or lie nearer than the gap; normalisation on
    anything but training data; vectors fitted on what is neither that nor a reference window of a session that trains;
    a reference window of unit embeddings that is of the whole session, or of which an interval is tested, or lies
    nearer than the gap to what is tested of a session that trains too; a session that was in another split before, or
    trains on what tested then. A reference window that leaks is told as such alone, and not as normalisation again.
    """
    _require_ranges(record)
    found = [*_moved(record)]
    if not record.is_by_subject:
        found += _overlapping(record)
    found += _in_two_splits(record, "subject", lambda part: [part.subject] if part.subject else [])
    found += _in_two_splits(record, "session", lambda part: [part.session_id])
    found += _in_two_splits(record, "insertion", lambda part: part.insertion_ids)
    return [*found, *_normalisation(record), *_reference_windows(record)]


def _require_ranges(record: SetRecord) -> None:
    """Refuse stretches that are none, and a gap that is none: nothing compares with NaN."""
    if not record.gap_s >= 0:
        raise ConfigError("gap of a split", f"it is {record.gap_s}", "State 0 or more seconds.")
    for part in (*record.parts, *record.normalised_on, *record.fitted_on, *record.before):
        if part.ranges is not None and not (part.ranges[:, 0] < part.ranges[:, 1]).all():
            thing = f"stretches of {part.source} session {part.session_id}"
            raise ConfigError(thing, f"they are {part.ranges.tolist()}", "State a start before each stop.")
    for (source, session_id), (name, intervals) in record.reference_windows.items():
        if name != WHOLE_SESSION and not (intervals[:, 0] < intervals[:, 1]).all():
            thing = f"reference window {name} of {source} session {session_id}"
            raise ConfigError(thing, f"its intervals are {intervals.tolist()}", "State a start before each stop.")


_KEPT_OUT = (RESERVED, HELD_OUT)


def _in_two_splits(record: SetRecord, kind: str, ids_of: Callable[[PartOfSet], Iterable[str]]) -> Iterable[Finding]:
    """Give what is in two splits; of sessions that are divided in time, what is divided and kept out as well."""
    places: dict[str, dict[str, list[PartOfSet]]] = {}
    for part in record.parts:
        is_divided = not record.is_by_subject and part.split not in _KEPT_OUT
        for one in ids_of(part):
            places.setdefault(one, {}).setdefault("use" if is_divided else part.split, []).append(part)
    for one, by_split in places.items():
        if len(by_split) < 2 or by_split.keys() <= {*_KEPT_OUT}:
            continue
        where = [f"{split} ({_named(parts)})" for split, parts in by_split.items()]
        sources = dict.fromkeys(part.source for parts in by_split.values() for part in parts)
        several = " Leave one of the sources' sessions out, if they are the same." if len(sources) > 1 else ""
        yield Finding(
            kind,
            f"{' and '.join(sources)} {kind} {one}",
            f"it is in {' and in '.join(where)}",
            f"Keep all of it in one split: divide by subject, over every release at once.{several}",
        )


def _named(parts: Sequence[PartOfSet]) -> str:
    texts = dict.fromkeys(f"session {part.session_id} of {part.release}" for part in parts)
    first = next(iter(texts))
    return first if len(texts) == 1 else f"{first} and {len(texts) - 1} more"


def _overlapping(record: SetRecord) -> Iterable[Finding]:
    of_session: dict[str, dict[str, list[FloatArray]]] = {}
    sources: dict[str, dict[str, None]] = {}
    for part in record.parts:
        if part.split in _KEPT_OUT:
            continue
        ranges = np.array([[-np.inf, np.inf]]) if part.ranges is None else part.ranges
        of_session.setdefault(part.session_id, {}).setdefault(part.split, []).append(ranges)
        sources.setdefault(part.session_id, {})[part.source] = None
    for session_id, by_split in of_session.items():
        source = " and ".join(sources[session_id])
        merged = {split: np.concatenate(ranges) for split, ranges in by_split.items()}
        for (one, first), (other, second) in combinations(merged.items(), 2):
            nearest = _distance(first, second)
            if nearest < record.gap_s - 1e-9:
                how = "overlap" if nearest < 0 else f"are {nearest:g} s apart, and {record.gap_s:g} s is the gap"
                yield Finding(
                    "time",
                    f"{source} session {session_id}",
                    f"stretches of {one} and {other} {how}",
                    "Divide it again with the gap; no window may lie in two stretches.",
                )


def _distance(first: FloatArray, second: FloatArray) -> float:
    """Return the least time between two stretches of either kind; negative where any overlap."""
    between = np.maximum.outer(first[:, 0], second[:, 0]) - np.minimum.outer(first[:, 1], second[:, 1])
    return float(between.min(initial=np.inf))


def _normalisation(record: SetRecord) -> Iterable[Finding]:
    training = _training_ranges(record)
    for part, is_fitted in (
        *((one, False) for one in record.normalised_on),
        *((one, True) for one in record.fitted_on),
    ):
        key = (part.source, part.session_id)
        allowed = training.get(key)
        if is_fitted and allowed is not None and key in record.reference_windows:
            allowed = np.concatenate(
                [allowed, record.reference_windows[key][1]]
            )  # whether it may: `_reference_windows`
        if allowed is None or not all(lies_within(one, allowed) for one in _all_of(part)):
            what = "vectors of units were fitted" if is_fitted else "statistics were computed"
            used = "all of it" if part.ranges is None else "stretches of it"
            yield Finding(
                "normalisation",
                f"{part.source} session {part.session_id}",
                f"{what} on {used}, which is not all training data",
                "Compute them on the training sessions and stretches alone.",
            )


def _reference_windows(record: SetRecord) -> Iterable[Finding]:
    training = _training_ranges(record)
    tested: dict[tuple[str, str], list[FloatArray]] = {}
    for part in record.parts:
        if part.split != TRAIN:
            tested.setdefault((part.source, part.session_id), []).append(_all_of(part))
    for key, (name, intervals) in record.reference_windows.items():
        source, session_id = key
        thing = f"{source} session {session_id}, reference window {name}"
        if name == WHOLE_SESSION:
            action = (
                f"Let `reference_window` of {source} in sources.yaml be another one, such as start-30s, and run "
                f"`nh materialize {source} --missing`."
            )
            yield Finding("reference window", thing, "it has seen all that is tested", action)
            continue
        if key not in tested:
            continue
        near = _nearest_tested(intervals, np.concatenate(tested[key]), training.get(key), record.gap_s)
        if near is not None:
            (start, stop), nearest = near
            where = f"its {start:g} to {stop:g} s"
            found = f"windows that are tested lie in {where}"
            if nearest >= 0:
                found = f"{where} are {nearest:g} s from what is tested, and {record.gap_s:g} s is the gap"
            action = "Test on what lies apart from the reference window, or join embeddings of another, as start-30s."
            yield Finding("reference window", thing, found, action)


def _nearest_tested(
    intervals: FloatArray, tested: FloatArray, training: FloatArray | None, gap_s: float
) -> tuple[FloatArray, float] | None:
    """Return the first interval that is too near to what is tested, and how near (s; negative where it is tested).

    Of a session that trains too the gap counts, but not for what lies in the stretches that train: `_overlapping` has
    those.
    """
    for one in intervals:
        nearest = _distance(one[None], tested)
        is_near = training is not None and nearest < gap_s - 1e-9 and not lies_within(one, training)
        if nearest < 0 or is_near:
            return one, nearest
    return None


def _training_ranges(record: SetRecord) -> dict[tuple[str, str], FloatArray]:
    found: dict[tuple[str, str], list[FloatArray]] = {}
    for part in record.parts:
        if part.split == TRAIN:
            ranges = np.array([[-np.inf, np.inf]]) if part.ranges is None else part.ranges
            found.setdefault((part.source, part.session_id), []).append(ranges)
    return {key: np.concatenate(ranges) for key, ranges in found.items()}


def _moved(record: SetRecord) -> Iterable[Finding]:
    """Give what trains now and did not before, or then and not now: scores of the two cannot be compared."""
    now: dict[tuple[str, str], list[PartOfSet]] = {}
    for part in record.parts:
        now.setdefault((part.source, part.session_id), []).append(part)
    seen = set()
    for part in record.before:
        for other in now.get((part.source, part.session_id), ()):
            if (part.split == TRAIN) == (other.split == TRAIN) or _distance(_all_of(part), _all_of(other)) >= 0:
                continue
            found = f"what was in {part.split} is in {other.split} now"
            key = (part.source, part.session_id, found)
            if key not in seen:
                seen.add(key)
                yield Finding(
                    "moved",
                    f"{part.source} session {part.session_id}",
                    found,
                    "Divide it as before, with which adding sessions moves none, or give the set another id.",
                )


def _all_of(part: PartOfSet) -> FloatArray:
    return np.array([[-np.inf, np.inf]]) if part.ranges is None else part.ranges
