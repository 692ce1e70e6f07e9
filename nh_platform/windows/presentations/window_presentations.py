"""What was on the screen during windows: the presentations that each overlaps, and the grey between them.

Contains the times of the screen, which follow from a table of presentations, and what of them lies in windows. Add here
what is known of the screen in a window. Which windows there are is `nh_platform.windows.session_windows`.

Half-open as everything: a presentation ``[s, e)`` overlaps a window ``[a, b)`` where ``s < b`` and ``e > a``; touching
is no overlap. Grey is the time between two presentations of the table, of whatever stimulus: it is never taken from
how long a stimulus ought to last. Time before the first presentation and after the last is not grey, nor is that from
the start of a presentation without an end to the next start: the table does not say what was shown. Rows that say that
nothing was shown (``spontaneous``, an omission, the frame -1) are presentations with an id like all others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.session.presentation_overlap import PRESENTATION_OVERLAP_S

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SHORTEST_GREY_S = PRESENTATION_OVERLAP_S
"""Presentations whose times are less apart follow each other without grey, as they may overlap by as much: one frame of
the monitor is 16.7 ms. Real images that follow each other meet exactly (7,288 of 7,288 pairs of gabors)."""

NOT_ALIGNED = -1
"""Presentation that a window is aligned to, where it is aligned to none."""


@dataclass(frozen=True)
class ScreenTimes:
    """What a table of presentations says of the screen over time, each (n, 2) seconds, ascending, apart.

    Parameters
    ----------
    shown
        Time in which a presentation was on.
    grey
        Time between two presentations.
    unstated
        All other time: before the first, after the last, and behind the start of one without an end.
    """

    shown: FloatArray
    grey: FloatArray
    unstated: FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class WindowPresentations:
    """Presentations and grey in windows; entries of window ``w`` are ``offsets[w]`` to ``offsets[w + 1]``.

    Parameters
    ----------
    start, stop
        (n_windows,) seconds on the session clock.
    aligned
        (n_windows,) int64 ``presentation_id`` of the presentation that the window is aligned to, of a movie its first
        frame; -1 where it is aligned to none. It need not be among those that the window overlaps.
    offsets, ids
        (n_windows + 1,) int64, and (n_overlaps,) int64 ``presentation_id`` in the order of start times.
    shown_start, shown_stop
        (n_overlaps,) seconds: from when to when each is on within the window.
    grey_offsets, grey_start, grey_stop
        (n_windows + 1,) int64, and (n_grey,) seconds: the grey stretches within each window.
    unstated_s
        (n_windows,) seconds of which the table does not say what was shown.
    """

    start: FloatArray
    stop: FloatArray
    aligned: IntArray
    offsets: IntArray
    ids: IntArray
    shown_start: FloatArray
    shown_stop: FloatArray
    grey_offsets: IntArray
    grey_start: FloatArray
    grey_stop: FloatArray
    unstated_s: FloatArray

    def __len__(self) -> int:
        return len(self.start)

    def __repr__(self) -> str:
        grey = int((np.diff(self.grey_offsets) > 0).sum())
        return f"WindowPresentations(windows={len(self)}, overlaps={len(self.ids)}, windows with grey={grey})"

    @property
    def window(self) -> IntArray:
        """(n_overlaps,) window of each entry."""
        return _owners(self.offsets)

    @property
    def seconds(self) -> FloatArray:
        """(n_overlaps,) seconds for which each presentation is on within its window."""
        return self.shown_stop - self.shown_start

    @property
    def share(self) -> FloatArray:
        """(n_overlaps,) the same as a share of the window, 0 to 1."""
        return self.seconds / (self.stop - self.start)[self.window]

    @property
    def is_aligned(self) -> npt.NDArray[np.bool_]:
        """(n_overlaps,) whether it is the presentation that its window is aligned to."""
        return self.ids == self.aligned[self.window]

    @property
    def grey_s(self) -> FloatArray:
        """(n_windows,) seconds of grey in each window."""
        return _sums(self.grey_offsets, self.grey_stop - self.grey_start)

    def ids_of(self, window: int) -> IntArray:
        """Return the presentations that a window overlaps, by its place among these."""
        return self.ids[self.offsets[window] : self.offsets[window + 1]]

    def take(self, windows: IntArray) -> WindowPresentations:
        """Return those of some windows, in that order."""
        offsets, rows = _ranges(self.offsets[windows], self.offsets[windows + 1])
        grey_offsets, grey_rows = _ranges(self.grey_offsets[windows], self.grey_offsets[windows + 1])
        return WindowPresentations(
            start=self.start[windows],
            stop=self.stop[windows],
            aligned=self.aligned[windows],
            offsets=offsets,
            ids=self.ids[rows],
            shown_start=self.shown_start[rows],
            shown_stop=self.shown_stop[rows],
            grey_offsets=grey_offsets,
            grey_start=self.grey_start[grey_rows],
            grey_stop=self.grey_stop[grey_rows],
            unstated_s=self.unstated_s[windows],
        )

    def table(self, window: int) -> pd.DataFrame:
        """Return one row per presentation and grey stretch of a window, in the order of time.

        Columns are ``presentation_id`` (-1 of grey), ``start`` and ``stop`` within the window (s), ``seconds``,
        ``share`` of the window, and two bools, ``aligned`` and ``grey``.
        """
        one = self.take(np.array([window]))
        n, n_grey = len(one.ids), len(one.grey_start)
        found = pd.DataFrame(
            {
                "presentation_id": np.concatenate([one.ids, np.full(n_grey, NOT_ALIGNED)]),
                "start": np.concatenate([one.shown_start, one.grey_start]),
                "stop": np.concatenate([one.shown_stop, one.grey_stop]),
                "aligned": np.concatenate([one.is_aligned, np.zeros(n_grey, dtype=bool)]),
                "grey": np.repeat([False, True], [n, n_grey]),
            }
        )
        seconds = found["stop"] - found["start"]
        found.insert(3, "seconds", seconds)
        found.insert(4, "share", seconds / float(one.stop[0] - one.start[0]))
        return found.sort_values("start", kind="stable").reset_index(drop=True)


def presentations_in_windows(
    start: FloatArray, stop: FloatArray, presentations: pd.DataFrame, aligned: IntArray | None = None
) -> WindowPresentations:
    """Return which presentations windows overlap and for how long, and the grey in them.

    Parameters
    ----------
    start, stop
        (n_windows,) seconds, each stop after its start, in any order.
    presentations
        Schema `PRESENTATIONS`, all stimuli of the session; rows that are not valid were on the screen as well. They
        may overlap.
    aligned
        (n_windows,) ``presentation_id`` that each is aligned to; none where not stated.

    Examples
    --------
    >>> images = pd.DataFrame({"presentation_id": [0, 1], "start_time": [0.0, 0.75], "stop_time": [0.25, 1.0]})
    >>> found = presentations_in_windows(np.array([0.125, 0.5]), np.array([1.0, 0.75]), images)
    >>> found.ids_of(0).tolist(), found.seconds.tolist(), found.grey_s.tolist()
    ([0, 1], [0.125, 0.25], [0.5, 0.25])
    """
    from nh_platform.windows.presentations.overlap_kernels import count_overlaps, fill_overlaps

    start, stop = np.asarray(start, dtype=np.float64), np.asarray(stop, dtype=np.float64)
    begins, ends, order = _ended_rows(presentations)
    reach = np.maximum.accumulate(ends)  # ends need not ascend where presentations overlap
    low, high = np.searchsorted(reach, start, side="right"), np.searchsorted(begins, stop, side="left")
    offsets = np.zeros(len(start) + 1, dtype=np.int64)
    count_overlaps(low, high, ends, start, offsets)
    rows = np.empty(offsets[-1], dtype=np.int64)
    fill_overlaps(low, high, ends, start, rows)
    window, screen = _owners(offsets), screen_times(presentations)
    grey_offsets, grey_start, grey_stop = _clipped(screen.grey, start, stop)
    unstated_offsets, unstated_start, unstated_stop = _clipped(screen.unstated, start, stop)
    return WindowPresentations(
        start=start,
        stop=stop,
        aligned=np.full(len(start), NOT_ALIGNED, dtype=np.int64) if aligned is None else np.asarray(aligned, np.int64),
        offsets=offsets,
        ids=presentations["presentation_id"].to_numpy(dtype=np.int64)[order[rows]],
        shown_start=np.maximum(begins[rows], start[window]),
        shown_stop=np.minimum(ends[rows], stop[window]),
        grey_offsets=grey_offsets,
        grey_start=grey_start,
        grey_stop=grey_stop,
        unstated_s=_sums(unstated_offsets, unstated_stop - unstated_start),
    )


def screen_times(presentations: pd.DataFrame) -> ScreenTimes:
    """Return when something was shown, when it was grey, and of when the table does not say.

    Parameters
    ----------
    presentations
        Schema `PRESENTATIONS`, all stimuli of a session.

    Examples
    --------
    >>> table = pd.DataFrame({"start_time": [0.0, 0.25, 1.0, 2.0], "stop_time": [0.25, 0.5, np.nan, 2.25]})
    >>> found = screen_times(table)
    >>> found.shown.tolist(), found.grey.tolist()
    ([[0.0, 0.5], [2.0, 2.25]], [[0.5, 1.0]])
    """
    begins, ends, _ = _ended_rows(presentations)
    reach = np.maximum.accumulate(ends)
    apart = begins[1:] - reach[:-1] >= SHORTEST_GREY_S
    first, last = np.concatenate([[True], apart])[: len(begins)], np.concatenate([apart, [True]])[: len(begins)]
    shown = np.column_stack([begins[first], reach[last]])
    gaps = np.column_stack([shown[:-1, 1], shown[1:, 0]])
    starts = presentations["start_time"].to_numpy(dtype=np.float64)
    endless = np.sort(starts[np.isfinite(starts) & ~_ended(presentations)])
    # Behind the start of a row without an end nothing is known until the next start; in a gap that is the gap's end.
    following = np.append(np.sort(starts[np.isfinite(starts)]), np.inf)
    until = following[np.searchsorted(following, endless, side="right")]
    at = np.searchsorted(endless, gaps[:, 0], side="left")
    known = np.minimum(gaps[:, 1], np.append(endless, np.inf)[at])
    known = np.where(np.append(-np.inf, until)[at] > gaps[:, 0], gaps[:, 0], known)
    grey = np.column_stack([gaps[:, 0], known])[known - gaps[:, 0] >= SHORTEST_GREY_S]
    stated = np.concatenate([shown, grey])
    stated = stated[np.argsort(stated[:, 0], kind="stable")]
    edges = np.concatenate([[-np.inf], stated.ravel(), [np.inf]]).reshape(-1, 2)
    return ScreenTimes(shown, grey, edges[edges[:, 0] < edges[:, 1]])


def _ended(presentations: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows end after they start."""
    starts = presentations["start_time"].to_numpy(dtype=np.float64)
    stops = presentations["stop_time"].to_numpy(dtype=np.float64)
    return np.isfinite(starts) & np.isfinite(stops) & (stops > starts)


def _ended_rows(presentations: pd.DataFrame) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return start, stop and row of the presentations that end after they start, in the order of starts."""
    rows = np.flatnonzero(_ended(presentations))
    starts = presentations["start_time"].to_numpy(dtype=np.float64)
    rows = rows[np.argsort(starts[rows], kind="stable")]
    return starts[rows], presentations["stop_time"].to_numpy(dtype=np.float64)[rows], rows


def _clipped(stretches: FloatArray, start: FloatArray, stop: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return offsets by window, and start and stop of what of the stretches (ascending, apart) lies in each window."""
    low, high = np.searchsorted(stretches[:, 1], start, side="right"), np.searchsorted(stretches[:, 0], stop, "left")
    offsets, rows = _ranges(low, np.maximum(low, high))
    window = _owners(offsets)
    return offsets, np.maximum(stretches[rows, 0], start[window]), np.minimum(stretches[rows, 1], stop[window])


def _ranges(low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
    """Return offsets, and the numbers from each ``low`` to its ``high``, one range behind the other."""
    counts = (high - low).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return offsets, np.arange(offsets[-1]) + np.repeat(low - offsets[:-1], counts)


def _owners(offsets: IntArray) -> IntArray:
    """Return for every entry the window that it is of."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def _sums(offsets: IntArray, values: FloatArray) -> FloatArray:
    """Return the sum of the entries of every window."""
    return np.bincount(_owners(offsets), values, len(offsets) - 1).astype(np.float64)
