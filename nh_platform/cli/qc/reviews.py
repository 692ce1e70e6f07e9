"""`nh qc reviews`: what reviewers decided, what counts, and how far they agree.

Contains the command alone. What a review may say is `nh_platform.qc.reviews.review_files`, when it counts
`nh_platform.qc.reviews.review_decisions`; agreement is `nh_platform.qc.reviews.reviewer_agreement`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Annotated, Any

import typer
from rich.markup import escape

from nh_platform.cli import console


def reviews(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    day: Annotated[
        str | None,
        typer.Option(help="Day on which reviews count, YYYY-MM-DD; today where not given.", show_default=False),
    ] = None,
) -> None:
    """List every reviewed unit and interval of a source and whether its reviews count, and how far reviewers agree.

    States: `counted` (enough reviewers agree), `pending` (fewer than the quorum), `conflict` (they disagree; nothing is
    overridden), `expired` (no review counts on that day). The quorum is that of the active rulebook. Cohen's kappa is
    over all units that two reviewers both decided; intervals are not in it. A file with a mistake is named by line, the
    others are listed, and the exit code is 1.

    **Examples**

        nh qc reviews ibl

        nh qc reviews ibl --day 2026-12-01
    """
    console.require_known(source)
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings

    console.require_known(source)
    from nh_platform.qc.reviews.review_decisions import interval_reviews, unit_reviews
    from nh_platform.qc.reviews.review_files import read_all_reviews
    from nh_platform.qc.reviews.review_model import as_day
    from nh_platform.qc.reviews.reviewer_agreement import reviewer_agreement
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.session import ConfigError

    platform = Platform(load_settings())
    rulebook = load_rulebook(platform.config(source).rulebook)
    try:
        today = as_day(day or platform.today)
    except ValueError as error:
        raise ConfigError(f"--day {day}", "it is not a day", "Write it as YYYY-MM-DD.") from error
    sessions, mistakes = read_all_reviews(platform.settings.reviews, source)
    units: Counter[str] = Counter()
    intervals: Counter[str] = Counter()
    for session in sessions:
        for unit in unit_reviews(session, rulebook, today).values():
            units[unit.state] += 1
            _say(session.session_id, unit.unit, f"{unit.state}: {unit.text}")
        for interval in interval_reviews(session, rulebook.review_quorum, today):
            intervals[interval.state] += 1
            _say(session.session_id, interval.name, f"{interval.state}: {interval.text}")
    counting = f"on {today}, quorum {rulebook.review_quorum} of {rulebook.id}"
    console.say(f"reviewed units: {_counted(units)} ({counting})")
    console.say(f"reviewed intervals: {_counted(intervals)} ({counting})")
    *pairs, pooled = reviewer_agreement(sessions).to_dict("records") or [None]
    for row in [*pairs, pooled] if len(pairs) > 1 else pairs:
        who = "all pairs" if row is pooled else f"{row['first']} and {row['second']}"
        console.say(escape(f"{who}: {_agreement(row)} (units only, no intervals)"), hanging=2)
    for mistake in mistakes:
        console.show_error(mistake)
    if mistakes:
        raise typer.Exit(1)


def _say(session_id: str, what: str, state: str) -> None:
    console.say(escape(f"{session_id}  {what}  {state}"), hanging=2)


def _agreement(row: Mapping[Hashable, Any]) -> str:
    kappa = row["kappa"]
    chance = "kappa is not defined: each always decided the same way" if kappa != kappa else f"kappa {kappa:.2f}"
    return f"{row['agreed']} of {row['shared']} shared units decided alike, {chance}"


def _counted(states: Counter[str]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "none"
