"""`nh qc review`: one decision on units or an interval, written into the review file of a session.

Contains the command alone. What a review may say is `nh_platform.qc.reviews.review_files`, how it is saved
`nh_platform.qc.reviews.review_saving`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform


def review(
    source: Annotated[str, typer.Argument(help="Source, for example ibl.")],
    session: Annotated[str, typer.Argument(help="Session id, or its first characters.")],
    decision: Annotated[str, typer.Option(help="pass or fail.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence.")],
    reviewer: Annotated[str, typer.Option(help="Who decides.")],
    unit: Annotated[
        list[str] | None,
        typer.Option(help="Unit id, the start of one, or PROBE/CLUSTER; may be repeated.", show_default=False),
    ] = None,
    interval: Annotated[
        tuple[float, float] | None, typer.Option(help="START STOP in seconds, in place of units.", show_default=False)
    ] = None,
    scope: Annotated[str | None, typer.Option(help="Probe of an interval; all if none.", show_default=False)] = None,
    date: Annotated[str | None, typer.Option(help="YYYY-MM-DD; today if none.", show_default=False)] = None,
    expiry: Annotated[str | None, typer.Option(help="Last day that it counts.", show_default=False)] = None,
    evidence: Annotated[
        list[str] | None, typer.Option(help="A file that shows it; may be repeated.", show_default=False)
    ] = None,
    rulebook: Annotated[str | None, typer.Option(help="Counts for this rulebook alone.", show_default=False)] = None,
) -> None:
    """Record a decision on units or an interval of a session in its review file.

    A decision that cannot be read back, an unknown unit among them, is refused in words, and the file stays as it was.
    It counts once as many reviewers agree as the active rulebook asks for; `nh qc reviews` lists all.

    **Examples**

        nh qc review ibl 4b7fbad4 --unit probe00/12 --decision fail --reviewer ada --reason "two neurons"

        nh qc review ibl 4b7fbad4 --interval 812 845.5 --decision fail --reviewer ada --reason "drift"
    """
    console.require_known(source, [session])
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.qc.reviews.review_saving import append_reviews

    console.require_known(source, [session])

    platform = Platform(load_settings())
    session_id = platform.manifest(source).session_named(session)
    units = _named_units(platform, source, session_id, unit or [])
    saved = append_reviews(
        platform.reviews_file(source, session_id),
        [
            {
                "unit": units[0] if len(units) == 1 else None,
                "units": units if len(units) > 1 else None,
                "interval": interval,
                "scope": scope,
                "decision": decision,
                "reason": reason,
                "reviewer": reviewer,
                "date": date or platform.today,
                "expiry": expiry,
                "evidence": evidence or None,
                "rulebook": rulebook,
            }
        ],
    )
    console.say(
        f"{saved.reviews.file} holds {len(saved.reviews.reviews)} now. `nh qc reviews {source}` says which count; "
        f"`nh materialize {source} --missing` makes what they change."
    )


def _named_units(platform: Platform, source: str, session_id: str, named: list[str]) -> list[str]:
    """Return the ids of units; where the session's units are stored, named as for `nh qc explain`.

    Raises
    ------
    UnknownSession
        If a name means no stored unit, or several.
    """
    from nh_platform.qc.rules.explain import find_unit
    from nh_platform.store.codecs.parquet import read_table

    folder = platform.store.current(source, session_id, "units") if named else None
    if folder is None:
        return named
    units = read_table(folder / "units.parquet")
    return [str(find_unit(units, one, f"{source} {session_id}")["unit_id"].iloc[0]) for one in named]
