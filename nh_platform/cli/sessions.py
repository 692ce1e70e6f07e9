"""`nh sessions` and `nh show`: finding sessions, and looking at one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.qc.inclusion import show_inclusion
from nh_platform.cli.search.options import LabOption, LimitOption, RegionOption, SourceFilter, SubjectOption
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.defs.session_history import Finding
    from nh_platform.history.manifest import SessionFiles
    from nh_platform.home.platform import Platform
    from nh_platform.planning.versions import SourcePlan

TABLE_COLUMNS = (
    "source",
    "session_id",
    "subject",
    "date",
    "units",
    "good_units",
    "performance",
    "trials",
    "notes",
    "regions",
)
"""What fits a terminal of 120 columns; csv and json have every column."""

_REGIONS_SHOWN = 4


def sessions(
    source: SourceFilter = None,
    subject: SubjectOption = "",
    lab: LabOption = "",
    date_from: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Earliest day.")] = "",
    date_to: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Latest day.")] = "",
    region: RegionOption = "",
    project: Annotated[str, typer.Option(help="Part of a project's name.")] = "",
    task_protocol: Annotated[str, typer.Option(help="Part of the task protocol.")] = "",
    session_type: Annotated[str, typer.Option(help="The same, by Allen's word for it.")] = "",
    genotype: Annotated[str, typer.Option(help="Part of the animal's genotype.")] = "",
    sex: Annotated[str, typer.Option(help="F or M.")] = "",
    min_age: Annotated[float | None, typer.Option(help="Least age in days.", show_default=False)] = None,
    max_age: Annotated[float | None, typer.Option(help="Largest age in days.", show_default=False)] = None,
    image_set: Annotated[str, typer.Option(help="Image set that was shown, for example G.")] = "",
    experience: Annotated[str, typer.Option(help="Familiar or Novel.")] = "",
    min_prior_exposures: Annotated[
        float | None, typer.Option(help="Least number of earlier sessions with the image set.", show_default=False)
    ] = None,
    max_prior_exposures: Annotated[
        float | None, typer.Option(help="Largest number of them; 0 for the first.", show_default=False)
    ] = None,
    qc: Annotated[
        str, typer.Option(help="pass, warning, fail or critical as upstream states it; Visual Behavior: not abnormal.")
    ] = "",
    dataset: Annotated[
        list[str] | None, typer.Option(help="Upstream file that must be there; may be repeated.", show_default=False)
    ] = None,
    min_units: Annotated[int, typer.Option(help="Least number of units, before any filter.")] = 0,
    min_probes: Annotated[int, typer.Option(help="Least number of probe insertions.")] = 0,
    min_performance: Annotated[float, typer.Option(help="Least share of correct easy trials, 0 to 1.")] = 0.0,
    sort: Annotated[
        str, typer.Option(help="units, good_units, performance, trials, notes, date, subject or lab.")
    ] = "",
    spread: Annotated[str, typer.Option(help="region, lab or subject: a diverse set first.")] = "",
    limit: LimitOption = 0,
    format_: FormatOption = Format.table,
    ids: Annotated[bool, typer.Option("--ids", help="Print session ids alone, for `nh materialize`.")] = False,
) -> None:
    """Find sessions among those that `nh sync` registered.

    Units, good units, regions and performance are known once a session is materialized, and earlier where upstream
    states them; genotype, sex, age, image set, experience and QC come from the tables of the release.
    A session that reviewers set aside says so, or who proposes to (`nh review`).

    **Examples**

        nh sessions --source ibl --region CA1 --min-units 200

        nh sessions --source allen_vbn --genotype Sst --experience Novel --qc pass

        nh sessions --source allen_vc --session-type brain_observatory_1.1 --min-units 300

        nh sessions --sort units --limit 10 --spread region

        nh sessions --source ibl --dataset spikes.times.npy --format csv > sessions.csv
    """
    if source:
        console.require_known(source)
    from nh_platform.home.platform import Platform
    from nh_platform.home.set_aside import set_aside_words
    from nh_platform.home.settings import load_settings
    from nh_platform.reading.searching.released import region_names
    from nh_platform.reading.searching.session_facts import FactQuery
    from nh_platform.reading.searching.session_search import COLUMNS, SessionQuery, find_sessions
    from nh_platform.session import ConfigError, UnknownSession
    from nh_platform.sources.anatomy.region_names import find_region

    if task_protocol and session_type:
        raise ConfigError("--task-protocol and --session-type", "they mean the same", "State one of them.")
    platform = Platform(load_settings())
    query = SessionQuery(
        subject=subject,
        lab=lab,
        project=project,
        task_protocol=task_protocol or session_type,
        date_from=date_from,
        date_to=date_to,
        region=region,
        datasets=dataset or [],
        min_units=min_units,
        min_performance=min_performance,
        min_probes=min_probes,
        facts=FactQuery(
            genotype=genotype,
            sex=sex,
            image_set=image_set,
            experience_level=experience,
            qc=qc,
            min_age_days=min_age,
            max_age_days=max_age,
            min_prior_exposures=min_prior_exposures,
            max_prior_exposures=max_prior_exposures,
        ),
    )
    manifests, unsynced = [], []
    for name in [platform.entry(source).name] if source else platform.entries:
        try:
            manifests.append(platform.manifest(name))
        except UnknownSession:
            if source:
                raise
            unsynced.append(name)
    aside = {one.source: set_aside_words(platform.settings, one.source, platform.today) for one in manifests}
    found = find_sessions(manifests, platform.store, query, sort=sort, spread=spread, limit=limit, set_aside=aside)
    if region:
        places = (find_region(region, region_names(manifest.source)) for manifest in manifests)
        for note in dict.fromkeys(place.note for place in places if place.note):
            console.err.print(note, markup=False, soft_wrap=True)
    rows = found.astype(object).to_dict("records")
    rows = [{key: None if value is None or value != value else value for key, value in row.items()} for row in rows]
    if ids:
        typer.echo("\n".join(str(row["session_id"]) for row in rows))
        return
    columns: Sequence[str] = COLUMNS
    if format_ is Format.table:
        by = sort or "session_id"  # beside the id: a narrow terminal shows the first columns alone
        asides = ("set_aside",) if any(row["set_aside"] for row in rows) else ()
        columns = list(dict.fromkeys((*TABLE_COLUMNS[:2], by, *asides, *query.facts.asked, *TABLE_COLUMNS)))
        for row in rows:
            row["regions"] = console.first_of_list(str(row["regions"] or ""), _REGIONS_SHOWN)
    if rows or format_ is not Format.table:
        console.print_rows(rows, columns, format_, title=counted(len(rows), "session"))
    elif manifests:
        listed = sum(len(manifest.sessions) for manifest in manifests)
        console.say(f"none of the {listed} registered sessions is like that")
    for name in unsynced:
        console.say(f"{name} was never synced: `nh sync {name}`", to=console.err)


def show(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc, allen_vbn or one of sources.yaml.")],
    session: Annotated[str, typer.Argument(help="Session id, or the first characters of one.")],
) -> None:
    """Show what upstream holds of one session, what was made of it, whether it is current, and what its checks found.

    An asset is current, stale, missing, incomplete, gated (its spikes cannot be used), or failed: its last run failed,
    for the reason below the table.

    **Examples**

        nh show ibl 4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b

        nh show ibl 4b7f
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
    """Print what is made of a session, what its checks found, why the last run failed, and every note."""
    from nh_platform.planning.staleness import standing_of
    from nh_platform.planning.versions import NOT_HAD

    store, source, session = plan.platform.store, plan.source, files.session.session_id
    standing = standing_of(plan, files)
    history = _history(plan, session, standing.stale)
    assets, notes = [], []
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
    console.print_table(assets, "Assets")
    console.say(escape(f"stored in {store.root / source / session}, as ASSET/VERSION"))
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
