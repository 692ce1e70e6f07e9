"""Fingerprints of reviewed spike trains, kept beside the reviews so that a re-sort cannot hide what was reviewed.

Contains what is kept of a train, and the file `<source>/<session>/spike-trains.tsv` under the reviews folder. Add here
what else ties a review to spikes. How fingerprints are compared with a new sorting is `carried_reviews.py`.

At most 150 spikes of a unit are kept, in up to three stretches around a sixth, a half and five sixths of its spikes, so
that a train which another sorting cuts in time is noticed. A line has at most 2 kB, most have 0.9; it depends on the
train alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.qc.reviews.resorted.spike_agreement import Ticks, to_ticks
from nh_platform.qc.reviews.review_places import read_stated
from nh_platform.session import ConfigError
from nh_platform.store.records import change_record

STRETCH_SPIKES = 50
_PLACES = (1, 3, 5)
"""Sixths of a unit's spikes in the middle of the stretches."""
_COLUMNS = ("unit_id", "probe", "cluster_id", "n_spikes", "sorting", "reviews", "spikes")
_HEADER = (
    "# Reviewed spike trains, written by `nh review`: stretches of spike times in ticks of 10 us, the first time and\n"
    "# then the steps. By these a review is tied to spikes, not to an id that a re-sort may give to other spikes.\n"
)


@dataclass(frozen=True)
class Fingerprint:
    """What is kept of one reviewed spike train.

    Parameters
    ----------
    unit, probe, cluster
        Unit id, probe and cluster id as the sorting had them.
    n_spikes
        Spikes of the whole train.
    sorting
        Identity of the probe's sorting (`nh_platform.qc.reviews.curators.unit_matching.sorting_id`).
    reviews
        Ids of the reviews that were made of this train, sorted.
    stretches
        Stretches of its spikes, sorted ticks.
    """

    unit: str
    probe: str
    cluster: int
    n_spikes: int
    sorting: str
    reviews: tuple[str, ...]
    stretches: tuple[Ticks, ...]

    @property
    def train(self) -> tuple[object, ...]:
        """What tells it from other trains, reviews aside."""
        spikes = tuple(stretch.tobytes() for stretch in self.stretches)
        return self.unit, self.probe, self.cluster, self.n_spikes, self.sorting, spikes


def stretches_of(times: npt.NDArray[np.float64]) -> tuple[Ticks, ...]:
    """Return the stretches that are kept of a train.

    Parameters
    ----------
    times
        (n_spikes,) spike times in seconds.
    """
    ticks = to_ticks(times)
    if len(ticks) <= STRETCH_SPIKES * len(_PLACES):
        return (ticks,) if len(ticks) else ()
    starts = [len(ticks) * place // (2 * len(_PLACES)) - STRETCH_SPIKES // 2 for place in _PLACES]
    return tuple(ticks[start : start + STRETCH_SPIKES] for start in starts)


def read_fingerprints(path: Path) -> tuple[Fingerprint, ...]:
    """Return the fingerprints of a session, sorted; none where it has no file.

    Raises
    ------
    ConfigError
        If the file is not as `to_text` writes it, with its line.
    """
    name = f"{path.parents[1].name}/{path.parent.name}/{path.name}"
    text = read_stated(path, name)
    found = []
    for number, line in enumerate((text or "").splitlines(), 1):
        if not line or line.startswith("#") or line == "\t".join(_COLUMNS):
            continue
        try:
            unit, probe, cluster, n_spikes, sorting, reviews, spikes = line.split("\t")
            stretches = tuple(_ticks(stretch) for stretch in spikes.split(";") if stretch)
            made = tuple(one for one in reviews.split(",") if one)
            found.append(Fingerprint(unit, probe, int(cluster), int(n_spikes), sorting, made, stretches))
        except (ValueError, OverflowError) as error:
            raise ConfigError(
                f"{name}:{number}",
                "it is no line of unit, probe, cluster, spikes, sorting, reviews and times",
                "Restore the file, for example by git; without a line its reviews count by their unit id alone.",
            ) from error
    return tuple(sorted(found, key=_order))


def trains_version(path: Path) -> str:
    """Return the content identity of the fingerprints of a session; empty where there are none.

    Raises
    ------
    ConfigError
        If the file cannot be read.
    """
    text = read_stated(path, f"{path.parent.name}/{path.name}")
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def with_reviews(known: Iterable[Fingerprint], new: Iterable[Fingerprint]) -> tuple[Fingerprint, ...]:
    """Return fingerprints with new ones; of the same train there is one, with the reviews of both."""
    by_train: dict[tuple[object, ...], Fingerprint] = {}
    for one in (*known, *new):
        before = by_train.get(one.train)
        reviews = tuple(sorted({*one.reviews, *(before.reviews if before else ())}))
        by_train[one.train] = replace(one, reviews=reviews)
    return tuple(sorted(by_train.values(), key=_order))


def save_fingerprints(path: Path, new: Sequence[Fingerprint]) -> int:
    """Add fingerprints to the file of a session, whole or not at all, and return its size in bytes.

    Raises
    ------
    ConfigError
        If what is there cannot be read; nothing is written.
    StoreError
        If the disk refuses it, or another process holds the file for 30 s.
    """
    written: list[bytes] = []

    def after() -> bytes | None:
        known = read_fingerprints(path)
        both = with_reviews(known, new)
        written[:] = [to_text(both).encode()]
        return written[0] if [*map(_whole, both)] != [*map(_whole, known)] else None

    change_record(path, after)
    return len(written[0])


def to_text(fingerprints: Iterable[Fingerprint]) -> str:
    """Return the content of a file of fingerprints, a line for each train."""
    lines = [_HEADER + "\t".join(_COLUMNS)]
    for one in fingerprints:
        spikes = ";".join(" ".join(map(str, [stretch[0], *np.diff(stretch)])) for stretch in one.stretches)
        facts = (one.unit, one.probe, one.cluster, one.n_spikes, one.sorting, ",".join(one.reviews), spikes)
        lines.append("\t".join(map(str, facts)))
    return "\n".join(lines) + "\n"


def trains_by_review(fingerprints: Iterable[Fingerprint]) -> Mapping[tuple[str, str], Fingerprint]:
    """Return the train by review and unit; of several the last one of the file."""
    return {(review, one.unit): one for one in fingerprints for review in one.reviews}


def _ticks(text: str) -> Ticks:
    steps = np.array([int(one) for one in text.split(" ")], dtype=np.int64)
    if len(steps) > STRETCH_SPIKES * len(_PLACES) or (steps[1:] < 0).any():
        raise ValueError(text)
    return np.cumsum(steps)


def _whole(one: Fingerprint) -> tuple[object, ...]:
    return (*one.train, one.reviews)


def _order(one: Fingerprint) -> tuple[str, int, str, str]:
    return one.probe, one.cluster, one.unit, one.sorting
