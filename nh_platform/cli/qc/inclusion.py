"""`nh qc sessions` and `nh qc regions`: which sessions, insertions and regions the published rules include.

Contains the two commands and the block of `nh show`. What is held against the rules is `nh_platform.reading.inclusion`,
the rules themselves are rulebooks; nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SourceArgument
from nh_platform.cli.review.set_aside import WithSetAsideOption, say_set_aside
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.history.manifest import Manifest
    from nh_platform.home.platform import Platform
    from nh_platform.qc.inclusion import Inclusion

SESSION_COLUMNS = ("session_id", "verdict", "set_aside", "probes", "trials_kept", "not_known", "reason")
REGION_COLUMNS = ("region", "sessions", "units", "kept", "why_not")
REGION_RULES = "ibl-bwm-inclusion"


def sessions(
    source: SourceArgument,
    rulebook: Annotated[
        str | None,
        typer.Option(help="Id of a rulebook, or path of a YAML file; the source's own.", show_default=False),
    ] = None,
    format_: FormatOption = Format.table,
) -> None:
    """Say which sessions of a source the published rules include, and why not the others.

    Reads what is stored and asks nobody: a value that the catalogue does not state is *not known*, and the rulebook
    says what that means. Sessions that reviewers set aside are named; the rules judge them as any other. Ends with
    `pass: N of M`.

    **Examples**

        nh qc sessions ibl

        nh qc sessions ibl --rulebook ibl-rigor --format csv > sessions.csv
    """
    console.require_known(source)
    from nh_platform.home.platform import Platform
    from nh_platform.home.set_aside import set_aside_words
    from nh_platform.home.settings import load_settings
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.reading.inclusion import session_inclusion

    platform = Platform(load_settings())
    book = load_rulebook(rulebook or _own_rulebook(platform, source))
    manifest = platform.manifest(source)
    found = [
        session_inclusion(platform.store, manifest, session_id, book)
        for session_id in sorted(manifest.sessions["session_id"])
    ]
    aside = set_aside_words(platform.settings, source, platform.today)
    rows = [
        {
            "session_id": one.session_id,
            "verdict": one.word,
            "set_aside": aside.get(one.session_id, ""),
            "probes": f"{one.n_probes_passed} of {len(one.probes)}",
            "trials_kept": "" if one.n_trials_kept is None else f"{one.n_trials_kept} of {one.n_trials}",
            "not_known": _not_known(one),
            "reason": one.reason,
        }
        for one in found
    ]
    title = f"{source} by {book.id}"
    shown = [name for name in SESSION_COLUMNS if name != "set_aside" or aside or format_ is not Format.table]
    console.print_rows(rows, shown, format_, title=title)
    _warn_of_damage(platform, source)
    _last_line(f"pass: {sum(one.passed for one in found)} of {len(found)}", format_)


def regions(
    source: SourceArgument,
    rulebook: Annotated[str, typer.Option(help="Rulebook with region rules: id or path.")] = REGION_RULES,
    good_by: Annotated[
        str | None, typer.Option(help="Rulebook whose good units count; the source's active one.", show_default=False)
    ] = None,
    all_sessions: Annotated[
        bool, typer.Option("--all-sessions", help="Count units of what the rules leave out, too.")
    ] = False,
    with_set_aside: WithSetAsideOption = False,
    format_: FormatOption = Format.table,
) -> None:
    """Say which regions have enough good units in enough sessions, over the sessions and insertions that are included.

    Those are what `nh qc sessions` with the same rulebook says; of a source that its rules are not about, all are.
    Sessions that reviewers set aside are left out and named. Ends with how many regions, and units in them, are kept.

    **Examples**

        nh qc regions ibl

        nh qc regions ibl --all-sessions

        nh qc regions allen_vc --good-by nh-common --format csv > regions.csv
    """
    console.require_known(source)
    from nh_platform.home.platform import Platform
    from nh_platform.home.set_aside import sessions_in_use
    from nh_platform.home.settings import load_settings
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.reading.inclusion import included_probes, region_selection

    platform = Platform(load_settings())
    platform.entry(source)
    judge = good_by or platform.config(source).rulebook_ids[0]
    book = load_rulebook(rulebook)
    stored = platform.store.sessions(source)
    in_use = sessions_in_use(platform, source, stored, are_named=False, with_set_aside=with_set_aside)
    included = None if all_sessions else included_probes(platform.store, platform.manifest(source), book)
    table = region_selection(platform.store, source, book, judge, included, in_use.left_out)
    shown = table.assign(kept=["yes" if kept else "no" for kept in table["kept"]])
    rows = shown.sort_values(["kept", "units", "region"], ascending=[False, False, True]).to_dict("records")
    if rows or format_ is not Format.table:
        console.print_rows(rows, REGION_COLUMNS, format_, title=f"{source} by {book.id}, good units by {judge}")
    _warn_of_damage(platform, source)
    kept = table[table["kept"]]
    if included is not None:
        n_counted = len(included.keys() - in_use.left_out.keys())
        text = f"units of {n_counted} included sessions count, of {len(stored)} stored: `nh qc sessions {source}`"
        console.say(text, to=console.err)
    say_set_aside(in_use.left_out, in_use.noted)
    _last_line(
        f"kept: {len(kept)} of {len(table)} regions, {int(kept['units'].sum())} of {int(table['good_units'].sum())} "
        "good units",
        format_,
    )


def _warn_of_damage(platform: Platform, source: str) -> None:
    """Print which sessions are damaged, or cannot be read now: what that is of them counts as not made."""
    for session_id in platform.store.sessions(source):
        for asset in platform.store.damaged(source, session_id):
            text = f"{asset} of {source} {session_id} is damaged and left out: nh verify {source} {session_id} --repair"
            console.say(f"[yellow]warning[/] {text}", hanging=8, to=console.err)
        for text in platform.store.out_of_reach(source, session_id):
            console.say(f"[yellow]warning[/] left out: {escape(text)}", hanging=8, to=console.err)


def show_inclusion(platform: Platform, manifest: Manifest, session: str) -> None:
    """Print what the source's rules about sessions say of one session; nothing where it has none."""
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.reading.inclusion import session_inclusion

    name = platform.entry(manifest.source).inclusion
    if name is None:
        return
    found = session_inclusion(platform.store, manifest, session, load_rulebook(name))
    title = f"inclusion by {name}: {found.word}"
    if found.n_trials_kept is not None:
        title += f"; trial mask keeps {found.n_trials_kept} of {found.n_trials} trials"
    console.say(title)
    for about, verdict in (("session", found.verdict), *found.probes.items()):
        word = ("pass" if verdict.passed else "fail") if verdict.counted else "not known"
        unknown = f"not known: {_short(verdict.not_known)}" if verdict.not_known else ""
        console.say_beside(about, "; ".join(filter(None, (word, verdict.reason, unknown))), indent=2)


def _own_rulebook(platform: Platform, source: str) -> str:
    from nh_platform.session import ConfigError

    name = platform.entry(source).inclusion
    if name is None:
        raise ConfigError(
            f"source {source}",
            "it has no rulebook about sessions",
            "Give one of your own with --rulebook; its `sources` must name the source.",
        )
    return name


def _not_known(found: Inclusion) -> str:
    text = _short(found.not_known)
    return f"{text} ({' and '.join(found.not_made)} not made yet)" if found.not_made else text


def _short(rules: tuple[str, ...]) -> str:
    """Return names of rules, those about the task's events as one."""
    task = [rule for rule in rules if rule.startswith("task_")]
    others = [rule for rule in rules if rule not in task]
    return ", ".join([*others, *([f"task QC ({counted(len(task), 'rule')})"] if task else [])])


def _last_line(text: str, form: Format) -> None:
    """Print the line that ends a table; beside csv and json, not among them."""
    typer.echo(text, err=form is not Format.table)
