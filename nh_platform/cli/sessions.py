"""`nh sessions` and `nh show`: finding sessions, and looking at one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.qc.inclusion import show_inclusion

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
    source: Annotated[str | None, typer.Option(help="Only this source.", show_default=False)] = None,
    subject: Annotated[str, typer.Option(help="Part of the subject's name.")] = "",
    lab: Annotated[str, typer.Option(help="Part of the lab's name.")] = "",
    date_from: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Earliest day.")] = "",
    date_to: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="Latest day.")] = "",
    region: Annotated[str, typer.Option(help="Region acronym (Beryl) that the session must have.")] = "",
    project: Annotated[str, typer.Option(help="Part of a project's name.")] = "",
    task_protocol: Annotated[str, typer.Option(help="Part of the task protocol or session type.")] = "",
    dataset: Annotated[
        list[str] | None, typer.Option(help="Upstream file that must be there; may be repeated.", show_default=False)
    ] = None,
    min_units: Annotated[int, typer.Option(help="Least number of units, before any filter.")] = 0,
    min_performance: Annotated[float, typer.Option(help="Least share of correct easy trials, 0 to 1.")] = 0.0,
    sort: Annotated[
        str, typer.Option(help="units, good_units, performance, trials, notes, date, subject or lab.")
    ] = "",
    spread: Annotated[str, typer.Option(help="region, lab or subject: a diverse set first.")] = "",
    limit: Annotated[int, typer.Option(help="At most this many; 0 for all.")] = 0,
    format_: FormatOption = Format.table,
    ids: Annotated[bool, typer.Option("--ids", help="Print session ids alone, for `nh materialize`.")] = False,
) -> None:
    """Find sessions among those that `nh sync` registered.

    Units, good units, regions and performance are known once a session is materialized, and earlier where upstream
    states them.

    **Examples**

        nh sessions --source ibl --region CA1 --min-units 200

        nh sessions --sort units --limit 10 --spread region

        nh sessions --source ibl --dataset spikes.times.npy --format csv > sessions.csv
    """
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.reading.search import COLUMNS, SessionQuery, find_sessions
    from nh_platform.session import UnknownSession
    from nh_platform.sources.registry import source_entry, source_names

    platform = Platform(load_settings())
    query = SessionQuery(
        subject=subject,
        lab=lab,
        project=project,
        task_protocol=task_protocol,
        date_from=date_from,
        date_to=date_to,
        region=region,
        datasets=dataset or [],
        min_units=min_units,
        min_performance=min_performance,
    )
    manifests, unsynced = [], []
    for name in [source_entry(source).name] if source else source_names():
        try:
            manifests.append(platform.manifest(name))
        except UnknownSession:
            if source:
                raise
            unsynced.append(name)
    found = find_sessions(manifests, platform.store, query, sort=sort, spread=spread, limit=limit)
    rows = found.astype(object).to_dict("records")
    rows = [{key: None if value is None or value != value else value for key, value in row.items()} for row in rows]
    if ids:
        typer.echo("\n".join(str(row["session_id"]) for row in rows))
        return
    columns: Sequence[str] = COLUMNS
    if format_ is Format.table:
        by = sort or "session_id"  # beside the id: a narrow terminal shows the first columns alone
        columns = list(dict.fromkeys((*TABLE_COLUMNS[:2], by, *TABLE_COLUMNS)))
        for row in rows:
            row["regions"] = _first_regions(str(row["regions"] or ""))
    if rows or format_ is not Format.table:
        console.print_rows(rows, columns, format_, title=f"{len(rows)} sessions")
    elif manifests:
        listed = sum(len(manifest.sessions) for manifest in manifests)
        console.say(f"none of the {listed} registered sessions is like that")
    for name in unsynced:
        console.err.print(f"{name} was never synced: nh sync {name}")


def show(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc or allen_vbn.")],
    session: Annotated[str, typer.Argument(help="Session id, or the first characters of one.")],
) -> None:
    """Show what upstream holds of one session, what was made of it, and whether it is current.

    **Examples**

        nh show ibl 4b7fbad4-f6de-43b4-9b15-c7c7ef44db4b

        nh show ibl 4b7f
    """
    from nh_platform.assets.across_sessions.reconciliation import ASSET as RECONCILIATION
    from nh_platform.history.identity import GROUPS
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.planning.staleness import standing_of
    from nh_platform.planning.versions import NOT_HAD, SourcePlan
    from nh_platform.reading.search import read_summary
    from nh_platform.sources.registry import source_entry
    from nh_platform.store.names import SOURCE_WIDE

    source_entry(source)
    platform = Platform(load_settings())
    manifest = platform.manifest(source)
    session = manifest.session_named(session)
    files = manifest.session(session)
    facts = files.session
    console.say(f"[bold]{source} {session}[/]  {facts.subject}  {facts.lab}  {facts.date}  {facts.task_protocol}")
    if files.qc:
        console.say(f"upstream QC: {files.qc}")
    for tag, number in files.memberships().items():
        console.say(f"release {escape(tag)}: {number} of its {len(files.files)} files")
    probes = files.insertions[["probe", "insertion_id"]].sort_values("probe").to_dict("records")
    console.print_table(probes, "Probe insertions")
    groups = [
        {
            "group": group,
            "files": len(files.of_group(group)),
            "revisions": ", ".join(sorted(set(files.of_group(group)["revision"]) - {""})) or "none",
            "content version": files.version(group)[:12],
        }
        for group in GROUPS
    ]
    console.print_table(groups, "Upstream files")
    plan = SourcePlan(platform, source)
    for left_out in plan.problems:
        console.warn(left_out)
    standing = standing_of(plan, files)
    at_session = platform.store.root / source / session
    assets = []
    for asset in plan.assets:
        record = platform.store.provenance(source, session, asset)
        folder = platform.store.current(source, session, asset)
        lacks = "missing" if record is None else "incomplete" if NOT_HAD in record.parameters else "stale"
        state = "gated" if asset in standing.stopped else lacks if asset in standing.stale else "current"
        assets.append(
            {
                "asset": asset,
                "state": state,
                "data version": "" if record is None else record.data_version[:12],
                "notes": 0 if record is None else len(record.left_out),
                "folder": "" if folder is None else str(folder.relative_to(at_session)),
            }
        )
    console.print_table(assets, f"Assets in {at_session}")
    for problem in standing.gate:
        console.say(f"gated: {escape(problem)}")
    for asset in plan.assets:
        record = platform.store.provenance(source, session, asset)
        for line in [] if record is None else record.left_out:
            console.say(f"note, {asset}: {escape(line)}")
    units = read_summary(platform.store, source, session, "units")
    if units:
        rows = [
            {"rulebook": name, "good units": count, "of": units["n_units"], "share": count / max(units["n_units"], 1)}
            for name, count in units["n_pass"].items()
        ]
        console.print_table(rows, "Units")
        regions = [{"region": name, "units": count} for name, count in units["regions"].items()]
        regions.sort(key=lambda row: -int(row["units"]))
        console.print_table(regions, "Regions (Beryl)")
    show_inclusion(platform, manifest, session)
    counts = read_summary(platform.store, source, SOURCE_WIDE, RECONCILIATION.name)
    text = counts.get("text") or f"not compared yet (asset {source}/{RECONCILIATION.name})"
    console.say(escape(f"published counts of {source}: {text}"))


def _first_regions(regions: str) -> str:
    names = [name for name in regions.split(", ") if name]
    more = len(names) - _REGIONS_SHOWN
    return ", ".join(names[:_REGIONS_SHOWN]) + (f" +{more}" if more > 0 else "")
