"""`nh sessions`: sessions found by what upstream states of them and what was made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.cli.search.options import LabOption, LimitOption, RegionOption, SourceFilter, SubjectOption
from nh_platform.session.display import counted

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
    min_age: Annotated[float | None, typer.Option(metavar="DAYS", min=0, help="Least age.", show_default=False)] = None,
    max_age: Annotated[
        float | None, typer.Option(metavar="DAYS", min=0, help="Largest age.", show_default=False)
    ] = None,
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
