"""Additions to the manifest that the ONE tables lack: tags and addresses of datasets, extended QC of sessions.

Asked after the tables, the release and the freeze have settled which sessions there are, so that nothing is asked of
others. Add a further one here. The requests are `alyx_records`; what the tables say is `manifest_tables`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import pandas as pd

from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.catalogue.manifest import FILES, SESSIONS

CLOCK_MARGIN = timedelta(days=1)
"""Alyx states when its tables were made in local time and when a record was touched in UTC; neither names its zone."""

_SAYS_NOTHING = (None, "", "NOT_SET")


class ManifestAdditions(Protocol):
    """Who knows more of sessions than the tables: an Alyx server, or the naming of the public bucket."""

    def dataset_facts(self, manifest: Manifest) -> pd.DataFrame:
        """Return ``tags`` (comma-joined, or null) and ``url`` (or null) of datasets, index their ids."""

    def extended_qc(self, session_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return the extended QC of sessions by session id, empty where none is stated; lacks what is not known."""

    def changed_since(self, moment: datetime) -> set[str]:
        """Return the sessions whose record was touched after a moment of the source's own clock."""

    def tables_made(self) -> datetime | None:
        """Return when the tables of the manifest were made, by the source's own clock; None where it does not say."""


def with_additions(manifest: Manifest, source: ManifestAdditions, before: Manifest | None = None) -> Manifest:
    """Return a manifest with what is stated of its datasets and sessions.

    Parameters
    ----------
    manifest
        As `nh_platform.sources.ibl.catalogue.manifest_tables.build_manifest` gives it; its files have the tags of their
        tables.
    source
        Who is asked.
    before
        A manifest of earlier, from which the extended QC of sessions that were not touched since is taken.

    Raises
    ------
    NhError
        As the source has it.
    """
    facts = source.dataset_facts(manifest).reindex(manifest.files["dataset_id"])
    files = manifest.files.assign(
        tags=list(map(_joined, manifest.files["tags"], facts["tags"])), url=facts["url"].to_numpy(dtype=object)
    )
    made = source.tables_made()  # before they are asked: what is touched meanwhile is asked for again
    known = _untouched(manifest, source, before)
    asked = sorted(set(manifest.sessions["session_id"]) - set(known))
    stated = source.extended_qc(asked)
    known |= {session_id: extended_qc_text(checks) for session_id, checks in stated.items()}
    sessions = manifest.sessions.assign(extended_qc=[known.get(one) for one in manifest.sessions["session_id"]])
    return replace(
        manifest,
        sessions=SESSIONS.conform(sessions),
        files=FILES.conform(files),
        facts_as_of=made.isoformat() if made and set(asked) <= set(stated) else "",
    )


def _untouched(manifest: Manifest, source: ManifestAdditions, before: Manifest | None) -> dict[str, str | None]:
    """Return the extended QC of the sessions whose record was not touched since an earlier manifest, by session id.

    Only of the same server as the same account, whose QC was asked for, and all of it.
    """
    if before is None or not before.facts_as_of or before.selection != manifest.selection:
        return {}
    touched = source.changed_since(datetime.fromisoformat(before.facts_as_of) - CLOCK_MARGIN)
    rows = before.sessions[["session_id", "extended_qc"]].itertuples(index=False)
    listed = set(manifest.sessions["session_id"]) - touched
    return {one: text if isinstance(text, str) else None for one, text in rows if one in listed}


def extended_qc_text(checks: Mapping[str, Any]) -> str | None:
    """Return an extended QC as one text that is equal for equal checks; None where none says anything.

    Examples
    --------
    >>> extended_qc_text({"task": "PASS", "_task_wheel": 0.98, "videoLeft": "NOT_SET"})
    '{"_task_wheel":0.98,"task":"PASS"}'
    """
    said = {name: value for name, value in checks.items() if value not in _SAYS_NOTHING}
    return json.dumps(said, sort_keys=True, separators=(",", ":")) if said else None


def _joined(*texts: object) -> str | None:
    """Return the tags of some comma-joined texts, each once and sorted."""
    tags = {tag for text in texts if isinstance(text, str) for tag in text.split(",") if tag}
    return ",".join(sorted(tags)) or None
