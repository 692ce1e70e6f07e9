"""Additions to the manifest that the ONE tables lack: tags and addresses of datasets, extended QC of sessions.

Asked after the tables, the release and the freeze have settled which sessions there are, so that nothing is asked of
others. Add a further one here. The requests are `alyx_records`; what the tables say is `manifest_tables`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import pandas as pd

from nh_platform.history.manifest import Manifest
from nh_platform.session.tables.manifest import FILES, SESSIONS

_SAYS_NOTHING = (None, "", "NOT_SET")


class ManifestAdditions(Protocol):
    """Who knows more of sessions than the tables: an Alyx server, or the naming of the public bucket."""

    def dataset_facts(self, manifest: Manifest) -> pd.DataFrame:
        """Return ``tags`` (comma-joined, or null) and ``url`` (or null) of datasets, index their ids."""

    def extended_qc(self, session_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return the extended QC of sessions that have one, by session id."""


def with_additions(manifest: Manifest, source: ManifestAdditions) -> Manifest:
    """Return a manifest with what is stated of its datasets and sessions.

    Parameters
    ----------
    manifest
        As `nh_platform.sources.ibl.catalogue.manifest_tables.build_manifest` gives it; its files have the tags of their
        tables.
    source
        Who is asked.

    Raises
    ------
    NhError
        As the source has it.
    """
    facts = source.dataset_facts(manifest).reindex(manifest.files["dataset_id"])
    files = manifest.files.assign(
        tags=list(map(_joined, manifest.files["tags"], facts["tags"])), url=facts["url"].to_numpy(dtype=object)
    )
    stated = source.extended_qc(sorted(manifest.sessions["session_id"]))
    extended = [extended_qc_text(stated.get(session_id, {})) for session_id in manifest.sessions["session_id"]]
    sessions = manifest.sessions.assign(extended_qc=extended)
    return replace(manifest, sessions=SESSIONS.conform(sessions), files=FILES.conform(files))


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
