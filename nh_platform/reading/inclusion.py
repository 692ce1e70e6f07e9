"""Inclusion of stored sessions and regions by the published rules: the facts of the store held against a rulebook.

Contains the reading of what was made of sessions. The records that rules read and the verdicts on sessions are
`nh_platform.qc.inclusion`, on regions `nh_platform.qc.rules.region_rules`. Add here what of the store a rule reads.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from nh_platform.history.manifest import Manifest
from nh_platform.qc.inclusion import YIELD_BY, Inclusion, StoredFacts, check_rulebook, inclusion_of
from nh_platform.qc.rules.region_rules import region_table
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session import ConfigError, DamagedFile, UnknownSession
from nh_platform.session.tables.events import TRIALS
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import column_names, read_table
from nh_platform.store.file_hashes import is_stored, require_intact


def session_inclusion(store: Store, manifest: Manifest, session_id: str, rulebook: Rulebook) -> Inclusion:
    """Hold one session and its insertions against the rules of a rulebook that are about them.

    Parameters
    ----------
    store, manifest
        What was made of the session, and what upstream states of it.
    session_id
        The session.
    rulebook
        A rulebook with rules of scope ``session`` or ``probe``.

    Raises
    ------
    ConfigError
        If the rulebook has no such rules, or is not for this source.
    UnknownSession
        If the manifest does not list the session.
    """
    check_rulebook(rulebook, manifest.source)
    files = manifest.session(session_id)
    folder = readable(store, manifest.source, session_id, "events")
    facts = StoredFacts(trials_made=folder is not None, trials=None if folder is None else _trials(folder))
    if any(rule.scope == "probe" for rule in rulebook.session):
        source = manifest.source
        facts = replace(
            facts,
            units=_units(store, source, session_id, YIELD_BY),
            channel_probes=_channel_probes(store, source, session_id),
            noise_probes=_noise(store, source, session_id),
        )
    return inclusion_of(files, rulebook, facts)


def included_probes(store: Store, manifest: Manifest, rulebook: Rulebook) -> dict[str, frozenset[str]] | None:
    """Return the insertions of each session that the rules include, as `session_inclusion` says; without the others.

    None where the rulebook has no rules about sessions or insertions, or is for other sources: nothing is left out.
    """
    if manifest.source not in rulebook.sources or not any(
        one.scope in ("session", "probe") for one in rulebook.session
    ):
        return None
    included = {}
    for session_id in manifest.session_ids:
        found = session_inclusion(store, manifest, session_id, rulebook)
        if found.passed:
            listed = found.probes or dict.fromkeys(manifest.session(session_id).insertions["probe"], found.verdict)
            included[session_id] = frozenset(probe for probe, verdict in listed.items() if verdict.passed)
    return included


def region_selection(
    store: Store,
    source: str,
    rulebook: Rulebook,
    good_by: str,
    included: Mapping[str, frozenset[str]] | None = None,
    left_out: Collection[str] = (),
) -> pd.DataFrame:
    """Return which regions the region rules of a rulebook keep over the stored sessions of a source.

    Parameters
    ----------
    store, source
        Whose units.
    rulebook
        A rulebook with region rules; they may be applied to any source.
    good_by
        Id of the rulebook whose good units count, reviews included.
    included
        Insertions by session whose units count, as of `included_probes`; all of them where None.
    left_out
        Sessions whose units do not count, whatever the rules say: those that reviewers set aside.

    Returns
    -------
    DataFrame
        As of `nh_platform.qc.rules.region_rules.region_table`.

    Raises
    ------
    ConfigError
        If the rulebook has no region rules.
    UnknownSession
        If no session has units, or those of a session were not judged by ``good_by``.
    """
    if rulebook.regions is None:
        raise ConfigError(f"rulebook {rulebook.id}", "it has no rules about regions", "Name another one.")
    atlas, passes = rulebook.regions.atlas, f"pass.{good_by}"
    tables = []
    for session_id in sorted(set(store.sessions(source)) - set(left_out)):
        folder = readable(store, source, session_id, "units")
        path = None if folder is None else folder / "units.parquet"
        if path is None or not is_stored(path):  # gated: there are no units
            continue
        if passes not in column_names(path):
            found = f"the units of session {session_id} were not judged by it"
            action = f"Add it to `also_rulebooks` of {source}, then run `nh materialize {source} --missing`."
            raise UnknownSession(f"rulebook {good_by!r}", found, action)
        table = read_table(path, ["probe", atlas, passes]).assign(session_id=session_id)
        if included is not None:
            table[passes] &= table["probe"].isin(included.get(session_id, frozenset()))
        tables.append(table)
    if not tables:
        raise UnknownSession(
            f"source {source}", "no session has units yet", f"Run `nh materialize {source} --missing`."
        )
    units = pd.concat(tables, ignore_index=True)
    return region_table(units["session_id"], units[atlas], units[passes], rulebook.regions)


def readable(store: Store, source: str, session_id: str, asset: str) -> Path | None:
    """Return the folder of an asset whose every file is intact; None where it was not made or is damaged.

    What is joined over many sessions goes on without a damaged one, which counts as not made.
    """
    folder = store.usable(source, session_id, asset)
    try:
        if folder is not None:
            require_intact(folder)
    except (DamagedFile, FileNotFoundError):
        return None
    return folder


def _trials(folder: Path) -> pd.DataFrame | None:
    """Return the trials among the stored events; None where there are none."""
    path = folder / f"{TRIALS.name}.parquet"
    return read_table(path) if is_stored(path) else None


def _units(store: Store, source: str, session_id: str, good_by: str) -> pd.DataFrame | None:
    """Return ``probe``, ``histology`` and, where it was judged, the label of every unit; None where there are none."""
    folder = readable(store, source, session_id, "units")
    path = None if folder is None else folder / "units.parquet"
    if path is None or not is_stored(path):
        return None
    label = f"label.{good_by}"
    return read_table(path, ["probe", "histology", *([label] if label in column_names(path) else [])])


def _channel_probes(store: Store, source: str, session_id: str) -> pd.Series | None:
    folder = readable(store, source, session_id, "units")
    path = None if folder is None else folder / "channels.parquet"
    return None if path is None or not is_stored(path) else read_table(path, ["probe"])["probe"]


def _noise(store: Store, source: str, session_id: str) -> pd.DataFrame | None:
    """Return the noise of the insertions where `noise` was made."""
    folder = readable(store, source, session_id, "noise")
    path = None if folder is None else folder / "noise_probes.parquet"
    return None if path is None or not is_stored(path) else read_table(path)
