"""Stimulus tensors written as one npy per session or held against a published copy; and the pictures shown.

Contains what `nh export` does. What is in the files stands in `nh_platform.exports.stimulus`.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session import ConfigError, StoreError

if TYPE_CHECKING:
    from nh_platform.exports.stimulus.compare import Comparison


@dataclass(frozen=True)
class StimulusExport:
    """Files that were exported.

    Parameters
    ----------
    files
        The arrays, one per session; a json that says what is in them lies beside each.
    shown_as
        Sessions among them by the name under which the stimulus was shown; empty where it has one name in all sessions.
    """

    files: tuple[Path, ...]
    shown_as: Mapping[str, int]


def export_stimulus(
    home: Home,
    stimulus: str,
    structure: str,
    folder: Path,
    *,
    data: str = "spike_data",
    mode: str = "exact",
    variant: str | None = None,
    dims: str | None = None,
    source: str = "",
    on_progress: OnProgress = unwatched,
) -> StimulusExport:
    """Write one npy per session: units × presentations × time, in bins of 20 ms.

    Parameters
    ----------
    home
        Home folder.
    stimulus, structure
        Stimulus type, for example ``natural_movie_one``, and structure acronym, for example ``VISp``.
    folder
        Folder to write into.
    data
        ``spike_data``, ``speed`` (presentations × time) or ``pupil_data`` (variables × presentations × time).
    mode
        ``exact``, or ``mlynarski-compat`` for that data set's conventions.
    variant
        Only sessions that were shown the stimulus under this name.
    dims
        Order of the axes, for example ``unit,time,presentation``; the one above where None.
    source
        Source; the first that has stimulus tensors where empty.
    on_progress
        Called before tensors are joined.

    Raises
    ------
    ConfigError
        If there is no such mode, data or axis, or the source has no stimulus tensors.
    StoreError
        If no session has tensors, or they cannot be joined, or the folder cannot be written into; the text says why.
    """
    from nh_platform.exports.stimulus import export_npy, shown_names
    from nh_platform.exports.stimulus.axis_order import AXES, asked_axes
    from nh_platform.store.durable import require_folder
    from nh_platform.windows.presentations.conventions import check_mode

    chosen = check_mode(mode)
    require_folder(folder)
    if data in AXES:
        asked_axes(dims, data)  # Before a join that takes minutes.
    files = _stimulus_files(home, source, on_progress)
    written = export_npy(files, stimulus, structure, folder, data, chosen, variant, dims)
    names = shown_names(files / chosen, stimulus)
    several = len(set(names.values())) > 1
    shown = Counter(names[path.name.split("-")[0]] for path in written) if several else {}
    return StimulusExport(tuple(written), dict(sorted(shown.items())))


def compare_stimulus(
    home: Home,
    folder: Path,
    *,
    stimulus: str | None = None,
    structure: str | None = None,
    data: str | None = None,
    mode: str = "mlynarski-compat",
    dims: str | None = None,
    source: str = "",
    on_progress: OnProgress = unwatched,
) -> Comparison:
    """Hold the stimulus files of the store against a published copy of the Mlynarski group's data set.

    Parameters
    ----------
    home
        Home folder.
    folder
        A clone of the data set, or a folder of its files or of the arrays of its script.
    stimulus, structure, data
        These alone; all where None.
    mode
        Which of our two sets; ``mlynarski-compat`` has that data set's conventions.
    dims
        Order of axes of arrays that do not name theirs and whose shape fits several.
    source
        Source; the first that has stimulus tensors where empty.
    on_progress
        Called before tensors are joined.

    Returns
    -------
    Comparison
        What differs, what was not fetched, what one side alone has, and the other mode where nothing differs there.

    Raises
    ------
    ConfigError
        If a name is unknown, the folder has no such files, or the order of an array is not known.
    BadUpstreamData
        If a file of the copy is not whole.
    StoreError
        If no session has tensors, or none is in the copy.
    """
    from nh_platform.exports.stimulus.compare import compare_with_other_mode
    from nh_platform.exports.stimulus.compare.published_set import published_files
    from nh_platform.windows.presentations.conventions import check_mode

    chosen = check_mode(mode)
    published_files(folder)  # Before a join that takes minutes.
    files = _stimulus_files(home, source, on_progress)
    return compare_with_other_mode(
        files, folder, stimulus=stimulus, structure=structure, data=data, mode=chosen, dims=dims
    )


def export_pictures(home: Home, stimulus: str, folder: Path, *, mode: str = "exact", source: str = "") -> Path:
    """Write every picture of a stimulus into ``<stimulus>_frames.h5``: frame × y × x, grey levels 0-255.

    Parameters
    ----------
    home
        Home folder.
    stimulus
        ``natural_scenes``, ``natural_movie_one`` or ``natural_movie_three``.
    folder
        Folder to write into; made where it is missing.
    mode
        ``exact`` for the levels that were shown, ``mlynarski-compat`` for those of that data set.
    source
        Source; the first that has stimulus tensors where empty.

    Returns
    -------
    Path
        The file; one of that name is replaced.

    Raises
    ------
    ConfigError
        If there is no such mode, or the source or the stimulus has no pictures.
    BadUpstreamData
        If a template is missing or damaged, or does not come.
    StoreError
        If the folder cannot be written into, or the disk is full.
    """
    from nh_platform.exports.stimulus.pictures import write_pictures
    from nh_platform.sources.pictures import ShowsPictures
    from nh_platform.store.durable import disk_in_words, require_folder
    from nh_platform.windows.presentations.conventions import check_mode

    chosen, source = check_mode(mode), source or _with_tensors()
    require_folder(folder)
    with open_home(home) as at:
        opened = at.platform.source(source)
        if not isinstance(opened, ShowsPictures):
            raise ConfigError(f"source {source}", "it has no pictures of stimuli", "Leave --source out.")
        pictures = opened.stimulus_pictures(stimulus)
    path = folder / f"{stimulus}_frames.h5"
    # Not by a process id: workers in containers have the same one, and write into folders that they share.
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with disk_in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
            write_pictures(staging, stimulus, pictures, chosen)
            os.replace(staging, path)
    finally:
        staging.unlink(missing_ok=True)
    return path


def _stimulus_files(home: Home, source: str, on_progress: OnProgress) -> Path:
    """Return the folder of the stimulus files, joined first where they are missing or older than the tensors."""
    from nh_platform.assets.across_sessions.stimulus_files import ASSET, TENSORS
    from nh_platform.planning.versions import expected_source_asset
    from nh_platform.store.names import SOURCE_WIDE

    source = source or _with_tensors()
    with open_home(home) as at:
        if TENSORS not in at.platform.entry(source).extra_assets:
            raise ConfigError(f"source {source}", "it has no stimulus tensors", "Leave --source out.")
        store, expected = at.platform.store, expected_source_asset(at.platform, source, ASSET)
        if not expected.inputs:
            action = f"Run `nh materialize {source} --missing`."
            raise StoreError(f"source {source}", f"no session in {store.address} has {TENSORS}", action)
        if store.data_version(source, SOURCE_WIDE, ASSET.name) != expected.data_version:
            sessions = sum(name.startswith(f"{TENSORS}/") for name in expected.inputs)
            on_progress(Progress(f"joining the tensors of {sessions} sessions", 0, sessions))
            _join(at, source)
        return store.folder(source, SOURCE_WIDE, ASSET.name)


def _with_tensors() -> str:
    """Return the first source that has stimulus tensors.

    Raises
    ------
    ConfigError
        If none that is served has.
    """
    from nh_platform.assets.across_sessions.stimulus_files import TENSORS
    from nh_platform.sources.registry import sources

    found = next((name for name, entry in sources().items() if TENSORS in entry.extra_assets), "")
    if not found:
        served = f"none of {', '.join(sources())} has stimulus tensors"
        raise ConfigError("the sources that are served", served, "`nh doctor` names those that cannot be served.")
    return found


def _join(home: OpenHome, source: str) -> None:
    """Materialize `stimulus_files` in this process."""
    from nh_platform.assets.across_sessions.stimulus_files import ASSET
    from nh_platform.defs.across_sessions.source_assets import build_source_asset
    from nh_platform.defs.automation.jobs import inventory_job_name
    from nh_platform.defs.run_tags import run_tags
    from nh_platform.operations.in_process import materialize_one

    definition = build_source_asset(home.platform.entry(source), home.platform, ASSET)
    action = "Correct it and run the command again."
    tags = run_tags(home.platform.store, source, "nh export")
    materialize_one(home, definition, inventory_job_name(source), tags, f"{source} {ASSET.name}", StoreError, action)
