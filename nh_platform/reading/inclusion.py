"""Inclusion of stored sessions and regions by the published rules: the facts of the store held against a rulebook.

Contains the records that session rules read, made of the catalogue and the stored assets, and the verdicts on them. Add
a fact here when a rule reads one more. The rules are applied by `nh_platform.qc.rules.session_rules` and
`region_rules`; upstream is never asked, so what it was not asked before is *not known*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.qc.rules.region_rules import region_table
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.session_rules import SessionVerdict, evaluate_session, trial_facts
from nh_platform.session import ConfigError, DamagedFile, UnknownSession
from nh_platform.session.tables.events import TRIALS
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import column_names, read_table
from nh_platform.store.file_hashes import is_stored, require_intact

FINAL_POSITIONS = "alf"
"""Value of ``histology`` where upstream released the positions as files, once an alignment is resolved."""


YIELD_BY = "ibl-2022-10"
"""Rulebook whose good units make the yield of a probe, as in the Reproducible Ephys analysis (label 1)."""


@dataclass(frozen=True)
class Inclusion:
    """Outcome of the rules about sessions and insertions for one session.

    Parameters
    ----------
    session_id
        The session.
    verdict
        Of the rules about sessions.
    probes
        Of the rules about insertions, by probe; empty where the rulebook has none or no insertion is listed.
    n_trials, n_trials_kept
        Trials, and those of them that the trial mask keeps; None where trials or mask are not there.
    not_made
        Assets that the rules would read and the store does not have.
    """

    session_id: str
    verdict: SessionVerdict
    probes: dict[str, SessionVerdict]
    n_trials: int | None
    n_trials_kept: int | None
    not_made: tuple[str, ...]

    @property
    def n_probes_passed(self) -> int:
        """Number of insertions that pass."""
        return sum(verdict.passed for verdict in self.probes.values())

    @property
    def passed(self) -> bool:
        """Whether the session passes, and one of its insertions does: a session is included for its insertions.

        False where no rule could be counted.
        """
        return self.counted and self.verdict.passed and (not self.probes or self.n_probes_passed > 0)

    @property
    def counted(self) -> bool:
        """Whether any rule could be counted."""
        return any(verdict.counted for verdict in (self.verdict, *self.probes.values()))

    @property
    def word(self) -> str:
        """``pass``, ``fail``, or ``not known`` where no rule could be counted."""
        return ("pass" if self.passed else "fail") if self.counted else "not known"

    @property
    def reason(self) -> str:
        """Why it fails, in words; where it passes, why single insertions do not."""
        parts = [self.verdict.reason] if self.verdict.reason else []
        parts += [f"{probe}: {verdict.reason}" for probe, verdict in self.probes.items() if not verdict.passed]
        return "; ".join(parts)

    @property
    def not_known(self) -> tuple[str, ...]:
        """Rules whose value is not known of the session, or of one of its insertions."""
        rules = [*self.verdict.not_known, *(rule for verdict in self.probes.values() for rule in verdict.not_known)]
        return tuple(dict.fromkeys(rules))


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
    _check_rulebook(rulebook, manifest.source)
    files = manifest.session(session_id)
    facts, not_made = _trial_facts(store, files, rulebook)
    probes = {}
    if any(rule.scope == "probe" for rule in rulebook.session):
        units = _units(store, manifest.source, session_id, YIELD_BY)
        not_made += () if units is not None else ("units",)
        noise = _noise(store, manifest.source, session_id)
        for row in files.insertions.sort_values("probe").to_dict("records"):
            n_channels = _channels(store, manifest.source, session_id, row["probe"])
            record = _probe_record(row, units, n_channels) | noise.get(str(row["probe"]), {})
            probes[str(row["probe"])] = evaluate_session(record, rulebook, scope="probe")
    return Inclusion(
        session_id=session_id,
        verdict=evaluate_session(_session_record(files, facts), rulebook),
        probes=probes,
        n_trials=int(facts["n_trials"]) if facts else None,
        n_trials_kept=int(facts["n_trials_kept"]) if "n_trials_kept" in facts else None,
        not_made=not_made,
    )


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
    for session_id in sorted(store.sessions(source)):
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


def _check_rulebook(rulebook: Rulebook, source: str) -> None:
    if not any(rule.scope in ("session", "probe") for rule in rulebook.session):
        found = "it has no rules about sessions or insertions"
        raise ConfigError(f"rulebook {rulebook.id}", found, "Name another one (`nh qc rules list`).")
    if source not in rulebook.sources:
        found = f"it is for {', '.join(rulebook.sources)} and not for {source}"
        raise ConfigError(f"rulebook {rulebook.id}", found, "Name another one (`nh qc rules list`).")


def _session_record(files: SessionFiles, facts: Mapping[str, float]) -> dict[str, Any]:
    """Return the record of a session, as Alyx has it: its QC, its single checks where Alyx was asked, its trials."""
    return {"qc": files.qc, "extended_qc": json.loads(files.extended_qc) if files.extended_qc else {}, **facts}


def _trial_facts(store: Store, files: SessionFiles, rulebook: Rulebook) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return what the trials of a session say, and which asset is lacking for it."""
    session = files.session
    folder = readable(store, session.source, session.session_id, "events")
    if folder is None:
        return {}, ("events",)
    path = folder / f"{TRIALS.name}.parquet"
    # A source without trials of this task: the rules about them are not known.
    if not is_stored(path) or not {"contrastLeft", "feedbackType"} <= set(column_names(path)):
        return {}, ()
    return trial_facts(read_table(path), rulebook.trial_mask), ()


def _units(store: Store, source: str, session_id: str, good_by: str) -> pd.DataFrame | None:
    """Return ``probe``, ``histology`` and, where it was judged, ``good`` of every unit; None where there are none."""
    folder = readable(store, source, session_id, "units")
    path = None if folder is None else folder / "units.parquet"
    if path is None or not is_stored(path):
        return None
    label = f"label.{good_by}"
    judged = label in column_names(path)
    table = read_table(path, ["probe", "histology", *([label] if judged else [])])
    return table.assign(good=table[label] >= 1) if judged else table


def _channels(store: Store, source: str, session_id: str, probe: str) -> int:
    folder = readable(store, source, session_id, "units")
    path = None if folder is None else folder / "channels.parquet"
    return 0 if path is None or not is_stored(path) else int((read_table(path, ["probe"])["probe"] == probe).sum())


def _noise(store: Store, source: str, session_id: str) -> dict[str, dict[str, float]]:
    """Return noise and LFP slope by probe where `noise` was made, and has them."""
    folder = readable(store, source, session_id, "noise")
    path = None if folder is None else folder / "noise_probes.parquet"
    if path is None or not is_stored(path):
        return {}
    rows = read_table(path).set_index("probe")[["rms_ap_p90", "lfp_derivative"]]
    return {
        str(probe): {str(name): float(value) for name, value in row.dropna().items()} for probe, row in rows.iterrows()
    }


def _probe_record(insertion: Mapping[str, Any], units: pd.DataFrame | None, n_channels: int) -> dict[str, Any]:
    """Return the record of one insertion, as Alyx has it, of what the catalogue and its units say."""
    resolved = {"yes": True, "no": False}.get(str(insertion["alignment_resolved"]))
    of_probe = None if units is None else units[units["probe"] == insertion["probe"]]
    if resolved is None and of_probe is not None and (of_probe["histology"] == FINAL_POSITIONS).any():
        resolved = True
    record: dict[str, Any] = {"qc": insertion["qc"], "extended_qc": {"alignment_resolved": resolved}}
    if of_probe is not None and "good" in of_probe and n_channels:
        record["total_yield"] = float(of_probe["good"].sum()) / n_channels
    return record
