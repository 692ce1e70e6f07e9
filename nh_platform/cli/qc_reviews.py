"""`nh qc reviews`: what reviewers decided, what counts, and how far they agree.

Contains the command alone. What a review may say and when it counts is `nh_platform.qc.reviews`; agreement is
`nh_platform.qc.review_agreement`.
"""

from __future__ import annotations

from typing import Annotated

import typer


def reviews(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    day: Annotated[
        str | None, typer.Option(help="Day on which reviews count, YYYY-MM-DD; without it none is expired.")
    ] = None,
) -> None:
    """List every reviewed unit of a source and whether its reviews count, and how far reviewers agree.

    States: `counted` (enough reviewers agree), `pending` (fewer than the quorum), `conflict` (they disagree; nothing is
    overridden), `expired`. The quorum is that of the active rulebook. Cohen's kappa is over all units that two
    reviewers both decided.

    **Examples**

        nh qc reviews ibl

        nh qc reviews ibl --day 2026-12-01
    """
    import datetime as dt

    from nh_platform.defs.platform import source_config
    from nh_platform.defs.settings import load_settings
    from nh_platform.qc.review_agreement import reviewer_agreement
    from nh_platform.qc.reviews import read_all_reviews, unit_reviews
    from nh_platform.qc.rulebook import load_rulebook
    from nh_platform.session import ConfigError

    settings = load_settings()
    rulebook = load_rulebook(source_config(settings, source).rulebook)
    if day is not None:
        try:
            dt.date.fromisoformat(day)
        except ValueError as error:
            raise ConfigError(f"--day {day}", "it is not a day", "Write it as YYYY-MM-DD.") from error
    sessions = read_all_reviews(settings.reviews, source)
    states: dict[str, int] = {}
    for session in sessions:
        for found in unit_reviews(session, rulebook, day).values():
            states[found.state] = states.get(found.state, 0) + 1
            typer.echo(f"{session.session_id}  {found.unit}  {found.state}: {found.text}")
    counted = ", ".join(f"{number} {state}" for state, number in sorted(states.items())) or "none"
    typer.echo(f"reviewed units: {counted} (quorum {rulebook.review_quorum} of {rulebook.id})")
    for row in reviewer_agreement(sessions).itertuples():
        typer.echo(
            f"{row.first} and {row.second}: {row.agreed} of {row.shared} shared units decided alike, "
            f"kappa {row.kappa:.2f}"
        )
