"""`nh splits`: who trains, validates and tests, by subject; and whether a list that grew moved anyone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from nh_platform.windows.splits.reserved_lists import ReservedList

DEFAULT_RESERVED = "brain-wide-bench"
_COLUMNS = (
    "split",
    "subjects",
    "share of subjects",
    "sessions",
    "share of sessions",
    "insertions",
    "labs",
    "units",
    "regions",
)


def splits(
    sessions: Annotated[
        Path | None,
        typer.Option(
            "--sessions", metavar="FILE", help="CSV with eid (or session_id) and subject. Default: the store's."
        ),
    ] = None,
    source: Annotated[str, typer.Option(help="Source that the sessions are of.")] = "ibl",
    seed: Annotated[int | None, typer.Option(help="Another seed is another split.", show_default=False)] = None,
    previous: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier list: says how many of its sessions moved.")
    ] = None,
    previous_seed: Annotated[
        int | None, typer.Option(help="Seed of the earlier list. Default: the default seed.", show_default=False)
    ] = None,
    reserved: Annotated[
        list[str] | None,
        typer.Option(metavar="LIST", help=f"List that never trains; may be repeated. Default: {DEFAULT_RESERVED}."),
    ] = None,
    no_reserved: Annotated[
        bool, typer.Option("--no-reserved", help="Let every subject train; scores on BrainWideBench then mean nothing.")
    ] = False,
    hold_out_lab: Annotated[
        list[str] | None, typer.Option(metavar="LAB", help="Lab that is kept out as a whole; may be repeated.")
    ] = None,
    hold_out_region: Annotated[
        str, typer.Option(metavar="REGION", help="Sessions with a probe there are kept out: CA1, V1, TH, …")
    ] = "",
    subset: Annotated[
        int, typer.Option(min=0, help="Only this many of the training sessions, each size in the next; 0 for all.")
    ] = 0,
    by: Annotated[str, typer.Option(help="Show how this is divided: lab or subject.")] = "",
    format_: FormatOption = Format.table,
) -> None:
    """Divide sessions by subject into 80 % training, 10 % validation and 10 % test.

    The split of a subject depends on its name and the seed alone, so that sessions that are added move none. As csv or
    json every session is printed with its split.

    **Examples**

        nh splits --source ibl

        nh splits --sessions 2023_12_bwm_release.csv --previous 2022_10_bwm_release.csv

        nh splits --sessions mine.csv --reserved brain-wide-bench --reserved reproducible-ephys --format csv > split.csv
    """
    from nh_platform.session import ConfigError
    from nh_platform.windows.splits import nested_subset
    from nh_platform.windows.splits.by_subject import SEED, TRAIN, split_by_subject
    from nh_platform.windows.splits.report import split_report, spread_report
    from nh_platform.windows.splits.reserved_lists import load_reserved

    if no_reserved and reserved:
        raise ConfigError("--reserved and --no-reserved", "they exclude each other", "State one of them.")
    lists = [load_reserved(name) for name in ([] if no_reserved else reserved or [DEFAULT_RESERVED])]
    labs = hold_out_lab or []
    console.require_known(source)
    rows, away = _listed(sessions, source), _in_region(source, hold_out_region)
    if hold_out_region and not set(away).intersection(rows["session_id"]):
        found_none = "of none of these sessions is it known here that a probe lies there"
        raise ConfigError(f"region {hold_out_region}", found_none, f"Run `nh probes --source {source}` to see regions.")
    found = split_by_subject(
        rows,
        seed=SEED if seed is None else seed,
        reserved=lists,
        hold_out_labs=labs,
        hold_out_sessions=away,
    )
    if subset:
        training = found.loc[found["split"] == TRAIN, "session_id"].tolist()
        kept = nested_subset(training, subset, SEED if seed is None else seed)
        found = found[(found["split"] != TRAIN) | found["session_id"].isin(kept)]
    if format_ is not Format.table:
        columns = ["session_id", "subject", "lab", "split", "why"]
        one_each = found.drop_duplicates("session_id")[[name for name in columns if name in found]]
        console.print_rows(one_each.to_dict("records"), list(one_each.columns), format_)
    else:
        if by and by not in ("lab", "subject"):
            raise ConfigError(f"--by {by}", "it is neither lab nor subject", "State one of them.")
        table = split_report(found, _stored_units(source) if sessions is None else None)
        shares = {"subjects_share": "share of subjects", "sessions_share": "share of sessions"}
        table = table.rename(columns=shares).assign(
            **{name: [f"{100 * share:.1f} %" for share in table[old]] for old, name in shares.items()}
        )
        shown = [name for name in _COLUMNS if name in table]
        console.print_rows(table[shown].to_dict("records"), shown, format_, title=_title(found, lists))
        if by:
            spread = spread_report(found, by)
            console.print_rows(spread.to_dict("records"), list(spread.columns), format_)
    if previous is not None:
        start = SEED if previous_seed is None else previous_seed
        before = split_by_subject(
            _listed(previous, source),
            seed=start,
            reserved=lists,
            hold_out_labs=labs,
            hold_out_sessions=away,
            allow_empty=True,
        )
        earlier = before.drop_duplicates("session_id").set_index("session_id")["split"]
        now = found.drop_duplicates("session_id").set_index("session_id")["split"]
        both = earlier.index.intersection(now.index)
        moved = int((earlier[both] != now[both]).sum())
        console.say(f"moved sessions: {moved}", to=console.out if format_ is Format.table else console.err)


def _listed(path: Path | None, source: str) -> pd.DataFrame:
    """Return the sessions of a list, or of the source's catalogue, with their subject, lab and insertions."""
    if path is not None:
        from nh_platform.history.freezes import read_freeze

        return read_freeze(path).rows.assign(source=source)
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings

    manifest = Platform(load_settings(home_folder())).manifest(source)
    listed = manifest.sessions[["session_id", "subject", "lab"]]
    return listed.merge(manifest.insertions[["session_id", "insertion_id"]], how="left").assign(source=source)


def _stored_units(source: str) -> pd.DataFrame | None:
    """Return session and region of every stored unit of a source; None where none is stored."""
    from nh_platform.home.settings import load_settings
    from nh_platform.reading.all_units import read_stored_units
    from nh_platform.store import Store

    store = Store(load_settings(home_folder()).store)
    units = read_stored_units(store, source, store.sessions(source), ["session_id", "beryl"])
    return units.rename(columns={"beryl": "region"}) if len(units) else None


def _in_region(source: str, region: str) -> dict[str, str]:
    """Return the sessions with a probe in a region, each with why it is kept out; none where no region is given."""
    if not region:
        return {}
    from nh_platform import operations

    found = operations.probes(home_folder(), source, region=region)
    return dict.fromkeys(found.rows["session_id"], f"region {region}")


def _title(rows: pd.DataFrame, lists: Sequence[ReservedList]) -> str:
    n_sessions, n_subjects = rows["session_id"].nunique(), rows["subject"].nunique()
    kept = f"; never training: {', '.join(one.id for one in lists)}" if lists else ""
    return f"{counted(n_sessions, 'session')} of {counted(n_subjects, 'subject')}{kept}"
