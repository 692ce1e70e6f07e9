"""What a recipe comes to in a store: its sessions, the units of each, and the versions that they are read from.

Contains the choice of sessions and units, with what was left out and why. Add here another ground on which a session or
unit is taken. How the sessions are divided is `division`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.cell_types.chosen_types import of_cell_types
from nh_platform.history.manifest import Manifest
from nh_platform.home.platform import Platform
from nh_platform.home.set_aside import session_reviews
from nh_platform.load.image_vectors import ImageVectors, joined_vectors, require_images
from nh_platform.reading import SessionView
from nh_platform.reading.images import ImageEmbedding
from nh_platform.reading.inclusion import included_probes
from nh_platform.reading.searching.released import region_names
from nh_platform.session import ConfigError, NhError, UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.events import CHANGE_TRIALS, PRESENTATIONS, TRIALS
from nh_platform.sources.anatomy.region_names import find_region
from nh_platform.sources.entry import SourceEntry
from nh_platform.training_sets.joined_images import joined_images
from nh_platform.training_sets.recipe import Recipe, SourcePart
from nh_platform.windows.presets.preset_files import load_presets
from nh_platform.windows.presets.preset_model import AlignedPreset, Preset

ASSETS = ("raw_spikes", "events", "units", "windows")
"""Assets that a session of a set must have; what the loader reads beside them is recorded where it is there."""
LOADED, EMBEDDINGS = "spike_events", "unit_embeddings"
_REGIONS = ("acronym", "beryl", "cosmos")
_EVENTS = {schema.name: schema for schema in (TRIALS, CHANGE_TRIALS, PRESENTATIONS)}

OnSession = Callable[[int, int, str], None]
"""Told the number of sessions done, that of all, and which is next."""


@dataclass
class Selection:
    """What a recipe takes of a store.

    Parameters
    ----------
    sessions
        ``source``, ``release``, ``session_id``, ``subject``, ``lab`` and ``insertion_ids`` of every session, sorted;
        ``regions``, a set of the acronyms in which any unit lies, whether it is used or not.
    units
        Schema `SET_UNITS`.
    versions
        Schema `SET_VERSIONS`.
    left_out
        What was left out and why, a text each.
    images
        Embeddings of images that join.
    """

    sessions: pd.DataFrame
    units: pd.DataFrame
    versions: pd.DataFrame
    left_out: tuple[str, ...] = ()
    images: Sequence[ImageEmbedding] = ()


@dataclass
class _Rows:
    sessions: list[dict[str, object]] = field(default_factory=list)
    units: list[pd.DataFrame] = field(default_factory=list)
    versions: list[dict[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def select(
    platform: Platform,
    recipe: Recipe,
    on_session: OnSession = lambda done, total, name: None,
    only: Mapping[str, Collection[str]] | None = None,
    only_images: Mapping[str, Collection[str]] | None = None,
) -> Selection:
    """Choose the sessions and units of a recipe; ``only`` and ``only_images`` as of `make_training_set`.

    A session that is not stored whole, has no unit left, is not included, or was set aside by reviewers is left out
    with a text; one that the recipe names is refused instead.

    Raises
    ------
    ConfigError
        If there is no such source, rulebook, preset or region, or the source has no event of a preset.
    UnknownSession
        If a session that is named is not stored, or nothing is left of a source.
    StoreError, DamagedFile
        As of `joined_images`.
    """
    joined = joined_images(platform.store, recipe, only_images)
    images = joined_vectors(joined) if joined else None
    rows, actions = _Rows(), dict[str, str]()
    wanted = {source: _wanted(platform, source, part, rows) for source, part in recipe.sources.items()}
    if only is not None:
        wanted = {source: [one for one in ids if one in only.get(source, ())] for source, ids in wanted.items()}
    total, done = sum(map(len, wanted.values())), 0
    for source, part in recipe.sources.items():
        manifest, n_before = platform.manifest(source), len(rows.sessions)
        included = _included(platform, manifest, part)
        is_asked = part.with_set_aside or only is not None  # a locked set is made again as it was
        aside = {} if is_asked else session_reviews(platform.settings, source, platform.today)
        for session_id in wanted[source]:
            on_session(done, total, f"{source} {session_id}")
            done += 1
            try:
                if session_id in aside and aside[session_id].is_set_aside:
                    action = "Leave it out, or state `with_set_aside: true` of the source."
                    raise UnknownSession(f"{source} session {session_id}", f"it is {aside[session_id].words}", action)
                _take(platform, manifest, part, session_id, included, rows, images, with_embeddings=recipe.embeddings)
            except NhError as error:
                if part.sessions is not None:
                    raise
                rows.left_out.append(f"{source} session {session_id}: {error.found}")
                actions.setdefault(source, error.action)
        if len(rows.sessions) == n_before:
            why = [text for text in rows.left_out if text.startswith(f"{source} session")]
            raise UnknownSession(
                f"training set {recipe.id}, source {source}",
                f"no session of it is left; {why[0] if why else 'none is stored'}",
                actions.get(source, f"Run `nh materialize {source} --missing` first."),
            )
    on_session(total, total, "")
    return Selection(
        pd.DataFrame(rows.sessions),
        pd.concat(rows.units, ignore_index=True),
        pd.DataFrame(rows.versions),
        tuple(rows.left_out),
        joined,
    )


def presets_of(platform: Platform, source: str, part: SourcePart) -> tuple[Preset, ...]:
    """Return the presets of a part; of one that is several, its members. One of your own goes by its id or its path.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    configured = dict(zip((preset.id for preset in platform.presets(source)), platform.presets(source)))
    found: list[Preset] = []
    for name in part.presets:
        found += [configured[name]] if name in configured else load_presets([platform.settings.own_file(name)])
    return tuple(found)


def _wanted(platform: Platform, source: str, part: SourcePart, rows: _Rows) -> list[str]:
    """Return the sessions to look at, sorted; what is refused of the source as a whole is refused here."""
    entry, manifest = platform.entry(source), platform.manifest(source)
    for region in part.regions:
        find_region(region, region_names(source))  # one that there is not is refused here, by name
    for preset in presets_of(platform, source, part):
        if isinstance(preset, AlignedPreset):
            _require_event(preset, entry)
    if part.sessions is not None:
        return sorted({manifest.session_named(one) for one in part.sessions})
    stored, listed = set(platform.store.sessions(source)), manifest.session_ids
    rows.left_out += [f"{source} session {one}: it is not stored" for one in sorted(listed) if one not in stored]
    return sorted(stored.intersection(listed))


def _require_event(preset: AlignedPreset, entry: SourceEntry) -> None:
    """Refuse a preset around events that a source does not have, such as images of a source that shows none."""
    where, events = preset.times(entry.events), sorted(entry.events)
    title, thing = entry.short_title or entry.title, f"preset {preset.id} on {entry.name}"
    action = f"Take another preset for {entry.name}, or another source."
    if where is None:
        found = f"its windows are around {preset.event!r}, which {title} does not have; it has {', '.join(events)}"
        raise ConfigError(thing, found, f"{action}{close_matches(preset.event, events)}")
    schema = _EVENTS.get(where.table)
    lacking = [one.column for one in where.filters if schema is not None and one.column not in schema.names]
    if lacking:
        found = f"its windows are around events by their {lacking[0]}, and {where.table} of {title} have none"
        raise ConfigError(thing, found, action)


def _included(platform: Platform, manifest: Manifest, part: SourcePart) -> Mapping[str, frozenset[str]] | None:
    if part.inclusion is None:
        return None
    from nh_platform.qc.rules.rulebook import load_rulebook

    rulebook = load_rulebook(platform.settings.own_file(part.inclusion))
    found = included_probes(platform.store, manifest, rulebook)
    if found is None:
        raise ConfigError(
            f"inclusion of {manifest.source} by {part.inclusion}",
            "the rulebook has no rules about sessions of this source",
            "Name another one (`nh qc rules list`), or leave `inclusion` out.",
        )
    return found


def _take(
    platform: Platform,
    manifest: Manifest,
    part: SourcePart,
    session_id: str,
    included: Mapping[str, frozenset[str]] | None,
    rows: _Rows,
    images: ImageVectors | None,
    *,
    with_embeddings: bool,
) -> None:
    """Add a session with its units and versions, or say why it is left out."""
    source, store = manifest.source, platform.store
    files, name = manifest.session(session_id), f"{source} session {session_id}"
    needed = (*ASSETS, EMBEDDINGS) if with_embeddings else ASSETS
    versions = {asset: store.data_version(source, session_id, asset) for asset in (*needed, LOADED)}
    if lacking := [asset for asset in needed if versions[asset] is None]:
        action = f"Run `nh materialize {source} {session_id}`."
        raise UnknownSession(name, f"it has no usable {' and no '.join(lacking)}", action)
    if included is not None and session_id not in included:
        raise UnknownSession(name, f"{part.inclusion} does not include it", "Leave it, or `inclusion`, out.")
    view = SessionView(store, source, session_id)
    if images is not None:
        require_images(view, images)
    units = view.units
    kept = _good(view, part, len(units))
    for preset in presets_of(platform, source, part):
        kept &= view.windows(preset.id).kept_units
    if included is not None:
        kept &= units["probe"].isin(included[session_id]).to_numpy()
    if part.regions:
        meant = frozenset().union(*(find_region(one, region_names(source)).acronyms for one in part.regions))
        kept &= np.logical_or.reduce([units[name].isin(meant).to_numpy() for name in _REGIONS if name in units])
    if part.cell_types:
        kept &= of_cell_types(units, part.cell_types)
    if kept.sum() < part.min_units:
        found = f"{int(kept.sum())} of its {len(units)} units are left, of at least {part.min_units}"
        raise UnknownSession(name, found, "Ask for more units, regions or cell types, or for fewer units of a session.")
    if versions[LOADED] is None:
        rows.left_out.append(
            f"{name}: it has no {LOADED}, which the loader reads; ask for it with `also_assets` of {source}"
        )
    insertions = files.insertions["insertion_id"].dropna().astype(str)
    rows.sessions.append(
        {
            "source": source,
            "release": manifest.release,
            "session_id": session_id,
            "subject": files.session.subject or "",
            "lab": files.session.lab or "",
            "insertion_ids": ",".join(sorted(insertions)),
            "n_units": int(kept.sum()),
            "regions": frozenset(one for name in _REGIONS if name in units for one in units[name].dropna()),
        }
    )
    region = units["region"].astype(object)
    rows.units.append(
        pd.DataFrame(
            {
                "source": source,
                "session_id": session_id,
                "unit_id": units["unit_id"].astype(str),
                "probe": units["probe"],
                "region": region.where(region.notna(), None),
            }
        )[kept]
    )
    rows.versions += [
        {"source": source, "session_id": session_id, "asset": asset, "data_version": version}
        for asset, version in versions.items()
        if version is not None
    ]


def _good(view: SessionView, part: SourcePart, n_units: int) -> npt.NDArray[np.bool_]:
    if part.units == "all":
        return np.ones(n_units, dtype=bool)
    return view.good_units(None if part.units == "good" else part.units).copy()
