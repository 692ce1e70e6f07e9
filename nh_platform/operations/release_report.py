"""The QC site of a release written for a meeting: pages, tables, and a summary that can be mailed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.asked_release import AskedRelease, source_of
from nh_platform.operations.opened_home import Home, OnProgress, Progress, open_home, unwatched
from nh_platform.session import ConfigError, NhError, UnknownSession

if TYPE_CHECKING:
    from nh_platform.reports.site.building import Site
    from nh_platform.reports.site.material import SiteMaterial

EVERY_SESSION = "all"


@dataclass(frozen=True)
class ReleaseReport:
    """What became of a report.

    Parameters
    ----------
    folder
        Folder of the site; ``index.html`` is its first page.
    source, release, rulebook
        What it is of, and the rules in force.
    counts
        The numbers that head it, in words.
    files
        Files that were written, sorted; those that would be, without the pages of sessions, in a dry run.
    pages
        Sessions whose page was copied.
    pages_lacking
        Sessions whose page could not be copied, each with why.
    named
        Sessions that are gated, failed, not made or cannot be read, each with why.
    notes
        What was missing, assumed or left out.
    """

    folder: Path
    source: str
    release: str
    rulebook: str
    counts: dict[str, int]
    files: tuple[str, ...]
    pages: tuple[str, ...] = ()
    pages_lacking: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def report_release(
    home: Home,
    release: str,
    folder: Path,
    *,
    source: str = "",
    units: Path | None = None,
    rulebook: str = "",
    against: Sequence[str] | None = None,
    sessions: Sequence[str] = (),
    dry_run: bool = False,
    on_progress: OnProgress = unwatched,
) -> ReleaseReport:
    """Write the QC site of a release with tables for a meeting and a summary to mail, whole or not at all.

    Parameters
    ----------
    home
        Home folder.
    release
        ``current`` for the one that was read last; else number, id or name of a snapshot, version, freeze, release tag
        or CSV file, as `nh releases diff` takes them. Empty with ``units`` for what the table itself says.
    folder
        Folder to write: one that is empty, not there yet, or that a report wrote, which is replaced whole.
    source
        Source; the one that was synced where there is one alone, with ``units`` that of the rulebook.
    units
        Table of units with upstream's column names, instead of what is stored.
    rulebook, against
        Id or path of the rules in force for ``units``, and of those that they are compared with; those that are
        configured for the source where not stated. Stored sessions are judged by the configured ones.
    sessions
        Sessions whose pages are copied beside the site, with the release's distributions in them: ids, their first
        characters, or ``all``. Links of the others lead to the store.
    dry_run
        Say what would be written, and write nothing.
    on_progress
        Called for each session.

    Returns
    -------
    ReleaseReport
        A session that cannot be read is named there, and the others go on.

    Raises
    ------
    ConfigError
        If there is no such source, rulebook or table, the folder holds something else, or ``rulebook`` is stated
        without ``units``.
    UnknownSession
        If there is no such release or session, or the source was never synced; the text says what there is.
    StoreError
        If the disk is full or cannot be written to.
    """
    from nh_platform.reports.site.building import build_site
    from nh_platform.reports.site.site_folder import require_site_folder, writing_site

    folder = Path(folder).absolute()
    require_site_folder(folder)
    if units is None and (rulebook or against is not None):
        found = "stored sessions are judged by the configured rulebooks"
        raise ConfigError("--rulebook and --against", found, "Give --units as well, or change sources.yaml.")
    with open_home(home) as at:
        name = source_of(at, release, source, units, rulebook)
        asked = AskedRelease(at, name, "" if release == name else release, folder, on_progress)
        material = asked.of_file(units, rulebook, against) if units is not None else asked.of_home()
        chosen = _chosen(material, sessions)
        on_progress(Progress("reading sessions", len(material.sessions), len(material.sessions), "done"))
        material, sources, lacking = _with_pages(asked, material, chosen)
        site = build_site(material)
        if dry_run:
            return _result(asked, site, _planned(site), sources, lacking)
        with writing_site(folder) as fresh:
            _write(asked, site, fresh, sources)
            files = tuple(sorted(one.relative_to(fresh).as_posix() for one in fresh.rglob("*") if one.is_file()))
        return _result(asked, site, files, sources, lacking)


def _chosen(material: SiteMaterial, asked: Sequence[str]) -> list[str]:
    """Return the sessions whose pages are asked for."""
    ids = [str(one) for one in material.sessions["session_id"]]
    if EVERY_SESSION in asked:
        return [one for one, path in zip(ids, material.sessions["report"]) if path]
    found = []
    for begin in asked:
        matches = [one for one in ids if one == begin] or [one for one in ids if one.startswith(begin)]
        if len(matches) != 1:
            from nh_platform.session.errors import close_matches

            what = f"{len(matches)} sessions of {material.release} begin so" if matches else "the release lists none so"
            raise UnknownSession(f"session {begin!r}", what, f"Give its id, or `all`.{close_matches(begin, ids)}")
        found.append(matches[0])
    return list(dict.fromkeys(found))


def _with_pages(
    asked: AskedRelease, material: SiteMaterial, chosen: Sequence[str]
) -> tuple[SiteMaterial, dict[str, Path], dict[str, str]]:
    """Return the material with links to the pages that are copied, where these lie, and which are lacking."""
    from nh_platform.reports.session_page.stored import stored_page

    sessions = material.sessions.set_index("session_id", drop=False)
    found, lacking = dict[str, Path](), dict[str, str]()
    for session_id in chosen:
        try:
            found[session_id] = stored_page(asked.at.platform.store, asked.source, session_id)
        except NhError as error:
            lacking[session_id] = str(error)
            sessions.loc[session_id, ["report", "report_lacking"]] = "", lacking[session_id]
            continue
        sessions.loc[session_id, "report"] = f"sessions/{session_id}.html"
    return replace(material, sessions=sessions.reset_index(drop=True)), found, lacking


def _write(asked: AskedRelease, site: Site, fresh: Path, pages: dict[str, Path]) -> None:
    from nh_platform.reports.site.release_snapshot import release_snapshot, with_release_snapshot
    from nh_platform.reports.site.writing import write_report

    write_report(site, fresh)
    snapshot = release_snapshot(site)
    for number, (session_id, stored) in enumerate(pages.items()):
        asked.on_progress(Progress("copying pages", number, len(pages), session_id))
        page = stored.read_text(encoding="utf-8")
        (fresh / "sessions").mkdir(exist_ok=True)
        (fresh / "sessions" / f"{session_id}.html").write_text(with_release_snapshot(page, snapshot), encoding="utf-8")


def _planned(site: Site) -> tuple[str, ...]:
    from nh_platform.reports.site.writing import report_files

    return tuple(report_files(site))


def _result(
    asked: AskedRelease, site: Site, files: tuple[str, ...], pages: dict[str, Path], lacking: dict[str, str]
) -> ReleaseReport:
    from nh_platform.reports.site.material import MADE, standing_in_words

    others = site.sessions[site.sessions["standing"] != MADE]
    return ReleaseReport(
        folder=asked.folder,
        source=asked.source,
        release=site.material.release,
        rulebook=site.material.rulebook.id,
        counts=site.counts(),
        files=files,
        pages=tuple(pages),
        pages_lacking=lacking,
        named={row["session_id"]: standing_in_words(row["standing"], row["why"]) for row in others.to_dict("records")},
        notes=tuple(site.material.notes),
    )
