"""Windows of one preset over one or many sessions, read one by one from mapped spikes.

Contains `WindowSet`, which chooses windows and units. Add here how windows are chosen. What one window holds is
`nh_platform.load.sample`, batches are `nh_platform.load.batches`, a window is read in `nh_platform.load.session_part`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.load.image_vectors import joined_vectors, shown_images
from nh_platform.load.sample import Sample
from nh_platform.load.session_choice import by_session
from nh_platform.load.session_part import IntArray, SessionPart, whole_us
from nh_platform.load.time_choice import in_ranges, joined_embeddings
from nh_platform.load.vocabulary import Vocabulary
from nh_platform.reading import SessionView
from nh_platform.reading.images import ImageEmbedding
from nh_platform.reading.unit_psth import UnitChoice, choose_units
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.windows import StoredWindows
from nh_platform.windows.window_files import StoredPreset

Kind = Literal["counts", "events"]


class NoSuchWindow(ConfigError, IndexError):
    """A window is asked for that the set does not have; an `IndexError`, so that loops over a set end."""


class WindowSet:
    """Windows of one preset; ``ws[i]`` reads one, ``len(ws)`` are there.

    It travels to worker processes under fork, spawn and forkserver: every process maps the files itself, and compares
    the hash of each once, when it first reads of it (`seconds_to_verify`).

    Parameters
    ----------
    sessions
        One session of a store, or several.
    preset
        Id of a preset that the windows of every session were made with.
    kind
        ``counts`` or ``events``.
    ranges
        (n, 2) seconds, half-open, for all sessions, or by session id (``source/session_id`` where two sources have the
        same): a window belongs if it is wholly in one of them.
    units
        Mask, ids or rows of the units; by session id where there are several sessions. All where not stated.
    only_valid
        Leave out windows that the index calls invalid.
    embeddings
        Give each unit's numeric columns of ``session.embeddings``, if these were made within ``ranges``. For windows
        that are tested, state the ranges of training here, in the form of ``ranges``: they must hold the embeddings.
    presentations
        Say what was on the screen in each window.
    images
        Embeddings of image sets (`OpenedStore.image_embedding`), all made alike: give with each window the vector of
        the image that it is aligned to, and which image was on in each bin. Rows count in ``ws.images.vectors``.
    vocabulary
        Numbers of sessions and units, continued with these; a new one where not stated.

    Raises
    ------
    UnknownSession
        If `spike_events` was not made (the text has the command that makes it), a unit is not of the session, or
        presentations, or images of its source, are asked for and a session has no presentations.
    ConfigError
        If a session lacks the preset, is named twice, ranges are none, or hold no window, or embeddings have seen
        what is outside of them.
    """

    def __init__(
        self,
        sessions: SessionView | Sequence[SessionView],
        preset: str,
        *,
        kind: Kind = "counts",
        ranges: npt.ArrayLike | Mapping[str, npt.ArrayLike] | None = None,
        units: UnitChoice | Mapping[str, UnitChoice] = None,
        only_valid: bool = True,
        embeddings: bool | npt.ArrayLike | Mapping[str, npt.ArrayLike] = False,
        presentations: bool = False,
        images: ImageEmbedding | Sequence[ImageEmbedding] | None = None,
        vocabulary: Vocabulary | None = None,
    ) -> None:
        given = [sessions] if isinstance(sessions, SessionView) else list(sessions)
        if kind not in ("counts", "events"):
            raise ConfigError(f"kind {kind!r}", "there is no such kind of window", "Use 'counts' or 'events'.")
        names = [f"{one.source} session {one.session_id}" for one in given]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ConfigError(twice[0], "it is named twice", "Name every session once.")
        if not given:
            raise ConfigError("window set", "no session is named", "Name one at least.")
        of_units, within = by_session("units", units, given), by_session("ranges", ranges, given)
        seen = by_session("embeddings", embeddings, given)
        if units is not None and not isinstance(units, Mapping) and len(given) > 1:
            raise ConfigError("units", f"they are stated once for {len(given)} sessions", "State them by session id.")
        self.preset = preset
        self.kind = kind
        self.vocabulary = Vocabulary() if vocabulary is None else vocabulary
        self.images = None if images is None else joined_vectors(images)
        self.parts: list[SessionPart] = []
        for one, chosen, limits, allowed in zip(given, of_units, within, seen):
            part = _part(one, preset, kind, limits, chosen, only_valid, self.vocabulary)
            if not (isinstance(embeddings, bool) and not embeddings):
                allowed = limits if allowed is None or isinstance(allowed, bool) else allowed
                part.embeddings = joined_embeddings(one, part.unit_ids, allowed)
            if presentations:
                part.shown = one.windows(preset).shown.take(part.window_ids)
            if self.images is not None:
                part.images = shown_images(one, preset, part.window_ids, self.images)
            self.parts.append(part)
        self._ends = np.cumsum([len(part.start) for part in self.parts])
        self._numbers = [self.vocabulary.session(one.source, one.session_id) for one in given]

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __repr__(self) -> str:
        return f"WindowSet({self.preset!r}, {self.kind}, windows={len(self)}, sessions={len(self.parts)})"

    @property
    def seconds_to_verify(self) -> float:
        """Seconds that this process took to verify and map the files that it has read of."""
        return sum(part.seconds_to_verify for part in self.parts)

    @property
    def n_units(self) -> IntArray:
        """(n_windows,) number of units of every window."""
        return np.repeat([len(part.unit_ids) for part in self.parts], [len(part.start) for part in self.parts])

    def require_unchanged(self) -> None:
        """Compare files again that were written since this process verified them.

        Raises
        ------
        DamagedFile
            Naming the file whose bytes are no longer those that were published.
        """
        for part in self.parts:
            part.require_unchanged()

    def __getitem__(self, i: int) -> Sample:
        if not 0 <= i < len(self):
            raise NoSuchWindow(f"window {i}", f"the set has {counted(len(self), 'window')}", "Use 0 to that less 1.")
        p = int(np.searchsorted(self._ends, i, side="right"))
        part = self.parts[p]
        row = int(i - self._ends[p] + len(part.start))
        times, unit_index = part.events(row) if self.kind == "events" else (None, None)
        return Sample(
            source=part.source,
            session_id=part.session_id,
            window_id=int(part.window_ids[row]),
            session_number=self._numbers[p],
            start=float(part.start[row]),
            stop=float(part.stop[row]),
            valid=bool(part.valid[row]),
            unit_ids=part.unit_ids,
            regions=part.regions,
            unit_numbers=part.unit_numbers,
            region_numbers=part.region_numbers,
            probes=part.probes,
            unit_probe=part.unit_probe,
            masked=part.masked_bins(row),
            counts=part.counts(row) if self.kind == "counts" else None,
            times=times,
            unit_index=unit_index,
            embeddings=part.embeddings,
            shown=None if part.shown is None else part.shown.take(np.array([row])),
            image_row=None if part.images is None else int(part.images.aligned[row]),
            image=None if part.images is None else part.images.vector(int(part.images.aligned[row])),
            image_rows_by_bin=part.images_by_bin(row),
        )


def _part(
    session: SessionView,
    preset: str,
    kind: Kind,
    ranges: npt.ArrayLike | None,
    units: UnitChoice,
    only_valid: bool,
    vocabulary: Vocabulary,
) -> SessionPart:
    name = f"{session.source} session {session.session_id}"
    path = session.spike_events_file
    view = session.windows(preset)
    stored = StoredWindows(session.folder("windows"))
    index = view.index
    first, last = index["start"].min(), index["stop"].max()
    if view.preset.bin_us is None and kind == "counts":
        raise ConfigError(f"{name}, preset {preset}", "its windows have no bins", "Take their spikes: kind='events'.")
    if only_valid:
        index = index[index["valid"]]
    if ranges is not None:
        index = index[in_ranges(index["start"].to_numpy(), index["stop"].to_numpy(), ranges, name)]
    if index.empty:
        held = "its ranges hold none" if ranges is not None else "none is valid"
        lie = (
            f" of its {counted(len(view), 'window')}, which lie within {first:.3f} to {last:.3f} s" if len(view) else ""
        )
        raise ConfigError(f"{name}, preset {preset}", f"no window: {held}{lie}", "State other ranges or leave it out.")
    table = session.units
    rows = choose_units(table["unit_id"], units)
    if len(np.unique(rows)) != len(rows):
        twice = table["unit_id"].iloc[int(rows[np.flatnonzero(np.bincount(rows)[rows] > 1)[0]])]
        raise ConfigError(f"units of {name}", f"unit {twice} is named twice", "Name every unit once.")
    if not len(rows):
        raise ConfigError(f"units of {name}", "no unit is left", "Choose others, or leave the session out.")
    place = np.full(len(table), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    probes = tuple(dict.fromkeys(table["probe"]))
    unit_ids = table["unit_id"].to_numpy(dtype=object)[rows]
    start, on_grid = index["start"].to_numpy(dtype=np.float64), view.preset.kind == "continuous"
    base = np.zeros(len(index)) if on_grid else index["event_time"].to_numpy(dtype=np.float64)
    n_bins = index["n_bins"].to_numpy(dtype=np.int64)
    bin_us = view.preset.bin_us
    if bin_us is None:  # a window without bins is read as one of its whole length
        bin_us, n_bins = int(whole_us(index["stop"].to_numpy() - start)[0]), np.ones_like(n_bins)
    acronyms = table["acronym"] if "acronym" in table else table["unit_id"].map(lambda _: None)
    regions = acronyms.astype(object).where(acronyms.notna(), None).to_numpy(dtype=object)[rows]
    return SessionPart(
        source=session.source,
        session_id=session.session_id,
        path=path,
        bin_us=bin_us,
        binarised=view.preset.binarise,
        base=base,
        first_us=whole_us(start - base),
        n_bins=n_bins,
        window_ids=index["window_id"].to_numpy(dtype=np.int64),
        start=start,
        stop=index["stop"].to_numpy(dtype=np.float64),
        valid=index["valid"].to_numpy(dtype=bool),
        unit_ids=unit_ids,
        regions=regions,
        region_numbers=vocabulary.add_regions(regions),
        unit_numbers=vocabulary.add(session.source, session.session_id, unit_ids),
        unit_probe=np.array([probes.index(probe) for probe in table["probe"]], dtype=np.int64)[rows],
        all_unit_ids=tuple(table["unit_id"]),
        place=place,
        probes=probes,
        masked=_masked(stored, view.preset, on_grid, index, probes),
    )


def _masked(
    stored: StoredWindows, preset: StoredPreset, on_grid: bool, index: pd.DataFrame, probes: tuple[str, ...]
) -> dict[int, list[tuple[int, int, int]]]:
    """Return what is masked by row of ``index``; bins counted from the first of the window."""
    if preset.bin_us is None:  # without bins to mask, a probe that is invalid in a window is left out of all of it
        named = index["invalid_probes"].str.split(",")
        rows = enumerate(named)
        return {row: [(probes.index(one), 0, 1) for one in of if one in probes] for row, of in rows if of != [""]}
    masks = stored.masks
    masks = masks[
        (masks["grid"] == (f"grid_{preset.bin_us}us" if on_grid else preset.id)) & masks["probe"].isin(probes)
    ]
    window_ids, first = index["window_id"].to_numpy(), index["start_bin"].to_numpy()
    n_bins = index["n_bins"].to_numpy()
    found: dict[int, list[tuple[int, int, int]]] = {}
    for window, probe, low, high in zip(masks["window_id"], masks["probe"], masks["start_bin"], masks["stop_bin"]):
        if on_grid:
            hit = np.flatnonzero((low < first + n_bins) & (high > first))
            bounds = [(int(low - first[row]), int(high - first[row])) for row in hit]
        else:
            hit = np.flatnonzero(window_ids == window)
            bounds = [(int(low), int(high))] * len(hit)
        for row, (begin, end) in zip(hit, bounds):
            found.setdefault(int(row), []).append((probes.index(probe), begin, end))
    return found
