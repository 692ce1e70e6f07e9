"""A home folder of simulated sessions: written in the upstream formats, synced, and run through every asset and check.

Contains where demo data are written and what is run on them. What is simulated is in `nh_platform.simulation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.catalogue_sync import SyncResult, sync
from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress, unwatched
from nh_platform.operations.session_runs import SessionOutcome, materialize, run_plans
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.home.platform import Platform

SEED = 2026
SESSIONS_PER_SOURCE = 2
UPSTREAM = "upstream"
_MARKER = "simulated.txt"


@dataclass(frozen=True)
class DemoResult:
    """Content of a demo, and what was run for it.

    Parameters
    ----------
    folder
        Its home folder.
    synced
        What the catalogue of each source holds.
    outcomes
        What came of each session that ran; none where everything was current.
    sessions
        One row per session: its units, those that are good by the active rulebook, spikes, checks, files and MB.
    """

    folder: Path
    synced: tuple[SyncResult, ...]
    outcomes: tuple[SessionOutcome, ...]
    sessions: pd.DataFrame


def demo(folder: Path | str, seed: int = SEED, *, on_progress: OnProgress = unwatched) -> DemoResult:
    """Write simulated upstream data into a home folder and make every asset of it; a second call finds all current.

    Parameters
    ----------
    folder
        Home folder of the demo. A ``DAGSTER_HOME`` of the environment is left alone.
    seed
        Seed of the simulation; the same seed gives the same bytes.
    on_progress
        Called whenever something is begun or made.

    Raises
    ------
    ConfigError
        If the folder holds data of another seed or of other sources, or a home that is not a demo.
    """
    from nh_platform.assets.registry import source_assets
    from nh_platform.defs.inventory import old_source_assets
    from nh_platform.home.full_disk import named_full_disk
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance
    from nh_platform.operations.source_inventory import inventory

    folder = Path(folder).absolute()
    write_upstream(folder, seed, on_progress=on_progress)
    settings = load_settings(folder)
    platform = Platform(settings)
    with named_full_disk(settings.dagster_home), open_instance(settings, embedded=True) as instance:
        home = OpenHome(platform, instance)
        synced = tuple(sync(home, source) for source in settings.sources)
        planned = [materialize(home, source, dry_run=True) for source in settings.sources]
        outcomes = [outcome for one in planned for outcome in one.outcomes]
        outcomes += run_plans(home, [plan for one in planned for plan in one.plans], on_progress)
        for source in settings.sources:
            always = {name for name, asset in source_assets(source).items() if asset.is_remade_daily}
            if set(old_source_assets(platform, source)) > always:
                on_progress(Progress(f"looking over {source}", 0, 1))
                inventory(home, source)
                on_progress(Progress(f"looking over {source}", 1, 1, "done"))
    return DemoResult(folder, synced, tuple(outcomes), _sessions(platform, outcomes))


def write_upstream(
    folder: Path, seed: int, sources: Sequence[str] = (), *, on_progress: OnProgress = unwatched
) -> None:
    """Write the simulated upstream data and the ``sources.yaml`` that points at it; nothing if it is there.

    Parameters
    ----------
    folder
        Home folder of the demo.
    seed
        Seed of the simulation.
    sources
        Names of the sources; all that have a simulation where empty.
    on_progress
        Called for each source.

    Raises
    ------
    ConfigError
        If the folder holds data of another seed or of other sources, or a home that is not a demo.
    """
    from nh_platform.operations.simulated.simulated_sources import simulated_sources, write_simulated
    from nh_platform.simulation import DEMO
    from nh_platform.sources.setting_errors import SOURCES_FILE

    sources = sources or simulated_sources()
    upstream, settings_file = folder / UPSTREAM, folder / SOURCES_FILE
    marker = upstream / _MARKER
    stated = f"seed {seed}, {SESSIONS_PER_SOURCE} sessions each of {', '.join(sources)}\n"
    if marker.exists():
        if marker.read_text(encoding="utf-8") != stated:
            found = "it holds a demo of another seed or of other sources"
            raise ConfigError(str(folder), found, "Delete it or choose another --folder.")
        return
    is_begun = settings_file.exists() and settings_file.read_text(encoding="utf-8") == _sources_text(sources)
    if not is_begun and any((folder / part).exists() for part in (SOURCES_FILE, "store", "raw")):
        raise ConfigError(str(folder), "it is the home of something other than this demo", "Choose another --folder.")
    for source in sources:
        what = f"writing simulated {source} sessions"
        on_progress(Progress(what, 0, SESSIONS_PER_SOURCE))
        write_simulated(source, upstream / source, SESSIONS_PER_SOURCE, seed, DEMO)
        on_progress(Progress(what, SESSIONS_PER_SOURCE, SESSIONS_PER_SOURCE, "done"))
    settings_file.write_text(_sources_text(sources), encoding="utf-8")
    marker.write_text(stated, encoding="utf-8")


def _sources_text(sources: Sequence[str]) -> str:
    lines = ["# Written by `nh demo`: the sources of this home folder are simulated sessions in the upstream formats."]
    for source in sources:
        lines += [f"{source}:", "  read:", "    mode: local", f"    root: {UPSTREAM}/{source}"]
    return "\n".join(lines) + "\n"


def _sessions(platform: Platform, outcomes: Sequence[SessionOutcome]) -> pd.DataFrame:
    import pandas as pd

    from nh_platform.reading.searching.session_search import read_summary

    checks = {
        (one.plan.source, one.plan.session_id): f"{one.checks_passed} ok {len(one.warned)} warn" for one in outcomes
    }
    rows = []
    for source in platform.settings.sources:
        rulebook = platform.config(source).rulebook_ids[0]
        for session_id in platform.manifest(source).session_ids:
            units = read_summary(platform.store, source, session_id, "units")
            files = [path for path in (platform.store.root / source / session_id).rglob("*") if path.is_file()]
            n_units, n_good = units.get("n_units", 0), units.get("n_pass", {}).get(rulebook, 0)
            rows.append(
                {
                    "source": source,
                    "session": session_id,
                    "units": n_units,
                    "good": n_good,
                    "pass rate": n_good / n_units if n_units else None,
                    "rulebook": rulebook,
                    "spikes": units.get("n_spikes", 0),
                    "checks": checks.get((source, session_id), "current"),
                    "files": len(files),
                    "MB": round(sum(path.stat().st_size for path in files) / 1e6, 1),
                }
            )
    return pd.DataFrame(rows)
