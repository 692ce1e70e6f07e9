"""`nh train-set`: training sets, built by a recipe, shown, compared, verified, locked, and made again elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption
from nh_platform.home.folder import home_folder
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.training_sets.training_set import TrainingSet

_SHOWN = 10
Name = Annotated[str, typer.Argument(metavar="SET", help="Id of a set, for its last version, or ID@NUMBER.")]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help=(
        "Training sets: a versioned selection of sessions, units and windows, divided and audited, over stored files. "
        "A recipe is a YAML file in the home's folder training_sets (docs/training-sets.md)."
    ),
)


@app.command("build")
def build(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Id of a recipe of the home, or path of one.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what the set would hold, and store nothing.")] = False,
) -> None:
    """Choose, divide, audit and store a training set; with a leak nothing is stored.

    **Examples**

        nh train-set build bwm-causal --dry-run

        nh train-set build my-set.yaml
    """
    with console.progress() as tell:
        made = operations.build_training_set(home_folder(), recipe, dry_run=dry_run, on_progress=tell)
    _say_set(made.content, made.content.id if made.number is None else f"{made.content.id}@{made.number}")
    for leak in made.leaks[:_SHOWN]:
        console.say(f"[red]leak[/] {escape(str(leak))}", to=console.err)
    if made.leaks:
        console.say(f"{counted(len(made.leaks), 'leak')}; nothing was stored.", to=console.err)
        raise typer.Exit(1)
    if dry_run:
        console.say("No leak. Nothing was stored; without --dry-run it would be.")
    elif made.is_new:
        console.say(f"Stored as {made.content.id}@{made.number}. No leak.")
    else:
        console.say(f"{made.content.id}@{made.number} is as it was; nothing changed.")


@app.command("list")
def list_(format_: FormatOption = Format.table) -> None:
    """List the training sets of the home, and the recipes that were not built.

    **Examples**

        nh train-set list
    """
    from nh_platform.training_sets.recipe import recipe_ids

    rows: list[dict[str, object]] = []
    for one in operations.stored_sets(home_folder()):
        if one.content is None:
            rows.append({"set": one.name, "split by": "damaged"})
            console.say(escape(one.damage), to=console.err)
            continue
        splits = one.content.tables["set_sessions"]["split"].value_counts()
        rows.append(
            {
                "set": f"{one.name}@{one.number}",
                "split by": one.content.recipe.split.by,
                "sessions": ", ".join(f"{split} {n}" for split, n in splits.items()),
                "units used": len(one.content.tables["set_units"]),
                "windows": int(one.content.tables["set_windows"]["n_windows"].sum()),
                "locked": "yes" if one.is_locked else "no",
            }
        )
    built = {str(row["set"]).partition("@")[0] for row in rows}
    rows += [{"set": one, "split by": "not built"} for one in recipe_ids(home_folder()) if one not in built]
    if not rows and format_ is Format.table:
        console.say("There are no training sets. Write a recipe (docs/training-sets.md): nh train-set build RECIPE")
        return
    console.print_rows(rows, ["set", "split by", "sessions", "units used", "windows", "locked"], format_)


@app.command("show")
def show(
    name: Name,
    format_: FormatOption = Format.table,
) -> None:
    """Show what a set holds: splits, vectors of units, sources with terms and citations. As csv or json every session.

    **Examples**

        nh train-set show demo

        nh train-set show demo@1 --format csv > sessions.csv
    """
    number, made = operations.training_set_named(home_folder(), name)
    if format_ is not Format.table:
        table = made.tables["set_sessions"]
        console.print_rows(table.to_dict("records"), list(table.columns), format_)
        return
    _say_set(made, f"{made.id}@{number}")
    _say_vectors(made)
    for source, about in made.header["sources"].items():
        console.say(f"\n[bold]{source}[/] {escape(about['title'])}, release {escape(about['release'])}")
        units = made.recipe.sources[source].units
        console.say(f"  units: {'good by ' + about['rulebook'] if units == 'good' else units}")
        for one in made.images[made.images["source"] == source].itertuples():
            said = f"{one.embedding} of {one.image_set}, {one.n_images} images, {one.n_features} numbers each"
            console.say(f"  images: {escape(said)}, key {one.key[:12]}")
        console.say(f"  terms: {escape(about['terms'] or 'not known')}")
        for one in about["cites"]:
            console.say(f"  cite:  {escape(one)}")
    console.say(f"\ncontent {made.digest}")


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="ID, ID@NUMBER, or HOME:ID of another home folder.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The other set, alike.")],
    format_: FormatOption = Format.table,
) -> None:
    """Say what differs between two sets: settings, sessions, stretches, units, windows, statistics, versions.

    **Examples**

        nh train-set diff demo@1 demo@2

        nh train-set diff demo /data/other-home:demo --format csv
    """
    found = operations.compare_training_sets(home_folder(), before, after)
    if found.empty and format_ is Format.table:
        console.say("They are the same.")
        return
    console.print_rows(found.to_dict("records"), list(found.columns), format_)
    if format_ is Format.table:
        counts = ", ".join(f"{kind} {n}" for kind, n in found["kind"].value_counts().items())
        console.say(f"{len(found)} differences: {counts}")


@app.command("verify")
def verify(name: Name) -> None:
    """Hold a set against the store: every version that it names is there with its bytes, and nothing leaks.

    **Examples**

        nh train-set verify demo
    """
    with console.progress() as tell:
        found = operations.verify_training_set(home_folder(), name, on_progress=tell)
    for text in found.problems[:_SHOWN]:
        console.say(escape(text), to=console.err)
    kept = "a lock keeps them" if found.is_locked else "no lock keeps them (nh train-set lock)"
    words = f"{len(found.problems)} problems" if found.problems else "all there and intact, no leak"
    console.say(f"{found.name}: {found.n_versions} versions, {words}; {kept}.")
    if found.problems:
        raise typer.Exit(1)


@app.command("lock")
def lock(
    name: Name,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write what makes the same set elsewhere.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="What the versions are kept for.")] = "",
) -> None:
    """Keep every version that a set names, whatever is published later; with --out, write a file to reproduce it.

    **Examples**

        nh train-set lock demo --out demo.lock.json --reason "model of figure 2"
    """
    lock_, content = operations.lock_training_set(home_folder(), name, out, reason=reason)
    console.say(f"{lock_}: {len(content.versions)} versions are kept (nh lock show {lock_}).")
    if out is not None:
        console.say(f"Wrote {escape(str(out))}. Elsewhere: nh train-set reproduce {escape(out.name)}")


@app.command("reproduce")
def reproduce(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File that `nh train-set lock --out` wrote.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which sessions would be made, and make none.")
    ] = False,
) -> None:
    """Make a locked set again in this home, from its upstream, and say whether it is the same.

    **Examples**

        nh train-set reproduce demo.lock.json --dry-run

        nh --home /data/other train-set reproduce demo.lock.json
    """
    with console.progress() as tell:
        made = operations.reproduce_training_set(home_folder(), file, dry_run=dry_run, on_progress=tell)
    n = sum(len(one.sessions) for one in made.lock.sources.values())
    if dry_run:
        images = f" and {counted(len(made.images_to_make), 'embedding')} of images" if made.images_to_make else ""
        console.say(f"{len(made.to_make)} of {n} sessions{images} would be made, then {made.lock.id} would be built.")
        return
    failed = [one for one in made.outcomes if not one.success]
    for one in failed[:_SHOWN]:
        console.say(escape(f"{one.plan.source} {one.plan.session_id}: {'; '.join(one.errors)}"), to=console.err)
    if failed:
        console.say(f"{len(failed)} of {n} sessions could not be made; the set was not built.", to=console.err)
        raise typer.Exit(1)
    if made.is_same:
        console.say(f"The same set, stored as {made.lock.id}: {made.digest}")
        return
    for text in made.differing[:_SHOWN]:
        console.say(escape(text), to=console.err)
    console.say(f"Another set: {made.digest}, and the lock has {made.lock.digest}.", to=console.err)
    raise typer.Exit(1)


def _say_vectors(made: TrainingSet) -> None:
    """Say what the vectors of units are made of; nothing of a set without, or of before there were any."""
    from nh_platform.embeddings.unit_vectors import COMPONENT_KIND

    if "set_vectors" not in made.tables:
        return
    entries, fitted = made.tables["set_vectors"], made.tables["set_fitted"].drop_duplicates(["source", "session_id"])
    components = entries[entries["kind"] == COMPONENT_KIND]
    on = f"{counted(int(fitted['n_units'].sum()), 'unit')} of {counted(len(fitted), 'session')}"
    console.say(f"\n[bold]vectors of units[/] {len(entries)} entries, fitted on {on}")
    if len(components):
        shares = components["explained_variance"] * 100
        each = ", ".join(f"{share:.1f}" for share in shares)
        console.say(
            f"  components of the histograms: {len(components)}, {shares.sum():.1f} % of their variance ({each})"
        )
    about = made.header.get("vectors", {})
    if about.get("encoders"):
        console.say(f"  encoders: {escape(', '.join(about['encoders']))}")
    for source, of_source in about.get("sources", {}).items():
        windows = ", ".join(f"{name} ({counted(n, 'session')})" for name, n in of_source["reference_windows"].items())
        silent = f"{of_source['n_silent']} of {counted(of_source['n_units'], 'unit')} fire too little in it"
        console.say(f"  {source}: reference window {windows}; {silent}")


def _say_set(made: TrainingSet, title: str) -> None:
    from nh_platform.windows.splits import SPLITS

    sessions, windows = made.tables["set_sessions"], made.tables["set_windows"]
    windows = windows[windows["n_windows"] > 0]
    rows = []
    for preset, of_preset in windows.groupby("preset", sort=False):
        of_each = dict(list(of_preset.groupby("split", sort=False)))
        for split in sorted(of_each, key=lambda name: (*SPLITS, name).index(name)):
            of_split = of_each[split]
            used = sessions.merge(of_split[["source", "session_id"]])
            rows.append(
                {
                    "preset": preset,
                    "split": split,
                    "subjects": len(used[["source", "subject"]].drop_duplicates()),
                    "sessions": len(used),
                    "units used": int(used["n_units"].sum()),
                    "windows": int(of_split["n_windows"].sum()),
                    "hours": round(float(of_split["seconds"].sum()) / 3600, 2),
                }
            )
    n = f"{counted(len(sessions), 'session')}, divided by {made.recipe.split.by}"
    columns = ["preset", "split", "subjects", "sessions", "units used", "windows", "hours"]
    console.print_rows(rows, columns, Format.table, title=f"{title}: {n}")
    kept_out = sessions[sessions["why"] != ""].groupby(["split", "why"]).size()
    for (split, why), count in kept_out.items():
        console.say(f"{split}: {counted(int(count), 'session')} ({why})")
    for text in made.header["left_out"][:_SHOWN]:
        console.say(f"note: {escape(text)}")
    if len(made.header["left_out"]) > _SHOWN:
        console.say(f"… and {len(made.header['left_out']) - _SHOWN} more")
