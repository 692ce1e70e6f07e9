"""Simulated upstream data of a demo, in the upstream formats, and the settings that point at them.

Contains what is written where. What is simulated is in `nh_platform.simulation`; what is run on it, in `demo_home`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import OnProgress, OpenHome, Progress, unwatched
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.operations.side_by_side.pieces import Piece

SEED = 2026
SESSIONS_PER_SOURCE = 2
TRAINING_SET = "demo"
_ALSO_PRESETS = {"ibl": ("bwb-2026-feedback",)}
"""Windows beside those of every home, for docs/train-a-model.md."""
_REFERENCE_WINDOWS = {"allen_vc": "spontaneous-100s", "allen_vbn": "spontaneous-20s"}
"""Shorter than by default, since sessions are: what a session has of grey before the stretches that are tested."""
UPSTREAM = "upstream"
_MARKER = "simulated.txt"


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
    upstream = SimulatedUpstream(folder, seed, sources)
    for piece in upstream.begin().values():
        piece.work(_no_home, on_progress)
        upstream.on_done(piece, None)


class SimulatedUpstream:
    """Simulated upstream data in a home folder, written source by source in whichever process.

    Parameters
    ----------
    folder
        Home folder of the demo.
    seed
        Seed of the simulation.
    sources
        Names of the sources; all that have a simulation where empty.
    """

    def __init__(self, folder: Path, seed: int, sources: Sequence[str] = ()) -> None:
        from nh_platform.operations.simulated.simulated_sources import simulated_sources

        self._folder, self._seed = folder, seed
        self._sources = tuple(sources) or simulated_sources()
        self._left: set[Piece] = set()

    def begin(self) -> dict[str, Piece]:
        """Write the settings, and return the pieces that write each source; none if all is there.

        Raises
        ------
        ConfigError
            If the folder holds data of another seed or of other sources, a home that is not a demo, or a file where
            one of its folders should be.
        """
        from nh_platform.downloads.in_buckets.raw_places import RAW_FOLDER
        from nh_platform.home.standing_folders import require_folder
        from nh_platform.operations.side_by_side.pieces import Piece
        from nh_platform.sources.setting_errors import SOURCES_FILE
        from nh_platform.training_sets.recipe import FOLDER as RECIPES

        folder, settings = self._folder, _sources_text(self._sources)
        if self._marker.exists():
            if self._marker.read_text(encoding="utf-8") != self._stated:
                found = "it holds a demo of another seed or of other sources"
                raise ConfigError(str(folder), found, "Delete it or choose another --folder.")
            return {}
        file = folder / SOURCES_FILE
        is_begun = file.exists() and file.read_text(encoding="utf-8") == settings
        if not is_begun and any((folder / part).exists() for part in (SOURCES_FILE, "store", "raw")):
            found = "it is the home of something other than this demo"
            raise ConfigError(str(folder), found, "Choose another --folder.")
        for part in (UPSTREAM, RECIPES, RAW_FOLDER, "store", "dagster"):
            require_folder(folder / part, "Choose another --folder.")
        recipe = folder / RECIPES / f"{TRAINING_SET}.yaml"
        recipe.parent.mkdir(parents=True, exist_ok=True)
        recipe.write_text(_recipe_text(self._sources), encoding="utf-8")
        file.write_text(settings, encoding="utf-8")
        pieces = {
            source: Piece(f"simulated {source} sessions", partial(_write, source, self._root(source), self._seed))
            for source in self._sources
        }
        self._left = set(pieces.values())
        return pieces

    def on_done(self, piece: Piece, _: Any) -> None:
        """Take notice that a piece is done; the last one makes the data whole, which are written anew until then."""
        if piece in self._left:
            self._left.remove(piece)
            if not self._left:
                self._marker.write_text(self._stated, encoding="utf-8")

    @property
    def _marker(self) -> Path:
        return self._folder / UPSTREAM / _MARKER

    @property
    def _stated(self) -> str:
        return f"seed {self._seed}, {SESSIONS_PER_SOURCE} sessions each of {', '.join(self._sources)}\n"

    def _root(self, source: str) -> Path:
        return self._folder / UPSTREAM / source


def _write(source: str, folder: Path, seed: int, _: Callable[[], OpenHome], on_progress: OnProgress) -> None:
    from nh_platform.operations.simulated.simulated_sources import write_simulated
    from nh_platform.simulation import DEMO

    what = f"writing simulated {source} sessions"
    on_progress(Progress(what, 0, SESSIONS_PER_SOURCE))
    write_simulated(source, folder, SESSIONS_PER_SOURCE, seed, DEMO)
    on_progress(Progress(what, SESSIONS_PER_SOURCE, SESSIONS_PER_SOURCE, "done"))


def _no_home() -> OpenHome:
    raise AssertionError("a simulation needs no home")


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
