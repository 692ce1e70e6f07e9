"""History of checks: every evaluation of a session that Dagster remembers, and what changes of a rule did.

Checks were named `<rulebook>__<rule>` up to version 0.2; what they recorded stands in the same list, under the rule.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, open_home
from nh_platform.session import ConfigError, UnknownSession

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.defs.rules.rules_in_force import RulesInForce
    from nh_platform.qc.rules.changes.rule_history import HistoryEntry, RuleEvaluation
    from nh_platform.qc.rules.rulebook_model import Rulebook

_OLD_SEPARATOR = "__"
"""Between rulebook and rule in names of checks before version 0.3; no name of a rule or check has had it."""
_COUNTS = ("rulebook", "units", "passing")
"""Metadata of a rule's evaluation that its history is counted from."""
_PAGE = 1000


@dataclass(frozen=True)
class CheckEvaluation:
    """One evaluation of a check of a session.

    Parameters
    ----------
    evaluated
        When, in UTC.
    rule
        The rule, or the name of a check that no rulebook makes.
    rulebook, digest
        By which rulebook; empty where none makes it, and the digest where it was not recorded.
    passed
        Outcome.
    found
        What was found, in words.
    run_id
        Dagster's id of the run.
    is_in_force
        Whether it counts: the rulebook that made it is the active one, or none makes it.
    """

    evaluated: dt.datetime
    rule: str
    rulebook: str
    digest: str
    passed: bool
    found: str
    run_id: str
    is_in_force: bool


def check_history(home: Home, source: str, session: str, rule: str | None = None) -> list[CheckEvaluation]:
    """Return every evaluation of the checks of a session, the newest first.

    Parameters
    ----------
    home
        Home folder.
    source, session
        The session; the first characters of its id will do.
    rule
        Only the check of this rule, under whichever name it was recorded.

    Raises
    ------
    ConfigError
        If there is no such source.
    UnknownSession
        If the source was never synced, or has no such session; or if none of its checks is named so.
    """
    import dagster as dg

    from nh_platform.defs.automation.attempts import is_of
    from nh_platform.defs.rules.rules_in_force import RulesInForce
    from nh_platform.defs.run_tags import PARTITION_TAG

    with open_home(home) as at:
        at.platform.entry(source)
        session_id = at.platform.manifest(source).session_named(session)
        runs = at.instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: session_id}))
        rules = RulesInForce(at.platform.settings.home)
        of_source = (run.run_id for run in runs if is_of(run, source))
        found = [one for run_id in of_source for one in _of_run(at.instance, run_id, session_id, rules)]
    found.sort(key=lambda one: (-one.evaluated.timestamp(), one.rule))
    if rule is None:
        return found
    wanted = rule.rsplit(_OLD_SEPARATOR, maxsplit=1)[-1]
    if found and wanted not in {one.rule for one in found}:
        names = ", ".join(sorted({one.rule for one in found}))
        raise UnknownSession(
            f"rule {rule!r}", f"no check of {source} {session_id} is named so", f"Name one of {names}."
        )
    return [one for one in found if one.rule == wanted]


def rule_history(home: Home, source: str, rule: str, rulebook: Rulebook | None = None) -> tuple[HistoryEntry, ...]:
    """Return the history of a rule, the newest first: as its rulebook states it, and as a source's checks recorded it.

    Where another state of the rules judged a session, the units that passed the rule before and after are counted.

    Parameters
    ----------
    home
        Home folder.
    source
        The source whose checks are looked at.
    rule
        Id of the rule.
    rulebook
        The rulebook that states it; the active one of the source where None.

    Raises
    ------
    ConfigError
        If there is no such source, or the rulebook has no such rule.
    """
    from nh_platform.home.active_rulebook import active_rulebook
    from nh_platform.qc.rules.changes.rule_history import rule_history as history_of
    from nh_platform.session.errors import close_matches

    with open_home(home) as at:
        at.platform.entry(source)
        book = rulebook or active_rulebook(at.platform.settings, source)
        rules = [one.id for one in (*book.rules, *book.session)]
        if rule not in rules:
            found = f"rulebook {book.id} has no such rule"
            raise ConfigError(f"rule {rule!r}", found, f"Name one of {', '.join(rules)}.{close_matches(rule, rules)}")
        return history_of(book, rule, _evaluations(at.instance, source, rule))


def _evaluations(instance: dg.DagsterInstance, source: str, rule: str) -> Iterator[RuleEvaluation]:
    """Yield what the check of a rule found of every session of a source, the newest first."""
    from dagster import AssetCheckKey, AssetKey, DagsterEventType

    from nh_platform.defs.rules.rules_in_force import digest_of
    from nh_platform.qc.rules.changes.rule_history import RuleEvaluation

    key, cursor = AssetCheckKey(AssetKey([source, "units"]), rule), None
    while records := instance.event_log_storage.get_asset_check_execution_history(key, _PAGE, cursor):
        cursor = records[-1].id
        for record in records:
            event = record.event.dagster_event if record.event is not None else None
            if event is None or event.event_type is not DagsterEventType.ASSET_CHECK_EVALUATION:
                continue
            evaluation = event.asset_check_evaluation_data
            stated = {name: evaluation.metadata[name].value for name in _COUNTS if name in evaluation.metadata}
            if len(stated) < len(_COUNTS) or evaluation.partition is None:
                continue
            yield RuleEvaluation(
                session=evaluation.partition,
                evaluated=dt.datetime.fromtimestamp(record.create_timestamp, dt.UTC),
                rulebook=str(stated["rulebook"]),
                digest=digest_of(evaluation),
                n_units=int(str(stated["units"])),
                n_passing=int(str(stated["passing"])),
            )


def _of_run(
    instance: dg.DagsterInstance, run_id: str, session_id: str, rules: RulesInForce
) -> Iterator[CheckEvaluation]:
    from dagster import AssetCheckKey, DagsterEventType

    from nh_platform.defs.rules.rules_in_force import digest_of

    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
        if entry.dagster_event is None:
            continue
        evaluation = entry.dagster_event.asset_check_evaluation_data
        if evaluation.partition != session_id:
            continue
        metadata = {name: str(value.value) for name, value in evaluation.metadata.items()}
        old_rulebook, _, rule = evaluation.check_name.rpartition(_OLD_SEPARATOR)
        yield CheckEvaluation(
            evaluated=dt.datetime.fromtimestamp(entry.timestamp, dt.UTC),
            rule=rule,
            rulebook=metadata.get("rulebook", old_rulebook.replace("_", "-")),
            digest=digest_of(evaluation),
            passed=evaluation.passed,
            found=evaluation.description or "",
            run_id=run_id,
            is_in_force=rules.is_counted(AssetCheckKey(evaluation.asset_key, rule), digest_of(evaluation)),
        )
