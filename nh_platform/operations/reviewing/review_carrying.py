"""Reviews after a re-sort: where the reviewed spikes are now, and a reviewer's agreement with what is proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.operations.reviewing.label_import import sorted_units
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform
    from nh_platform.qc.reviews.resorted.carried_reviews import CarriedTrain
    from nh_platform.qc.reviews.resorted.proposals import CarriedReview


@dataclass(frozen=True)
class CarriedReviews:
    """What became of the reviews of a session's units.

    Parameters
    ----------
    session_id
        The session.
    matched
        Every reviewed train, and where it is now.
    reviews
        Reviews that do not count: proposed for a unit, or orphans.
    untied
        Reviewed unit ids that are not in the session, and of whose spikes nothing was kept.
    remembered
        Reviewed trains that were written down just now, since nothing of them was.
    agreed
        Units of today for which a review was added.
    diff
        What that changes in the review file.
    """

    session_id: str
    matched: tuple[CarriedTrain, ...]
    reviews: tuple[CarriedReview, ...]
    untied: tuple[str, ...]
    remembered: int
    agreed: tuple[str, ...] = ()
    diff: str = ""


def carry_reviews(
    home: Home,
    source: str,
    session: str,
    *,
    agree_as: str | None = None,
    units: Sequence[str] = (),
    reason: str = "",
    dry_run: bool = False,
) -> CarriedReviews:
    """Compare the spikes that were reviewed with the units of today, and keep the spikes of what is reviewed now.

    Parameters
    ----------
    home
        Home folder.
    source, session
        Whose reviews; a session by its id or first characters.
    agree_as
        Reviewer who agrees with what is proposed: a review of his own is added for each unit. None adds nothing.
    units
        Units of today, as of `nh qc explain`, to agree for; all where none is given.
    reason
        Why the reviewer agrees; the reasons of the proposed reviews where empty.
    dry_run
        Say what would be written, and write nothing.

    Raises
    ------
    ConfigError
        If a file beside the reviews has a mistake, or proposals contradict each other.
    UnknownSession
        If the spikes of the session are not stored, or a unit is unknown.
    """
    from nh_platform.qc.reviews.evidence import TRAINS, evidence_folder
    from nh_platform.qc.reviews.resorted.carried_reviews import carried_table, carried_trains, take_fingerprints
    from nh_platform.qc.reviews.resorted.fingerprints import read_fingerprints, save_fingerprints, with_reviews
    from nh_platform.qc.reviews.resorted.proposals import agreeing_entries, listed_carried
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.qc.reviews.review_saving import append_reviews, preview_reviews
    from nh_platform.qc.rules.explain import find_unit
    from nh_platform.store.codecs.recording_files import read_spikes

    if agree_as is None and (units or reason):
        raise ConfigError("units or reason", "they are of an agreement", "Say who agrees (--agree-as NAME).")
    with open_home(home) as at:
        session_id, table = sorted_units(at, source, session)
        spikes = read_spikes(at.platform.store.folder(source, session_id, "raw_spikes"))
        file = at.platform.reviews_file(source, session_id)
        path = evidence_folder(file) / TRAINS
        stated = read_reviews(file)
        known = read_fingerprints(path)
        new = take_fingerprints(stated, known, table, spikes)
        if new and not dry_run:
            save_fingerprints(path, new)
        trains = carried_trains(with_reviews(known, new), table, spikes)
        carried = listed_carried(stated, carried_table(stated, trains))
        entries: list[dict[str, Any]] = []
        diff = ""
        if agree_as is not None:
            where = f"{source} session {session_id}"
            chosen = [str(find_unit(table, unit, where)["unit_id"].iloc[0]) for unit in units]
            entries = agreeing_entries(carried, agree_as, at.platform.today, chosen, reason)
            saved = (preview_reviews if dry_run else append_reviews)(file, entries)
            diff = saved.diff
            if not dry_run:
                remember_reviewed(at.platform, source, session_id)
                carried = listed_carried(saved.reviews, carried_table(saved.reviews, trains))
    tied = {one.fingerprint.unit for one in trains}
    there = set(table["unit_id"].astype(str))
    untied = {unit for review in stated.reviews for unit in review.unit_ids} - tied - there
    agreed = tuple(str(entry["unit"]) for entry in entries)
    return CarriedReviews(session_id, trains, tuple(carried), tuple(sorted(untied)), len(new), agreed, diff)


def remember_reviewed(platform: Platform, source: str, session_id: str) -> int:
    """Keep the spikes of the reviewed units of a session, where nothing of them is kept, and return how many.

    Called by whatever saves a review. Where the spikes are not stored nothing can be kept, and 0 is returned.

    Raises
    ------
    ConfigError
        If the review file or that of the spike trains has a mistake.
    """
    from nh_platform.qc.reviews.evidence import TRAINS, evidence_folder
    from nh_platform.qc.reviews.resorted.carried_reviews import take_fingerprints
    from nh_platform.qc.reviews.resorted.fingerprints import read_fingerprints, save_fingerprints
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.store.codecs.parquet import read_table
    from nh_platform.store.codecs.recording_files import read_spikes

    folder = platform.store.current(source, session_id, "raw_spikes")
    if folder is None:
        return 0
    file = platform.reviews_file(source, session_id)
    path = evidence_folder(file) / TRAINS
    stated, known = read_reviews(file), read_fingerprints(path)
    tied = {(review, one.unit) for one in known for review in one.reviews}
    decisions = [review for review in stated.reviews if review.decision is not None]
    if all((review.id, unit) in tied for review in decisions for unit in review.unit_ids):
        return 0
    new = take_fingerprints(stated, known, read_table(folder / "units.parquet"), read_spikes(folder))
    if new:
        save_fingerprints(path, new)
    return len(new)
