"""Training sets made again in another home, from the file of their lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, open_home, unwatched
from nh_platform.session.errors import ConfigError, StoreError, UnknownSession

if TYPE_CHECKING:
    from nh_platform.operations.side_by_side.planned_runs import SessionOutcome
    from nh_platform.training_sets.lock_file import LockedImages, LockFile
    from nh_platform.training_sets.training_set import TrainingSet

_SHOWN = 5


@dataclass(frozen=True)
class Reproduction:
    """A set that was made again from the file of its lock.

    Parameters
    ----------
    lock
        The lock.
    to_make
        Sessions whose assets had to be made, or would have to be: source and session id.
    outcomes
        What came of their runs; none of a dry run.
    digest
        Identity of the set that was built; empty of a dry run.
    differing
        What differs from the locked set, a text each.
    images_to_make
        Embeddings of images that had to be made, or would have to be, as ``source/set/embedding``.
    """

    lock: LockFile
    to_make: tuple[tuple[str, str], ...]
    outcomes: tuple[SessionOutcome, ...]
    digest: str
    differing: tuple[str, ...]
    images_to_make: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether it is the locked set."""
        return self.digest == self.lock.digest


def reproduce_training_set(
    home: Home, path: Path, *, dry_run: bool = False, on_progress: OnProgress = unwatched
) -> Reproduction:
    """Make a locked set again in this home: what is not stored is made, then the set is built and compared.

    Parameters
    ----------
    home
        The home folder; its ``sources.yaml`` says where upstream is read from.
    path
        The file that `lock_training_set` wrote.
    dry_run
        Say which sessions would be made, and make nothing.
    on_progress
        Called whenever something is begun or made.

    Raises
    ------
    ConfigError
        If the file cannot be read, or the home has other settings; the text has those of the lock.
    UnknownSession
        If upstream does not list a session any more, or holds other files of one.
    NhError
        If an embedding of images cannot be made, as where its weights are not at hand; the text says how to get them.
    """
    from nh_platform.operations.catalogue_sync import sync
    from nh_platform.operations.session_runs import materialize
    from nh_platform.operations.training.set_building import build_training_set
    from nh_platform.store.names import SOURCE_WIDE
    from nh_platform.training_sets.lock_file import read_lock_file
    from nh_platform.training_sets.stored import stored_set

    lock = read_lock_file(path)
    folder = home.platform.settings.home if isinstance(home, OpenHome) else Path(home)
    _place_files(folder, lock, dry_run=dry_run)  # a home that names them cannot be opened without
    with open_home(home) as at:
        _require_settings(at, lock)
        for source in lock.sources:
            if not at.platform.store.published(source, SOURCE_WIDE):
                sync(at, source)
        _require_upstream(at, lock)
        to_make, images = tuple(_to_make(at, lock)), _images_to_make(at, lock)
        names = tuple(f"{one.source}/{one.image_set}/{one.embedding}" for one in images)
        outcomes: tuple[SessionOutcome, ...] = ()
        if not dry_run:
            for source in lock.sources:
                ids = [one for of, one in to_make if of == source]
                if ids:
                    outcomes += materialize(at, source, ids, on_progress=on_progress).outcomes
        if dry_run or any(not one.success for one in outcomes):
            return Reproduction(lock, to_make, outcomes, "", (), names)
        for one in images:
            _embed(at, one, on_progress)
        _place_recipe(at, lock)
        built = build_training_set(at, lock.id, only=lock.only, only_images=lock.only_images, on_progress=on_progress)
        if built.leaks:
            raise StoreError(
                f"training set {lock.id}", f"it leaks: {built.leaks[0]}", "Give this home's set another id."
            )
        content = stored_set(at.platform.store, lock.id)[1]
        differing = [] if content.digest == lock.digest else _differing(lock, content)
    return Reproduction(lock, to_make, outcomes, content.digest, tuple(differing), names)


def _place_files(home: Path, lock: LockFile, *, dry_run: bool) -> None:
    """Write the rulebooks, presets and lists that the set uses into the home, where it has none of that name."""
    for name, text in lock.files.items():
        place = home / name
        if place.exists():
            if place.read_text(encoding="utf-8") != text:
                raise ConfigError(str(place), "it is not the file that the set was locked with", "Move it away.")
        elif dry_run:
            found = "the lock holds it, and this home does not"
            raise ConfigError(str(place), found, "Run it without --dry-run, which writes it.")
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")


def _place_recipe(home: OpenHome, lock: LockFile) -> None:
    from nh_platform.session.yaml_files.yaml_text import to_yaml
    from nh_platform.training_sets.recipe import FOLDER, find_recipe

    place = home.platform.settings.home / FOLDER / f"{lock.id}.yaml"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(to_yaml(lock.recipe.model_dump(mode="json", exclude_defaults=True)), encoding="utf-8")
    elif find_recipe(home.platform.settings.home, lock.id) != lock.recipe:
        raise ConfigError(str(place), "it is not the recipe that the set was locked with", "Move it away.")


def _require_settings(home: OpenHome, lock: LockFile) -> None:
    """Refuse a home whose settings make other assets; the text has the settings of the lock."""
    from nh_platform.training_sets.lock_file import source_settings

    lines, differing = list[str](), list[str]()
    for source, locked in lock.sources.items():
        now = source_settings(home.platform, source)
        now = now if locked.reference_window else {name: one for name, one in now.items() if name != "reference_window"}
        wanted = {name: getattr(locked, name) for name in now}
        if differing_names := [name for name in now if _alike(now[name]) != _alike(wanted[name])]:
            differing += [f"{name} of {source}" for name in differing_names]
            shown = {name: _shown(wanted[name]) for name in differing_names}
            lines += [f"{source}:", *(f"  {name}: {value}" for name, value in shown.items())]
    if differing:
        text = "\n".join(lines)
        raise ConfigError(
            f"settings of {home.platform.settings.home}",
            f"{', '.join(differing)} are other than the set was locked with",
            f"State in the entry of each source in sources.yaml:\n{text}",
        )


def _alike(value: str | tuple[str, ...]) -> object:
    return value if isinstance(value, str) else frozenset(value)


def _shown(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"


def _require_upstream(home: OpenHome, lock: LockFile) -> None:
    """Refuse where upstream lists a session no longer, or holds other files of it: the bytes cannot be made again."""
    for source, locked in lock.sources.items():
        manifest = home.platform.manifest(source)
        listed = set(manifest.session_ids)
        gone = [one for one in locked.sessions if one not in listed]
        other = [
            one
            for one, groups in locked.sessions.items()
            if one in listed and {group: manifest.session(one).version(group) for group in groups} != groups
        ]
        for ids, found in ((gone, "upstream does not list"), (other, "upstream holds other files than it did of")):
            if ids:
                shown = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
                raise UnknownSession(
                    f"training set {lock.id}, source {source}",
                    f"{found} {len(ids)} of its {len(locked.sessions)} sessions: {shown}",
                    f"Read release {locked.release!r}, or take these sessions' store from the home that was locked.",
                )


def _to_make(home: OpenHome, lock: LockFile) -> list[tuple[str, str]]:
    """Return the sessions of which the store lacks a version that the lock names."""
    found: dict[tuple[str, str], None] = {}
    for key, version in lock.versions.items():
        source, session_id, asset = key.split("/")
        if home.platform.store.data_version(source, session_id, asset) != version:
            found[source, session_id] = None
    return list(found)


def _images_to_make(home: OpenHome, lock: LockFile) -> list[LockedImages]:
    """Return the embeddings of images that the store has not with the key of the lock."""
    from nh_platform.assets.across_sessions.planned_embeddings import stored_rows

    stored = {source: stored_rows(home.platform, source) for source in {one.source for one in lock.images}}
    return [
        one
        for one in lock.images
        if stored[one.source].get(f"{one.image_set}/{one.embedding}", {}).get("key") != one.key
    ]


def _embed(home: OpenHome, one: LockedImages, on_progress: OnProgress) -> None:
    """Make an embedding of images as the lock says; with the weights that the home's own recipe of it names, if any."""
    from nh_platform.operations.embedding.images import embed_images
    from nh_platform.reading.images.recipe_file import read_recipes

    own = read_recipes(home.platform.settings.home, one.source)
    weights = [recipe.weights for recipe in own if recipe.id == one.embedding]
    is_filled = one.form == "unwarped"
    embed_images(
        home,
        one.source,
        one.image_set,
        encoder=one.encoder,
        preprocessing=one.preprocessing.partition("@")[0],
        weights=weights[0] if weights else "",
        precision=one.precision,
        form=one.form if is_filled else "",
        fill=one.fill if is_filled else "grey",
        on_progress=on_progress,
    )


def _differing(lock: LockFile, made: TrainingSet) -> list[str]:
    """Return which versions of assets and images are other than those of the lock, or that only the content is."""
    versions = made.tables["set_versions"]
    keys = zip(versions["source"], versions["session_id"], versions["asset"])
    now = {"/".join(key): version for key, version in zip(keys, versions["data_version"])}
    texts = [
        f"{key.replace('/', ' ')}: {now.get(key, 'not there')[:16]}, and the lock has {version[:16]}"
        for key, version in lock.versions.items()
        if now.get(key) != version
    ]
    images = dict(zip(zip(made.images["source"], made.images["image_set"]), made.images["key"]))
    texts += [
        f"images {one.image_set} of {one.source}, {one.embedding}: other weights, images or code made them"
        for one in lock.images
        if images.get((one.source, one.image_set)) != one.key
    ]
    return texts or ["every version is that of the lock; units, windows or statistics of the set differ"]
