"""`nh qc explain`: why one unit passed or failed, and whether what is stored is still what would be made.

Contains the command and the words for stale units. The words about a unit are `nh_platform.qc.rules.explain`, what a
fresh result would be made from is `nh_platform.planning.versions`; nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform
    from nh_platform.store import Provenance


_CHANGED = {
    "metrics": "the list of metrics",
    "reviews": "what the reviews of this session say",
    "raw_spikes": "the spikes that they are made from",
    "upstream/alignment": "upstream's alignment",
    "upstream/qc": "upstream's own QC",
}


def explain(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    session: Annotated[str, typer.Argument(help="Session id, or the first characters of one.")],
    unit: Annotated[str, typer.Argument(help="Unit id, the start of one, or PROBE/CLUSTER, for example probe00/12.")],
) -> None:
    """Say why a unit passed or failed, by every rulebook that judged it, and what reviewers said.

    What is shown is what is stored; where rules, reviews or upstream's files have changed since, that is said first.

    **Examples**

        nh qc explain ibl 4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b probe00/12

        nh qc explain ibl 4b7f probe00/12
    """
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.qc.reviews.review_files import read_reviews, review_path
    from nh_platform.qc.rules.explain import explain_unit, find_unit
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.reading import open_store

    settings = load_settings()
    view = open_store(settings.home).session(source, session)
    row = find_unit(view.units, unit, f"{source} session {view.session_id}")
    reviews = read_reviews(review_path(settings.reviews, source, view.session_id))
    platform = Platform(settings)
    rulebooks = {book.id: book for book in map(load_rulebook, platform.config(source).rulebooks)}
    stale = stale_lines(platform, source, view.session_id)
    for line in (*stale, *explain_unit(row, reviews, platform.today, rulebooks)):
        typer.echo(line)


def stale_lines(platform: Platform, source: str, session_id: str) -> list[str]:
    """Return what has changed since the stored units of a session were made, and what to run; nothing if nothing has.

    Units of a session that upstream withdrew, or of a source that was never synced, are held against rules and reviews
    alone: nobody says which files they should be made from.
    """
    from nh_platform.assets.units import ASSET as UNITS
    from nh_platform.planning.versions import SourcePlan
    from nh_platform.qc.rules.markdown import listed
    from nh_platform.session import UnknownSession

    stored = platform.store.provenance(source, session_id, UNITS.name)
    if stored is None:
        return []
    plan = SourcePlan(platform, source)
    action = [f"Bring it up to date: nh materialize {source} {session_id}"]
    try:
        expected = plan.expected_of(platform.manifest(source).session(session_id))[UNITS.name]
        changed = _changes(stored, expected.parameters, expected.inputs)
        if stored.code_version != expected.asset.code_version:
            changed.append("how this version of the platform makes them")
    except UnknownSession as error:
        parameters = plan.parameters(plan.assets[UNITS.name], session_id)
        known = {name: value for name, value in parameters.items() if name in stored.parameters}
        changed = _changes(stored, known, stored.inputs)
        action = [f"It cannot be brought up to date: {error.found}. {error.action}"]
    if not changed:
        return []
    return [f"STALE: since these units were made, {listed(changed)} changed. Below is what is stored.", *action, ""]


def _changes(stored: Provenance, parameters: Mapping[str, str], inputs: Mapping[str, str]) -> list[str]:
    changed = []
    for name, value in sorted(parameters.items()):
        before = stored.parameters.get(name, "")
        if value != before:
            changed += _changed_rulebooks(before, value) if name == "rulebooks" else [_CHANGED.get(name, name)]
    return [*changed, *(_CHANGED.get(name, name) for name in sorted(inputs) if inputs[name] != stored.inputs.get(name))]


def _changed_rulebooks(before: str, after: str) -> list[str]:
    """Return which rulebooks of two lists ``id=version;id=version`` differ."""
    old, new = ({one.partition("=")[0]: one for one in text.split(";") if one} for text in (before, after))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [f"rulebook {name}" for name in names] or ["the order of the rulebooks"]
