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
TRAINING_SET = "demo"
_ALSO_PRESETS = {"ibl": ("bwb-2026-feedback",)}
"""Windows beside those of every home, for docs/train-a-model.md."""
_REFERENCE_WINDOWS = {"allen_vc": "spontaneous-100s", "allen_vbn": "spontaneous-20s"}
"""Shorter than by default, since sessions are: what a session has of grey before the stretches that are tested."""
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
    training_set
        Its training set with the number of its version; empty where a session of it could not be made.
    sessions
        One row per session: its units, those that are good by the active rulebook, spikes, checks, files and MB.
    """

    folder: Path
    synced: tuple[SyncResult, ...]
    outcomes: tuple[SessionOutcome, ...]
    training_set: str
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
        training_set = _training_set(home, is_current=not outcomes, on_progress=on_progress)
    return DemoResult(folder, synced, tuple(outcomes), training_set, _sessions(platform, outcomes))


def _training_set(home: OpenHome, *, is_current: bool, on_progress: OnProgress) -> str:
    """Build the training set of the demo where it is not there, or sessions were made; return what it is called."""
    from nh_platform.operations.training.set_building import build_training_set
    from nh_platform.session import NhError
    from nh_platform.training_sets.recipe import recipe_ids
    from nh_platform.training_sets.stored import set_ids, stored_set

    store = home.platform.store
    if TRAINING_SET not in recipe_ids(home.platform.settings.home):  # of an earlier version
        return ""
    if not (is_current and TRAINING_SET in set_ids(store)):
        try:
            build_training_set(home, TRAINING_SET, on_progress=on_progress)
        except NhError:  # sessions that failed are named already
            return ""
    return f"{TRAINING_SET}@{stored_set(store, TRAINING_SET)[0]}"


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
    from nh_platform.training_sets.recipe import FOLDER as RECIPES

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
    recipe = folder / RECIPES / f"{TRAINING_SET}.yaml"
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(_recipe_text(sources), encoding="utf-8")
    marker.write_text(stated, encoding="utf-8")


def _sources_text(sources: Sequence[str]) -> str:
    from nh_platform.assets.session_report import ASSET as REPORT
    from nh_platform.home.platform import ON_REQUEST_OF_ALL
    from nh_platform.sources.registry import sources as served

    lines = ["# Written by `nh demo`: the sources of this home folder are simulated sessions in the upstream formats."]
    for source in sources:
        lines += [f"{source}:", "  read:", "    mode: local", f"    root: {UPSTREAM}/{source}"]
        # What reports have figures of; the simulation writes it small.
        asked = [name for name in REPORT.inputs_where_made if name in served()[source].assets_on_request]
        lines += [f"  also_assets: [{', '.join((*ON_REQUEST_OF_ALL, *asked))}]"]
        if source in _REFERENCE_WINDOWS:
            lines += [f"  reference_window: {_REFERENCE_WINDOWS[source]}  # sessions are short"]
        if source in _ALSO_PRESETS:
            lines += [f"  presets: [{', '.join((*served()[source].presets, *_ALSO_PRESETS[source]))}]"]
    return "\n".join(lines) + "\n"


def _recipe_text(sources: Sequence[str]) -> str:
    """Return the recipe of the demo's training set: every session, divided in time, since it has few animals."""
    from nh_platform.assets.registry import source_assets
    from nh_platform.embeddings.images.recipe import DEFAULT_ENCODER
    from nh_platform.session.tables.across_sessions.images import IMAGE_EMBEDDINGS

    lines = [f"id: {TRAINING_SET}", "description: Every session of the demo, divided in time.", "sources:"]
    for source in sources:
        presets = ("continuous-1s", *_ALSO_PRESETS.get(source, ()))
        lines += [f"  {source}:", f"    presets: [{', '.join(presets)}]"]
        if IMAGE_EMBEDDINGS.name in source_assets(source):
            lines.append(f"    images: {DEFAULT_ENCODER}")
    shares = "  shares: {train: 60, valid: 10, test: 30}  # sessions are short"
    return "\n".join([*lines, "embeddings: true", "split:", "  by: causal", shares]) + "\n"


def _sessions(platform: Platform, outcomes: Sequence[SessionOutcome]) -> pd.DataFrame:
    import pandas as pd

    from nh_platform.reading.searching.session_search import read_summary
    from nh_platform.store.hashing import stored_sizes

    checks = {
        (one.plan.source, one.plan.session_id): f"{one.checks_passed} ok {len(one.warned)} warn" for one in outcomes
    }
    rows = []
    for source in platform.settings.sources:
        rulebook = platform.config(source).rulebook_ids[0]
        for session_id in platform.manifest(source).session_ids:
            units = read_summary(platform.store, source, session_id, "units")
            sizes = stored_sizes(platform.store.root / source / session_id)
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
                    "files": len(sizes),
                    "MB": round(sum(sizes.values()) / 1e6, 1),
                }
            )
    return pd.DataFrame(rows)
