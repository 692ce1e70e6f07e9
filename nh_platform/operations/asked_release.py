"""Which release a report is of, and its material: of what is stored, or of a table of units.

Contains the look-up alone. What is written of it is `release_report.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.home_status import has_history
from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress
from nh_platform.session import ConfigError, UnknownSession

if TYPE_CHECKING:
    from nh_platform.history.manifest import Manifest
    from nh_platform.reports.site.counts.changes import ReleaseChanges
    from nh_platform.reports.site.material import SiteMaterial

CURRENT = ("", "current", "latest")
"""Names of the release that was read last."""


@dataclass(frozen=True)
class AskedRelease:
    """What was asked for: a release of a source, and where it goes."""

    at: OpenHome
    source: str
    release: str
    folder: Path
    on_progress: OnProgress

    def of_home(self) -> SiteMaterial:
        """Return the material of what is stored; of the tables of the release where no session is."""
        from nh_platform.history.released_tables import ASSET, read_released
        from nh_platform.qc.rules.rulebook import load_rulebook
        from nh_platform.reports.site.stored_release import stored_material
        from nh_platform.reports.site.tabled_release import tabled_material
        from nh_platform.store.names import SOURCE_WIDE

        store, source = self.at.platform.store, self.source
        manifest, changes, lacking = self.state()
        has_units = any(store.usable(source, one, "units") is not None for one in store.sessions(source))
        tables = store.usable(source, SOURCE_WIDE, ASSET)
        if not has_units and tables is not None and len(table := read_released(tables, "units")):
            books = [load_rulebook(name) for name in self.at.platform.config(source).rulebooks]
            return tabled_material(
                table,
                source,
                books[0],
                books[1:],
                manifest=manifest,
                name=f"released tables of {source}",
                changes=changes,
                changes_lacking=lacking,
            )
        return stored_material(
            self.at.platform,
            source,
            manifest,
            site=self.folder,
            changes=changes,
            changes_lacking=lacking,
            standing=self._failed(),
            on_session=self._told("reading sessions"),
        )

    def of_file(self, path: Path, rulebook: str, against: Sequence[str] | None) -> SiteMaterial:
        """Return the material of a table of units."""
        from nh_platform.qc.rules.rulebook import load_rulebook
        from nh_platform.qc.units_file import read_units
        from nh_platform.qc.warehouse_tables import join_neighbours
        from nh_platform.reports.site.tabled_release import tabled_material

        config = self.at.platform.config(self.source)
        table, _ = join_neighbours(read_units(path), path)
        active = load_rulebook(rulebook or config.rulebook)
        names = config.rulebooks if against is None else against
        others = [book for book in map(load_rulebook, names) if book.id != active.id]
        manifest, changes, lacking = self.state() if self.release else (None, None, "")
        return tabled_material(
            table,
            self.source,
            active,
            others,
            manifest=manifest,
            name=path.name,
            changes=changes,
            changes_lacking=lacking,
        )

    def state(self) -> tuple[Manifest, ReleaseChanges | None, str]:
        """Return what the release lists, and what it changed or why that is not known."""
        from nh_platform.history.published_freezes import FREEZES_FOLDER
        from nh_platform.history.release_lookup import find_state
        from nh_platform.history.snapshots import find_snapshot
        from nh_platform.reports.site.stored_release import changes_of

        platform, source = self.at.platform, self.source
        named = "latest" if self.release in CURRENT else self.release
        freezes = platform.settings.home / FREEZES_FOLDER
        state = find_state(platform.store, source, named, freezes, lambda: platform.source(source))
        if state.membership_only:
            why = f"{state.title} has none before it; `nh releases diff` compares two lists."
            return state.manifest, None, why
        try:
            number = find_snapshot(platform.store, source, named).number
        except UnknownSession:  # a version that upstream publishes and that was never synced
            return state.manifest, None, f"{state.title} was never synced, and so nothing before it is known."
        return state.manifest, *changes_of(platform.store, source, number)

    def _failed(self) -> dict[str, tuple[str, str]]:
        """Return the sessions whose last run failed, as Dagster remembers it, with why in words."""
        from nh_platform.planning.session_states import source_states
        from nh_platform.reports.site.material import FAILED

        if not has_history(self.at.platform.settings):
            return {}
        from nh_platform.defs.automation.attempts import session_decision
        from nh_platform.defs.automation.unchecked import with_checks

        states = source_states(self.at.platform, self.source)
        states = with_checks(self.at.instance, self.at.platform, self.source, states)
        decision = session_decision(self.at.instance, self.at.platform.store, self.source, states)
        return {one: (FAILED, f"its last run failed; {text}") for one, text in decision.failed.items()}

    def _told(self, what: str) -> Callable[[int, int, str], None]:
        return lambda done, total, now: self.on_progress(Progress(what, done, total, now))


def source_of(at: OpenHome, release: str, source: str, units: Path | None, rulebook: str) -> str:
    """Return the source that is meant: the stated one, that of the rulebook, or the one that was synced."""
    from nh_platform.history.snapshots import list_snapshots

    if source:
        return at.platform.entry(source).name
    if release in at.platform.entries:
        return release
    if units is not None and rulebook:
        from nh_platform.qc.rules.rulebook import load_rulebook

        return at.platform.entry(load_rulebook(rulebook).sources[0]).name
    synced = [name for name in at.platform.entries if list_snapshots(at.platform.store, name)]
    if len(synced) == 1:
        return synced[0]
    known = ", ".join(synced or at.platform.entries)
    found = "several sources were synced" if synced else "no source was synced, so that the release may be of any"
    raise ConfigError("nh qc report", found, f"Say which with --source: {known}.")
