"""What the audit of a split looks at, and what it finds.

Contains the record of a set, as far as leaks concern it, and one leak. Add here what else of a set can leak; how it is
looked for is `audit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from nh_platform.windows.splits.time_ranges import GAP_S

FloatArray = npt.NDArray[np.float64]

WHOLE_SESSION = "whole-session"
"""Reference window of unit embeddings over all of a session: it has seen what is tested, whatever the split."""


@dataclass(frozen=True)
class PartOfSet:
    """A session, or a stretch of one, in one split.

    Parameters
    ----------
    source, release
        Where it comes from; releases of a source share its sessions.
    session_id, subject
        The session and its animal.
    split
        The split that it is in.
    insertion_ids
        Its probe insertions.
    ranges
        (n, 2) stretches in seconds; None for the whole session.
    """

    source: str
    release: str
    session_id: str
    subject: str
    split: str
    insertion_ids: tuple[str, ...] = ()
    ranges: FloatArray | None = None


@dataclass(frozen=True)
class SetRecord:
    """What the audit looks at.

    Parameters
    ----------
    parts
        Every session, or stretch of one, with its split.
    is_by_subject
        Whether whole sessions are divided by their subject; else every session is divided in time.
    normalised_on
        What statistics of normalisation were computed on, as parts; their split is not looked at.
    fitted_on
        What vectors of units were fitted on, as parts: stretches of the reference windows of sessions that train.
    reference_windows
        By source and session: name of the reference window of unit embeddings that join, such as ``start-30s``, and
        its (n, 2) intervals (s). What lies between two intervals was not seen.
    before
        Sessions, and stretches of them, of earlier builds with their split: none of it may train now and not then, or
        then and not now.
    gap_s
        Time that must lie between two splits of a session.
    """

    parts: Sequence[PartOfSet]
    is_by_subject: bool
    normalised_on: Sequence[PartOfSet] = ()
    fitted_on: Sequence[PartOfSet] = ()
    reference_windows: Mapping[tuple[str, str], tuple[str, FloatArray]] = field(default_factory=dict)
    before: Sequence[PartOfSet] = ()
    gap_s: float = GAP_S


@dataclass(frozen=True)
class Finding:
    """One leak.

    Parameters
    ----------
    kind
        ``subject``, ``session``, ``insertion``, ``time``, ``normalisation``, ``reference window`` or ``moved``.
    thing, found, action
        What leaks, how, and what to do.
    """

    kind: str
    thing: str
    found: str
    action: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.thing}: {self.found}. {self.action}"
