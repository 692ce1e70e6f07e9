"""`nh show`: one session, from what upstream holds to what its checks found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.cli.qc.inclusion import show_inclusion

if TYPE_CHECKING:
    from nh_platform.defs.session_history import Finding
    from nh_platform.history.manifest import SessionFiles
    from nh_platform.home.platform import Platform
    from nh_platform.planning.versions import SourcePlan


def show(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc, allen_vbn or one of sources.yaml.")],
    session: Annotated[str, typer.Argument(help="Session id, or the first characters of one.")],
) -> None:
    """Show what upstream holds of one session, what was made of it, whether it is current, and what its checks found.

    An asset is current, stale, missing, incomplete, gated (its spikes cannot be used), or failed: its last run failed,
    for the reason below the table.

    **Examples**

        nh show ibl aaf4b8ce-6cd4-4198-be2b-cefbbeecd691

        nh show ibl aaf4
    """
    console.require_known(source, [session])
    from nh_platform.assets.across_sessions.reconciliation import ASSET as RECONCILIATION
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.planning.versions import SourcePlan
    from nh_platform.reading.searching.session_search import read_summary
    from nh_platform.store.names import SOURCE_WIDE

    platform = Platform(load_settings())
    manifest = platform.manifest(source)
    files = manifest.session(manifest.session_named(session))
    facts, plan = files.session, SourcePlan(platform, source)
    _show_upstream(files, platform)
    for left_out in plan.problems:
        console.warn(left_out)
    _show_assets(plan, files)
    _show_units(platform, source, facts.session_id)
    show_inclusion(platform, manifest, facts.session_id)
    counts = read_summary(platform.store, source, SOURCE_WIDE, RECONCILIATION.name)
    text = counts.get("text") or f"not compared yet (asset {source}/{RECONCILIATION.name})"
    console.say_beside("", f"published counts of {source}: {text}")


def _show_upstream(files: SessionFiles, platform: Platform) -> None:
    """Print what upstream holds of a session."""
    facts = files.session
    words = (facts.subject, facts.lab, facts.date, facts.task_protocol)
    console.say_beside(f"[bold]{facts.source} {facts.session_id}[/] ", "  ".join(filter(None, words)))
    if files.qc:
        console.say(f"upstream QC: {files.qc}")
    _show_set_aside(files, platform)
    for tag, number in files.memberships().items():
        console.say(f"release {escape(tag)}: {number} of its {len(files.files)} files")
    console.print_table(_probes(files, platform), "Probe insertions")
    console.print_table(_file_groups(files), "Upstream files")


def _show_set_aside(files: SessionFiles, platform: Platform) -> None:
    """Print what reviewers decided on the session as a whole; nothing where nobody did."""
    from nh_platform.home.set_aside import session_reviews

    outcome = session_reviews(platform.settings, files.session.source, platform.today).get(files.session.session_id)
    if outcome is not None:
        label = "[yellow]set aside[/]" if outcome.is_set_aside else "review of the session:"
        console.say_beside(label, outcome.words.removeprefix("set aside ") if outcome.is_set_aside else outcome.words)


def _file_groups(files: SessionFiles) -> list[dict[str, object]]:
    """Return the files by the groups that read them: groups that read the same ones are one row, as of an NWB file."""
    from nh_platform.history.identity import GROUPS

    alike: dict[str, list[str]] = {}
    for group in GROUPS:
        alike.setdefault(files.version(group), []).append(group)
    rows: list[dict[str, object]] = []
    above: set[tuple[str, ...]] = set()
    for version, groups in alike.items():
        read = files.of_group(groups[0])
        names = set(zip(read["collection"], read["revision"], read["name"]))
        n_above = len(names & above)
        rows.append(
            {
                "group": ", ".join(groups),
                "files": f"{len(read)} ({n_above} above)" if n_above else len(read),
                "revisions": ", ".join(sorted(set(read["revision"]) - {""})) or "none",
                "content version": version[:12],
            }
        )
        above |= names
    return rows


def _probes(files: SessionFiles, platform: Platform) -> list[dict[str, object]]:
    """Return the insertions of a session, with what is known of their sorting where its files say."""
    from nh_platform.sources.ibl.catalogue.sortings import sortings
    from nh_platform.sources.source import LogsSorting

    table = files.insertions[["probe", "insertion_id"]].sort_values("probe")
    known = sortings(files.files).drop(columns="session_id")
    if len(known):
        if known["sorter_log"].notna().any():
            source = platform.source(files.source)
            versions = source.sorter_versions(files) if isinstance(source, LogsSorting) else {}
            known.insert(2, "version", known["probe"].map(versions))
        table = table.merge(known.dropna(axis="columns", how="all"), on="probe", how="left")
    return console.records(table.astype(object).where(table.notna(), ""))


def _show_assets(plan: SourcePlan, files: SessionFiles) -> None:
    """Print what is made of a session, its checks, why the last run failed, every note, and which way files came."""
    from nh_platform.planning.staleness import standing_of
    from nh_platform.planning.versions import NOT_HAD
    from nh_platform.store.objects.address import shown

    store, source, session = plan.platform.store, plan.source, files.session.session_id
    standing = standing_of(plan, files)
    history = _history(plan, session, standing.stale)
    assets, notes, came = [], [], dict[str, list[str]]()
    for asset in plan.assets:
        folder = store.usable(source, session, asset)
        record = None if folder is None else store.provenance(source, session, asset)
        lacks = "missing" if record is None else "incomplete" if NOT_HAD in record.parameters else "stale"
        lacks = "damaged" if asset in standing.damaged else "failed" if asset in history.failed else lacks
        state = "gated" if asset in standing.stopped else lacks if asset in standing.stale else "current"
        left_out = [] if record is None else record.left_out
        assets.append(
            {
                "asset": asset,
                "state": state,
                "version": "" if folder is None else folder.name,
                "notes": len(left_out),
            }
        )
        notes += [f"{asset}: {line}" for line in left_out]
        for line in [] if record is None else record.origins:
            came.setdefault(line, []).append(asset)
    console.print_table(assets, "Assets")
    console.say(escape(f"stored in {shown(store.root / source / session)}, as ASSET/VERSION"))
    for asset, files_of in standing.damaged.items():
        for text in files_of:
            console.say_beside("[bold red]damaged[/]", f"{asset}, {text}")
    if standing.damaged:
        console.say(f"Make it again: nh verify {source} {session} --repair")
    for reason in history.reasons:
        console.say_beside("[bold red]failed[/]", reason)
    for problem in standing.gate:
        console.say_beside("[bold yellow]gated[/]", problem)
    if history.findings:
        words = Counter(one.word for one in history.findings)
        console.say("checks: " + ", ".join(f"{number} {word}" for word, number in sorted(words.items())))
    waiting = [one for one in history.findings if not one.is_judged]
    if waiting:
        names = ", ".join(one.check for one in waiting)
        console.say_beside(f"[yellow]{waiting[0].word}[/]", f"{waiting[0].asset}, {waiting[0].text}: {names}")
    for one in history.findings:
        if one.word != "ok" and one.is_judged:
            console.say_beside(f"[yellow]{one.word}[/]", f"{one.asset}, {one.check}: {one.text}")
    for note in notes:
        console.say_beside("note,", note)
    for line, read_by in came.items():
        console.say_beside("origin,", f"{', '.join(read_by)}: {line}")


class _History(NamedTuple):
    """What Dagster remembers of a session."""

    findings: Sequence[Finding] = ()
    failed: Sequence[str] = ()
    reasons: Sequence[str] = ()


def _history(plan: SourcePlan, session: str, stale: Sequence[str]) -> _History:
    """Return what Dagster remembers of a session; nothing where nothing was run here yet."""
    from nh_platform.operations.home_status import has_history
    from nh_platform.operations.instance import open_instance

    settings = plan.platform.settings
    if not has_history(settings):
        return _History()
    from nh_platform.defs.session_history import failed_assets, session_findings

    with open_instance(settings) as instance:
        findings = session_findings(instance, plan.platform, plan.source, session)
        return _History(findings, *failed_assets(instance, plan.source, session, stale))


def _show_units(platform: Platform, source: str, session: str) -> None:
    """Print the good units by each rulebook, and the units of each region."""
    from nh_platform.reading.searching.session_search import read_summary

    units = read_summary(platform.store, source, session, "units")
    if not units:
        return
    rows = [
        {"rulebook": name, "good units": count, "of": units["n_units"], "share": count / max(units["n_units"], 1)}
        for name, count in units["n_pass"].items()
    ]
    console.print_table(rows, "Units")
    regions = sorted(units["regions"].items(), key=lambda item: -int(item[1]))
    listed = ", ".join(f"{name} {count}" for name, count in regions)
    console.say_beside("units by region (Beryl):", listed)
