"""Changes since the stored units of a session were made, in words.

Contains the words behind `nh qc explain` for units that are stale. Whether an asset is stale is decided in
`nh_platform.planning.staleness`.
"""

from __future__ import annotations

from collections.abc import Mapping

from nh_platform.assets.units import ASSET as UNITS
from nh_platform.home.platform import Platform
from nh_platform.planning.versions import SourcePlan
from nh_platform.qc.rules.markdown import listed
from nh_platform.session import UnknownSession
from nh_platform.store import Provenance

_CHANGED = {
    "metrics": "the list of metrics",
    "reviews": "what the reviews of this session say",
    "raw_spikes": "the spikes that they are made from",
    "upstream/alignment": "upstream's alignment",
    "upstream/qc": "upstream's own QC",
}


def stale_lines(platform: Platform, source: str, session_id: str) -> list[str]:
    """Return what has changed since the stored units of a session were made, and what to run; nothing if nothing has.

    Units of a session that upstream withdrew, or of a source that was never synced, are held against rules and reviews
    alone: nobody says which files they should be made from.
    """
    stored = platform.store.provenance(source, session_id, UNITS.name)
    if stored is None:
        return []
    plan = SourcePlan(platform, source, session_id)
    action = [f"`nh materialize {source} {session_id}` brings it up to date."]
    try:
        expected = plan.expected_of(platform.session_files(source, session_id))[UNITS.name]
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
    return [f"rulebook {name}{_new_or_gone(name, old, new)}" for name in names] or ["the order of the rulebooks"]


def _new_or_gone(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return " (new)" if name not in old else " (left out)" if name not in new else ""
