"""`nh qc explain`: why one unit passed or failed, and whether what is stored is still what would be made.

Contains the command alone. The words about a unit are `nh_platform.qc.rules.explain`, those about stale units
`nh_platform.planning.changed_units`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from nh_platform.cli import console
from nh_platform.cli.console import SessionArgument, SourceArgument


def explain(
    source: SourceArgument,
    session: SessionArgument,
    unit: Annotated[str, typer.Argument(help="Unit id, the start of one, or PROBE/CLUSTER, for example probe00/12.")],
    open_card: Annotated[
        bool, typer.Option("--open", help="Open the unit's card in the browser: its figures and values on one page.")
    ] = False,
) -> None:
    """Say why a unit passed or failed, by every rulebook that judged it, and what reviewers said.

    For each rule: whether it passed, the value in its unit of measure, where that was read (`released.…` is the
    release's own, `recomputed.…` the platform's) and what it says of the unit, then why the rule exists.

    Labels of other curators follow (`nh review import`), then reviews of spikes that a re-sort moved (`nh review
    carry`).

    What is shown is what is stored; where rules, reviews or upstream's files have changed since, that is said first.

    **Examples**

        nh qc explain ibl aaf4b8ce-6cd4-4198-be2b-cefbbeecd691 probe00/12

        nh qc explain ibl aaf4 probe00/12

        nh qc explain ibl aaf4 probe00/12 --open
    """
    from nh_platform.home.settings import load_settings
    from nh_platform.store import Store

    settings = load_settings()
    if not any(name.startswith(session) for name in Store(settings.store).sessions(source)):
        console.require_known(source, [session])
    from nh_platform.home.platform import Platform
    from nh_platform.planning.changed_units import stale_lines
    from nh_platform.qc.reviews.evidence_words import carried_lines
    from nh_platform.qc.reviews.resorted.proposals import without_carried
    from nh_platform.qc.reviews.review_files import read_reviews, review_path
    from nh_platform.qc.rules.explain import explain_unit, find_unit
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.reading import open_store
    from nh_platform.store.codecs.recording_files import read_carried

    view = open_store(settings.home).session(source, session)
    row = find_unit(view.units, unit, f"{source} session {view.session_id}")
    reviews = read_reviews(review_path(settings.reviews, source, view.session_id))
    carried = read_carried(Store(settings.store).current(source, view.session_id, "units"))
    platform = Platform(settings)
    rulebooks = {book.id: book for book in map(load_rulebook, platform.config(source).rulebooks)}
    beside = view.not_judged(str(row["unit_id"].iloc[0]))
    stale = stale_lines(platform, source, view.session_id)
    counting = without_carried(reviews, carried)
    resorted = carried_lines(str(row["unit_id"].iloc[0]), reviews, carried)
    for line in (*stale, *explain_unit(row, counting, platform.today, rulebooks, beside), *resorted):
        text = line.lstrip()
        has_verdict = text[:4] in ("pass", "FAIL")
        verdict = "[red]FAIL[/] " if text.startswith("FAIL") else "pass "
        label, rest = (verdict, text[4:].lstrip()) if has_verdict else ("", text)
        console.say_beside(label, rest, indent=len(line) - len(text))
    if open_card:
        from nh_platform.operations.web.unit_cards import card_address, open_in_browser

        address = card_address(settings, source, view.session_id, str(row["unit_id"].iloc[0]))
        console.out.print(f"card: {address}", soft_wrap=True, markup=False)
        if not open_in_browser(address):
            console.say("No browser could be opened here; the address above opens the card in one.")
