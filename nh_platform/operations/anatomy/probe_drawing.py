"""Pages and point files of probe insertions: what is found, where it lies, and the files that show it.

Contains what `nh probes view` writes. Add here another file of the same selection. Which insertions a selection has is
`nh_platform.operations.released_search.probes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.released_search import probes
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.home.platform import Platform

_PAGE_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True)
class ProbeDrawing:
    """What was drawn.

    Parameters
    ----------
    page, points_file
        The files; None where none was asked for.
    n_drawn, n_not_drawn
        Insertions with a position, and without.
    n_points
        Points of the file: units, and channels of insertions without units.
    has_surface
        Whether the page has a surface of the brain.
    notes
        What a reader should know of the selection, in sentences.
    """

    page: Path | None
    points_file: Path | None
    n_drawn: int
    n_not_drawn: int
    n_points: int
    has_surface: bool
    notes: tuple[str, ...]


def draw_probes(
    home: Path | str,
    out: Path | None = None,
    source: str | None = None,
    *,
    region: str = "",
    freeze: str = "",
    subject: str = "",
    lab: str = "",
    session: str = "",
    min_units: int = 0,
    points: Path | None = None,
    atlas: Path | None = None,
) -> ProbeDrawing:
    """Write a page with every insertion of a selection in the brain, and a file of its points for brainrender.

    Positions are those of the stored sessions, else of the tables of the release; nothing is downloaded.

    Parameters
    ----------
    home
        Home folder.
    out
        The page, ``.html``; an earlier one is replaced. None where only the points are wanted.
    source, region, freeze, subject, lab, session, min_units
        The selection, as of `nh_platform.operations.probes`.
    points
        File of points, ``.npy`` or ``.csv``, as of `nh_platform.exports.point_file.write_points`.
    atlas
        Folder of a BrainGlobe atlas of the Allen CCF, whose surface the page gets; the one of BrainGlobe's own folder
        where None.

    Raises
    ------
    ConfigError
        If nothing is to be written, a name says no form of a file, there is no such source, region or atlas, or no
        insertion is like that.
    UnknownSession
        If there is no such freeze, nothing was ever synced, or no one knows the regions of the source.
    StoreError
        If the disk is full, or a file cannot be written.
    """
    import pandas as pd

    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.reading.searching.probe_positions import probe_positions

    _check_paths(out, points)
    asked = {"region": region, "freeze": freeze, "subject": subject, "lab": lab, "session": session}
    found = probes(home, source, **asked, min_units=min_units)  # type: ignore[arg-type]
    if found.rows.empty:
        raise ConfigError(
            "selection", "no probe insertion is like that", "`nh probes` with the same options lists them."
        )
    platform = Platform(load_settings(Path(home)))
    parts, positions = [], []
    for name, rows in found.rows.groupby("source", sort=False):
        parts.append(rows.assign(release=_releases(platform, str(name), rows)))
        positions.append(probe_positions(platform.store, platform.settings.entry(str(name)), rows))
    rows = pd.concat(parts, ignore_index=True)
    located = [pd.concat([one.units, one.channels]) for one in positions]
    n_drawn = sum(one.groupby(["source", "insertion_id"]).ngroups for one in located if len(one))
    has_surface = False
    if out is not None:
        from nh_platform.reports.probe_page.content import make_probe_page
        from nh_platform.reports.probe_page.rendering import render_probe_page
        from nh_platform.reports.probe_page.surface import find_surface
        from nh_platform.store.durable import disk_in_words, write_durably

        surface = find_surface(atlas)
        has_surface = surface is not None
        title = _title({"source": source or "", **asked}, min_units)
        others = set(platform.settings.entries) - set(rows["source"])
        notes = [note for note in found.notes if note.split()[0] not in others]  # that one was never synced
        page = make_probe_page(title, rows, positions, notes=notes, surface=surface)
        with disk_in_words(out.absolute().parent):
            write_durably(out, render_probe_page(page).encode())
    n_points = 0
    if points is not None:
        from nh_platform.exports.point_file import write_points

        n_points = write_points(points, _all_points(positions))
    return ProbeDrawing(out, points, n_drawn, len(rows) - n_drawn, n_points, has_surface, found.notes)


def _check_paths(out: Path | None, points: Path | None) -> None:
    from nh_platform.exports.point_file import SUFFIXES

    if out is None and points is None:
        raise ConfigError("files", "none is asked for", "State --out page.html, --points FILE.npy, or both.")
    for path, suffixes, what in ((out, _PAGE_SUFFIXES, "a page"), (points, SUFFIXES, "points")):
        if path is None:
            continue
        if path.suffix.lower() not in suffixes:
            raise ConfigError(f"file {path}", f"its ending is not that of {what}", f"Use {' or '.join(suffixes)}.")
        if path.is_dir():
            raise ConfigError(f"file {path}", "it is a folder", "Name a file in it.")
        if not path.absolute().parent.is_dir():
            raise ConfigError(f"file {path}", "its folder does not exist", "Make the folder, or name another.")


def _releases(platform: Platform, source: str, rows: pd.DataFrame) -> list[str]:
    """Return in which releases the files of each insertion are, by their tags; else the release that was synced."""
    from nh_platform.history.snapshots import find_snapshot
    from nh_platform.session import UnknownSession
    from nh_platform.sources.ibl.catalogue.sortings import FILE_NAMES

    try:
        manifest = find_snapshot(platform.store, source).manifest(files_named=FILE_NAMES)
    except UnknownSession:  # a list alone says what there is
        return ["" for _ in range(len(rows))]
    files = manifest.files[manifest.files["tags"].notna() & manifest.files["session_id"].isin(rows["session_id"])]
    tags: dict[tuple[str, str], set[str]] = {}
    for session_id, probe, text in zip(files["session_id"], files["probe"], files["tags"]):
        tags.setdefault((session_id, probe), set()).update(filter(None, text.split(",")))
    return [
        ", ".join(sorted(tags.get((session_id, probe)) or tags.get((session_id, ""), set()))) or manifest.release
        for session_id, probe in zip(rows["session_id"], rows["probe"])
    ]


def _all_points(positions: list) -> pd.DataFrame:  # type: ignore[type-arg]
    """Return units, and of insertions without units channels, each with its label."""
    import pandas as pd

    from nh_platform.reading.searching.probe_positions import UNIT_COLUMNS

    parts = []
    for one in positions:
        alone = one.channels[~one.channels["insertion_id"].isin(one.units["insertion_id"])]
        parts += [one.units, alone.assign(unit_id="", label="channel")]
    return pd.concat([part[list(UNIT_COLUMNS)] for part in parts], ignore_index=True)


def _title(asked: dict[str, str], min_units: int) -> str:
    said = [f"{name} {value}" for name, value in asked.items() if value]
    said += [f"at least {min_units} units"] if min_units else []
    return "Probe insertions" + (f": {', '.join(said)}" if said else "")
