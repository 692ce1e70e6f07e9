"""A home folder of simulated sessions: written in the upstream formats, synced, and run through every asset and check.

Contains what is run on the data of a demo, and in which order. What is written where is `simulated_upstream`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.home.standing_folders import require_folder
from nh_platform.operations.catalogue_sync import SyncResult, sync
from nh_platform.operations.compiled.listed_kernels import pieces_of_compiling
from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress, unwatched
from nh_platform.operations.session_runs import Materialization, materialize
from nh_platform.operations.side_by_side.lanes import LaneLost, Lanes
from nh_platform.operations.side_by_side.pieces import Piece
from nh_platform.operations.side_by_side.planned_runs import SessionOutcome, SessionRuns
from nh_platform.operations.simulated.simulated_upstream import SEED, TRAINING_SET, SimulatedUpstream
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.home.platform import Platform

_ELSEWHERE = "Choose another --folder."
_FIRST = ("allen_vc", "allen_vbn")
"""Sources that are made first: those of the training set's images, and the one whose assets across sessions take as
long as its sessions, so that others go on beside."""


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


def demo(
    folder: Path | str, seed: int = SEED, *, processes: int = 1, on_progress: OnProgress = unwatched
) -> DemoResult:
    """Write simulated upstream data into a home folder and make every asset of it; a second call finds all current.

    Parameters
    ----------
    folder
        Home folder of the demo. A ``DAGSTER_HOME`` of the environment is left alone.
    seed
        Seed of the simulation; the same seed gives the same bytes.
    processes
        How many sessions are made at a time, each in a process of its own.
    on_progress
        Called whenever something is begun or made.

    Raises
    ------
    ConfigError
        If the folder cannot be made, or holds data of another seed or of other sources, or a home that is not a demo.
    """
    from nh_platform.home.full_disk import named_full_disk
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings

    folder = Path(folder).absolute()
    require_folder(folder, _ELSEWHERE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(str(folder), f"no folder can be made there: {error.strerror}", _ELSEWHERE) from error
    upstream = SimulatedUpstream(folder, seed)
    with Lanes(folder, processes, embedded=True) as lanes:
        writing = upstream.begin()
        settings = load_settings(folder)
        home = OpenHome(Platform(settings), embedded=True)
        steps = _Steps(upstream, settings.sources, on_progress)
        try:
            with named_full_disk(settings.dagster_home), steps.runs.stopped_in_words():
                first = [*pieces_of_compiling(processes), *writing.values()]
                pieces = [*first, *_catalogues(settings.sources, writing)]
                lanes.run(pieces, lambda: home, on_progress, steps.on_done)
                lanes.let_go()
                steps.runs.end_lost(home)
        finally:
            home.close()
    synced = tuple(steps.synced[source] for source in settings.sources)
    sessions = _sessions(home.platform, steps.outcomes)
    return DemoResult(folder, synced, steps.outcomes, steps.training_set, sessions)


def _catalogues(sources: Iterable[str], writing: Mapping[str, Piece]) -> list[Piece]:
    """Return the pieces that read the catalogues, one after the other, so that sessions begin in this order."""
    found: list[Piece] = []
    for source in sorted(sources, key=lambda source: _FIRST.index(source) if source in _FIRST else len(_FIRST)):
        after = (*found[-1:], *([writing[source]] if source in writing else []))
        found.append(Piece(f"catalogue of {source}", partial(_read_catalogue, source), after))
    return found


def _read_catalogue(source: str, opened: Callable[[], OpenHome], _: OnProgress) -> tuple[SyncResult, Materialization]:
    from nh_platform.defs.run_launcher import end_lost_runs

    home = opened()
    end_lost_runs(home.instance)
    return sync(home, source), materialize(home, source, dry_run=True)


class _Steps:
    """What follows on each step of a demo, and what came of all."""

    def __init__(self, upstream: SimulatedUpstream, sources: Collection[str], on_progress: OnProgress) -> None:
        self._upstream, self._sources, self.runs = upstream, sources, SessionRuns(on_progress)
        self.synced: dict[str, SyncResult] = {}
        self._refused: list[SessionOutcome] = []
        self._of_set: list[Piece] = []
        self.training_set = ""

    @property
    def outcomes(self) -> tuple[SessionOutcome, ...]:
        return (*self._refused, *self.runs.outcomes)

    def on_done(self, piece: Piece, result: Any) -> Sequence[Piece]:
        self._upstream.on_done(piece, result)
        self.runs.on_done(piece, result)
        if isinstance(result, LaneLost) and not self.runs.is_of_session(piece):
            raise result
        if isinstance(result, str):
            self.training_set = result
        if not isinstance(result, tuple):
            return ()
        from nh_platform.assets.registry import source_assets
        from nh_platform.session.tables.across_sessions.images import IMAGE_EMBEDDINGS

        synced, planned = result
        self.synced[synced.source] = synced
        self._refused += planned.outcomes
        sessions = self.runs.pieces(planned.plans)
        look = partial(_look_over, synced.source)
        across = Piece(f"assets across sessions of {synced.source}", look, tuple(sessions), "go on")
        has_images = IMAGE_EMBEDDINGS.name in source_assets(synced.source)
        self._of_set += [*sessions, across] if has_images else sessions
        if len(self.synced) < len(self._sources):
            return [*sessions, across]
        build = partial(_training_set, is_current=not self.runs.n_planned and not self._refused)
        return [*sessions, across, Piece("training set", build, tuple(self._of_set))]


def _look_over(source: str, opened: Callable[[], OpenHome], on_progress: OnProgress) -> None:
    from nh_platform.assets.registry import source_assets
    from nh_platform.defs.inventory import old_source_assets
    from nh_platform.operations.source_inventory import inventory

    home = opened()
    always = {name for name, asset in source_assets(source).items() if asset.is_remade_daily}
    if set(old_source_assets(home.platform, source)) > always:
        on_progress(Progress(f"looking over {source}", 0, 1))
        inventory(home, source)
        on_progress(Progress(f"looking over {source}", 1, 1, "done"))


def _training_set(opened: Callable[[], OpenHome], on_progress: OnProgress, *, is_current: bool) -> str:
    """Build the training set of the demo where it is not there, or sessions were made; return what it is called."""
    from nh_platform.operations.training.set_building import build_training_set
    from nh_platform.session import NhError
    from nh_platform.training_sets.recipe import recipe_ids
    from nh_platform.training_sets.stored import set_ids, stored_set

    home = opened()
    store = home.platform.store
    if TRAINING_SET not in recipe_ids(home.platform.settings.home):  # of an earlier version
        return ""
    if not (is_current and TRAINING_SET in set_ids(store)):
        try:
            build_training_set(home, TRAINING_SET, on_progress=on_progress)
        except NhError:  # sessions that failed are named already
            return ""
    return f"{TRAINING_SET}@{stored_set(store, TRAINING_SET)[0]}"


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
