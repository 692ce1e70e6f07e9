"""Reviews that a person adds to a session: names are looked up, the evidence is kept, the file is appended to.

Add here another way to add a review. How it is saved is `nh_platform.qc.reviews.review_saving`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import Home, OpenHome, open_home
from nh_platform.operations.reviewing.review_carrying import remember_reviewed
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    from nh_platform.qc.reviews.review_saving import SavedReviews

_OPPOSITE = {"pass": "fail", "fail": "pass"}


def add_review(
    home: Home,
    source: str,
    session: str,
    review: Mapping[str, Any],
    *,
    dry_run: bool = False,
    digest: str | None = None,
) -> SavedReviews:
    """Add one review to the file of a session.

    Parameters
    ----------
    home
        The home folder.
    source, session
        The session: its id, that of an insertion, or the first characters of one.
    review
        Keys and values of `nh_platform.qc.reviews.review_model.Review`. Units may be named as for `nh qc explain`, a
        review that is answered by the start of its id; without a ``date`` it is of today. A decision on units keeps
        the values and verdicts that are stored of them, unless it says itself what was ``shown``.
    dry_run
        Say what would be written, and write nothing.
    digest
        Digest of the file that the reviewer was shown; None where it does not matter what came meanwhile.

    Returns
    -------
    SavedReviews
        The file as it is then, what was added, and the difference as a unified diff.

    Raises
    ------
    UnknownSession
        If there is no such session, unit or review.
    ConfigError
        If the review or the file is refused, or there is no such probe or rulebook; nothing is written.
    ReviewsChanged
        If the file is another one than ``digest`` says.
    """
    from nh_platform.qc.reviews.evidence import TRAINS, evidence_folder
    from nh_platform.qc.reviews.resorted.fingerprints import read_fingerprints
    from nh_platform.qc.reviews.review_saving import append_reviews, preview_reviews

    with open_home(home) as at:
        files = at.platform.manifest(source).session(at.platform.manifest(source).session_named(session))
        session_id = files.session.session_id
        path = at.platform.reviews_file(source, session_id)
        entry = {key: value for key, value in review.items() if value is not None}
        _require(f"scope of {source} {session_id}", entry.get("scope"), ["all_probes", *files.insertions["probe"]])
        _require(f"rulebook of {source}", entry.get("rulebook"), at.platform.config(source).rulebook_ids)
        entry.setdefault("date", at.platform.today)
        entry |= _units_as_stored(at, source, session_id, entry)
        if dry_run:
            return preview_reviews(path, [entry], digest=digest)
        read_fingerprints(evidence_folder(path) / TRAINS)  # a mistake there is said before anything is written
        saved = append_reviews(path, [entry], digest=digest)
        remember_reviewed(at.platform, source, session_id)
        return saved


def agree_with_review(
    home: Home,
    source: str,
    session: str,
    review: str,
    reviewer: str,
    *,
    reason: str | None = None,
    agrees: bool = True,
    blind: bool = False,
    date: str | None = None,
    dry_run: bool = False,
) -> SavedReviews:
    """Decide as another reviewer did, on the same thing, or the opposite of it.

    Parameters
    ----------
    home, source, session, dry_run
        As for `add_review`.
    review
        Id of the review, or the start of it.
    reviewer
        Who agrees, or disagrees.
    reason
        Why; where none is given, that of the review word for word. Disagreeing needs one.
    agrees
        Whether the decision is the same.
    blind
        Whether the reviewer had not been shown the decisions of others.
    date
        ``YYYY-MM-DD``; today where not given.

    Raises
    ------
    UnknownSession, ConfigError
        As for `add_review`; if the review decides nothing, or is the reviewer's own.
    """
    from nh_platform.qc.reviews.review_files import read_reviews
    from nh_platform.qc.reviews.review_model import reader_of

    with open_home(home) as at:
        session_id = at.platform.manifest(source).session_named(session)
        first = read_reviews(at.platform.reviews_file(source, session_id)).named(review)
        name = f"review {first.id} of {source} {session_id}"
        if first.decision not in _OPPOSITE:
            found = "it is no decision" if first.decision is None else "it withdraws a decision"
            raise ConfigError(name, found, f"Answer it: `nh review add {source} {session_id} --answers {first.id} …`.")
        if first.reader == reader_of(reviewer):
            action = "A second reader has another name; add a review to decide anew."
            raise ConfigError(name, f"it is a review of {reviewer} already", action)
        if not agrees and not reason:
            raise ConfigError(name, "disagreeing needs a reason", "Say in a sentence why.")
        stated = first.model_dump(include={"unit", "units", "interval", "whole_session", "rulebook"})
        entry = {
            **stated,
            "scope": first.scope if first.interval is not None and first.unit is None else None,
            "decision": first.decision if agrees else _OPPOSITE[first.decision],
            "reason": reason or first.reason,  # word for word: outcomes say a reason that reviewers share once
            "reviewer": reviewer,
            "date": date,
            "answers": first.id,
            "blind": blind,
        }
        return add_review(at, source, session_id, entry, dry_run=dry_run)


def _require(what: str, named: object, known: Sequence[str]) -> None:
    if named is not None and named not in known:
        action = f"Give one of: {', '.join(known)}.{close_matches(str(named), known)}"
        raise ConfigError(what, f"there is no {named}", action)


def _units_as_stored(home: OpenHome, source: str, session_id: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids of the units that an entry names, and the evidence on them; as they are where none are stored."""
    from nh_platform.qc.reviews.evidence_snapshot import shown_evidence
    from nh_platform.qc.rules.explain import find_unit
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.store.codecs.parquet import read_table
    from nh_platform.store.names import VERSION_DIGITS

    store = home.platform.store
    named = [str(one) for one in entry.get("units") or [entry.get("unit")] if one is not None]
    folder = store.usable(source, session_id, "units") if named else None
    if folder is None:
        return {}
    units = read_table(folder / "units.parquet")
    rows = [find_unit(units, one, f"{source} {session_id}").index[0] for one in named]
    ids = [str(one) for one in units.loc[rows, "unit_id"]]
    found: dict[str, Any] = {"unit": ids[0]} if "unit" in entry else {"units": ids}
    rulebook = load_rulebook(home.platform.config(source).rulebook)
    if entry.get("decision") in _OPPOSITE and "shown" not in entry and f"pass.{rulebook.id}" in units:
        version = (store.data_version(source, session_id, "units") or "")[:VERSION_DIGITS] or None
        found["shown"] = shown_evidence(units.loc[sorted(set(rows))], rulebook, units_version=version)
    return found
