"""One damaged object of a session's file at a time: it is left out with a note, and nothing else is different.

Add a kind of damage to `DAMAGES`; objects are found in the file itself. What exactly is left out, and in which words,
is in `test_left_out`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import Note
from nh_platform.sources.allen import (
    AllenVbnSettings,
    AllenVcSettings,
    AllenVisualBehaviorSource,
    AllenVisualCodingSource,
)
from nh_platform.sources.nwb.nwb_file import NwbFile
from nh_platform_tests.sources.allen.conftest import replace

READ = ("general/extracellular_ephys", "general/devices", "intervals", "processing", "acquisition/EyeTracking")
"""Where the objects of a file are that the readers look at, besides its units and images."""

REQUIRED = re.compile(
    r"units/(id|peak_channel_id|spike_times|spike_times_index)|units|general/extracellular_ephys(/electrodes(/id)?)?"
    r"|stimulus/templates/\w+/(unwarped|control|timestamps|format)"
)
"""Spikes with their units, a unit's identity and its probe; and what is read of images on request alone."""

EITHER_KIND = re.compile(r"intervals/\w+_presentations/(phase|size|color|units|mask|spatial_frequency)")
"""Parameters that are numbers in one file and texts in another: that they are of another kind is no damage."""

EVERY_READER = frozenset({"spikes", "events", "signals"})
READERS = {
    "spikes": re.compile("units|general"),
    "events": re.compile(r"intervals|processing/(optotagging|licking|rewards)|stimulus"),
    "signals": re.compile("acquisition|processing/(running|.*eye|.*gaze)"),
}
"""Who reads an object; the sample of `test_some_objects_with_every_reader` leaves this out."""

SAMPLE = 6
SEED = 11

IN_TIME_ORDER = re.compile(r".*/(timestamps|start_time)")


def _shorter(handle: h5py.File, name: str) -> None:
    replace(handle, name, handle[name][:-1])


def _empty(handle: h5py.File, name: str) -> None:
    replace(handle, name, handle[name][:0])


def _longer(handle: h5py.File, name: str) -> None:
    replace(handle, name, np.concatenate([handle[name][...], handle[name][-1:]]))


def _nan(handle: h5py.File, name: str) -> None:
    handle[name][...] = np.nan


def _reversed(handle: h5py.File, name: str) -> None:
    handle[name][...] = handle[name][...][::-1]


def _other_dtype(handle: h5py.File, name: str) -> None:
    shape = handle[name].shape
    texts = handle[name].dtype.kind == "O"
    values = np.arange(float(np.prod(shape))).reshape(shape) if texts else np.full(shape, "odd", dtype=object)
    replace(handle, name, values)


def _remove(handle: h5py.File, name: str) -> None:
    del handle[name]


DAMAGES: dict[str, Callable[[h5py.File, str], None]] = {
    "truncated": _shorter,
    "emptied": _empty,
    "longer": _longer,
    "nan": _nan,
    "reversed": _reversed,
    "other dtype": _other_dtype,
    "removed": _remove,
}


def _objects(handle: h5py.File) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Yield every object that may be damaged, links to others not followed."""
    for root in (*READ, "units", "stimulus/templates"):
        if root not in handle:
            continue
        found: list[tuple[str, Any]] = [(root, handle[root])]
        handle[root].visititems(lambda name, item, root=root, found=found: found.append((f"{root}/{name}", item)))
        yield from ((name, item) for name, item in found if not REQUIRED.fullmatch(name))


def _can_be(damage: str, name: str, item: h5py.Group | h5py.Dataset) -> bool:
    """Return whether an object can be damaged in a way, and that can be seen."""
    if damage == "removed":
        return True
    if not isinstance(item, h5py.Dataset) or item.ndim == 0 or item.dtype.kind not in "biufO" or not len(item):
        return False
    if h5py.check_ref_dtype(item.dtype) is not None:
        return False
    if damage == "nan":
        return item.dtype.kind == "f" and bool(np.isfinite(item[...]).any())
    if damage == "reversed":
        return bool(IN_TIME_ORDER.fullmatch(name)) and len(item) > 1
    return damage != "other dtype" or not EITHER_KIND.fullmatch(name)


@dataclass(frozen=True)
class Read:
    """What the four readers made of a file."""

    parts: dict[str, Any]
    notes: frozenset[Note]


class Sessions:
    """A session, of whose file a damaged copy in memory is read."""

    def __init__(self, source: Any, session: SessionFiles) -> None:
        self.source = source
        self.session = session
        with source.open(session) as opened:
            self.nwb: NwbFile = opened[0] if isinstance(opened, tuple) else opened
            self.content = self.nwb.path.read_bytes()
            self.objects = dict(_objects(self.nwb.handle))
            self.possible = {
                damage: [name for name, item in self.objects.items() if _can_be(damage, name, item)]
                for damage in DAMAGES
            }
        self._whole: dict[frozenset[str], Read] = {}

    def of(self, only: frozenset[str]) -> Read:
        """Return what some of the readers make of the file as it is."""
        if only not in self._whole:
            self._whole[only] = self.read(lambda handle: None, only)
        return self._whole[only]

    def read(self, edit: Callable[[h5py.File], None], only: frozenset[str] = EVERY_READER) -> Read:
        """Read an edited copy with some of the readers."""
        parts: dict[str, Any] = {}
        notes: list[Note] = []
        with h5py.File(io.BytesIO(self.content), "r+") as handle:
            edit(handle)

            @contextmanager
            def opened(_: SessionFiles) -> Iterator[Any]:
                nwb = NwbFile(self.nwb.path, handle)
                yield nwb if isinstance(self.source, AllenVisualBehaviorSource) else (nwb, [])

            source = _Damaged(self.source, opened)
            if "spikes" in only:
                recording = source.read_spikes(self.session)
                annotation = source.read_annotation(self.session, recording.units, recording.channels)
                parts |= {name: getattr(recording, name) for name in ("probes", "units", "channels")}
                parts |= {name: getattr(recording.spikes, name) for name in ("times", "offsets", "amplitudes")}
                parts |= {f"annotation {name}": getattr(annotation, name) for name in ("released", "positions")}
                notes += [*recording.notes, *annotation.notes]
            if "events" in only:
                events = source.read_events(self.session)
                parts |= events.tables
                notes += events.notes
            if "signals" in only:
                signals = source.read_signals(self.session)
                every = signals.signals.items()
                parts |= {name: np.column_stack([one.timestamps, one.values]) for name, one in every}
                notes += signals.notes
        return Read(parts, frozenset(notes))


class _Damaged:
    """A source whose file is opened otherwise; all else is its own."""

    def __init__(self, source: Any, opened: Callable[[SessionFiles], Any]) -> None:
        kind = type(source)
        self._source = type(f"Damaged{kind.__name__}", (kind,), {"open": lambda _, session: opened(session)})(
            source.settings
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


LACKING_ELSEWHERE = re.compile(
    r"intervals/(\w+_presentations|invalid_times)|(units|intervals/\w+)/(?!start_time|stop_time)\w+"
)
"""Stimuli, invalid times and columns that one session or release has and another has not: what lacks is none."""


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        return one.equals(other)
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=True)


@pytest.fixture(scope="module")
def coding(released_root: Path) -> Sessions:
    source = AllenVisualCodingSource(AllenVcSettings(root=released_root))
    manifest = source.manifest()
    return Sessions(source, manifest.session(manifest.session_ids[0]))


@pytest.fixture(scope="module")
def behavior(vbn_root: Path) -> Sessions:
    source = AllenVisualBehaviorSource(AllenVbnSettings(root=vbn_root))
    manifest = source.manifest()
    return Sessions(source, manifest.session(manifest.session_ids[0]))


def _wrong(sessions: Sessions, damage: str, name: str, only: frozenset[str]) -> str | None:
    """Return what went wrong with one damaged object; None where it was noted, or where nothing is different."""
    try:
        read = sessions.read(lambda handle: DAMAGES[damage](handle, name), only)
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is what is looked for
        return f"{name} {damage}: {type(error).__name__}: {error}"
    whole = sessions.of(only)
    both = whole.parts.keys() & read.parts.keys()
    changed = (whole.parts.keys() ^ read.parts.keys()) | {
        key for key in both if not _same(whole.parts[key], read.parts[key])
    }
    if damage == "removed" and LACKING_ELSEWHERE.fullmatch(name):
        return None
    if changed and not read.notes - whole.notes:
        return f"{name} {damage}: {sorted(changed)} differ and no note says so"
    return None


def _all_well(sessions: Sessions, cases: Iterable[tuple[str, str, frozenset[str]]]) -> None:
    wrong = [found for damage, name, only in cases if (found := _wrong(sessions, damage, name, only)) is not None]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("which", ["coding", "behavior"])
def test_some_objects_with_every_reader(which: str, request: pytest.FixtureRequest) -> None:
    sessions: Sessions = request.getfixturevalue(which)
    every = [(damage, name, EVERY_READER) for damage, names in sessions.possible.items() for name in names]
    chosen = np.random.default_rng(SEED).choice(len(every), SAMPLE, replace=False)
    _all_well(sessions, [every[one] for one in chosen])


@pytest.mark.soak  # 2,000 damaged files, 0.1 s each
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", ["coding", "behavior"])
def test_every_object_with_its_reader(which: str, damage: str, request: pytest.FixtureRequest) -> None:
    sessions: Sessions = request.getfixturevalue(which)
    cases = [
        (damage, name, frozenset(reader for reader, objects in READERS.items() if objects.match(name)))
        for name in sessions.possible[damage]
    ]
    assert cases
    _all_well(sessions, cases)
