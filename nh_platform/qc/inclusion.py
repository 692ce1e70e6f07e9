"""Inclusion of a session and its insertions by the rules of a rulebook that are about them.

Contains the records that session rules read, made of the catalogue and of what was made of the session, and the
verdicts on them. Add a fact here when a rule reads one more. The rules are applied by
`nh_platform.qc.rules.session_rules`; what is stored is read by `nh_platform.reading.inclusion`. Upstream is never
asked, so what it was not asked before is *not known*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.rules.session_rules import SessionVerdict, evaluate_session, trial_facts
from nh_platform.session import ConfigError

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


@dataclass(frozen=True)
class StoredFacts:
    """What was made of a session that rules about it and its insertions read.

    Parameters
    ----------
    trials
        Its trials (schema `TRIALS`); None where it has none of this task.
    trials_made
        Whether its events were made.
    units
        ``probe``, ``histology`` and, where it was judged by `YIELD_BY`, ``label.<rulebook>`` of every unit; None where
        there are none.
    channel_probes
        (n_channels,) probe of every channel.
    noise_probes
        Noise of its insertions, schema `NOISE_PROBES`; None where it was not made.
    """

    trials: pd.DataFrame | None = None
    trials_made: bool = True
    units: pd.DataFrame | None = None
    channel_probes: pd.Series | None = None
    noise_probes: pd.DataFrame | None = None


def inclusion_of(files: SessionFiles, rulebook: Rulebook, made: StoredFacts) -> Inclusion:
    """Hold one session and its insertions against the rules of a rulebook, from tables that are read already.

    Raises
    ------
    ConfigError
        As `check_rulebook`.
    """
    check_rulebook(rulebook, files.source)
    facts = _trial_facts(made.trials, rulebook)
    not_made: tuple[str, ...] = () if made.trials_made else ("events",)
    probes = {}
    if any(rule.scope == "probe" for rule in rulebook.session):
        not_made += () if made.units is not None else ("units",)
        noise = _noise_facts(made.noise_probes)
        for row in files.insertions.sort_values("probe").to_dict("records"):
            of_probe = made.channel_probes == row["probe"] if made.channel_probes is not None else None
            n_channels = 0 if of_probe is None else int(of_probe.sum())
            record = _probe_record(row, made.units, n_channels) | noise.get(str(row["probe"]), {})
            probes[str(row["probe"])] = evaluate_session(record, rulebook, scope="probe")
    return Inclusion(
        session_id=files.session_id,
        verdict=evaluate_session(_session_record(files, facts), rulebook),
        probes=probes,
        n_trials=int(facts["n_trials"]) if facts else None,
        n_trials_kept=int(facts["n_trials_kept"]) if "n_trials_kept" in facts else None,
        not_made=not_made,
    )


def check_rulebook(rulebook: Rulebook, source: str) -> None:
    """Stop where a rulebook has no rules about sessions or insertions, or is for other sources.

    Raises
    ------
    ConfigError
        Naming the rulebook.
    """
    if not any(rule.scope in ("session", "probe") for rule in rulebook.session):
        found = "it has no rules about sessions or insertions"
        raise ConfigError(f"rulebook {rulebook.id}", found, "Name another one (`nh qc rules list`).")
    if source not in rulebook.sources:
        found = f"it is for {', '.join(rulebook.sources)} and not for {source}"
        raise ConfigError(f"rulebook {rulebook.id}", found, "Name another one (`nh qc rules list`).")


def _session_record(files: SessionFiles, facts: Mapping[str, float]) -> dict[str, Any]:
    """Return the record of a session, as Alyx has it: its QC, its single checks where Alyx was asked, its trials."""
    return {"qc": files.qc, "extended_qc": json.loads(files.extended_qc) if files.extended_qc else {}, **facts}


def _trial_facts(trials: pd.DataFrame | None, rulebook: Rulebook) -> dict[str, float]:
    """Return what the trials of a session say; nothing for a source without trials of this task."""
    if trials is None or not {"contrastLeft", "feedbackType"} <= set(trials.columns):
        return {}
    return trial_facts(trials, rulebook.trial_mask)


def _noise_facts(noise_probes: pd.DataFrame | None) -> dict[str, dict[str, float]]:
    """Return noise and LFP slope by probe, of those that have them."""
    if noise_probes is None:
        return {}
    rows = noise_probes.set_index("probe")[["rms_ap_p90", "lfp_derivative"]]
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
    label = f"label.{YIELD_BY}"
    if of_probe is not None and label in of_probe and n_channels:
        record["total_yield"] = float((of_probe[label] >= 1).sum()) / n_channels
    return record
