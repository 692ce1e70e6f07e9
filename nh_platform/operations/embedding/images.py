"""Images of stimuli embedded here and now, and what is stored of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session import ConfigError, NhError, StoreError

if TYPE_CHECKING:
    from nh_platform.assets.across_sessions.image_embeddings import Planned
    from nh_platform.embeddings.images.recipe import ImageRecipe

CURRENT, MADE, WOULD_BE_MADE, NOT_MADE = "current", "made", "would be made", "not made"


@dataclass(frozen=True)
class EmbeddedSet:
    """One embedding of one image set.

    Parameters
    ----------
    image_set, embedding
        The set, and the name of the embedding among those of the set.
    state
        ``current``, ``made``, ``would be made`` of a dry run, or ``not made``.
    facts
        Its row of `image_embeddings`; empty where none is stored.
    problem
        Why it is not made; empty where it is.
    """

    image_set: str
    embedding: str
    state: str
    facts: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True)
class EmbeddedImages:
    """Embeddings of the images of a source.

    Parameters
    ----------
    source
        The source.
    sets
        Every embedding that its recipes ask for, those of ``image_set`` alone where one was named.
    folder
        Folder of the asset; None where nothing is stored.
    recipes
        File of the recipes.
    """

    source: str
    sets: tuple[EmbeddedSet, ...]
    folder: Path | None
    recipes: Path


def embed_images(
    home: Home,
    source: str,
    image_set: str = "",
    *,
    encoder: str = "gabor-pyramid",
    preprocessing: str = "seed-guide",
    weights: str = "",
    precision: str = "float32",
    form: str = "",
    fill: str = "grey",
    dry_run: bool = False,
    on_progress: OnProgress = unwatched,
) -> EmbeddedImages:
    """Embed the images of a set, and store the vectors; what is stored with the same key is not computed again.

    Images and weights that are not at hand are fetched, where the source's mode and the network allow it. The recipe is
    kept in the home (``image_embeddings/<source>.yaml``), by which the daily inventory makes it again.

    Parameters
    ----------
    home
        Home folder.
    source, image_set
        Which images; every set that is at hand where no set is named.
    encoder
        ``gabor-pyramid``, ``dinov2-small``, ``dinov2-base``, ``dinov2-large``, ``hf:owner/model``, or that of an
        installed package.
    preprocessing
        ``seed-guide`` or ``processor``.
    weights
        Folder of the weights; those of the Hugging Face hub where empty.
    precision
        ``float32`` or ``bfloat16``.
    form, fill
        Of Visual Behavior ``warped`` or ``unwarped`` images, and what fills the border of the latter: ``grey``,
        ``black``, ``white``, ``mean``.
    dry_run
        Say what would be made, and fetch, compute and store nothing.
    on_progress
        Called after each batch of images.

    Raises
    ------
    ConfigError
        If the source has no images, there is no such set, encoder or preprocessing, or the weights are missing, damaged
        or not whole; the text says how to get them.
    BadUpstreamData
        If the files with the images are missing or damaged, and do not come.
    StoreError
        If it cannot be stored.
    """
    from nh_platform.assets.across_sessions.image_embeddings import ASSET, stored_rows
    from nh_platform.reading.images.image_sets import image_source
    from nh_platform.reading.images.recipe_file import add_recipe, recipe_file
    from nh_platform.store.names import SOURCE_WIDE

    with open_home(home) as at:
        platform = at.platform
        platform.entry(source)
        image_source(platform, source)
        folder = _stated_folder(platform.settings.home, weights)
        recipe = _recipe(image_set, encoder, preprocessing, folder, precision, form, fill)
        before = stored_rows(platform, source)
        if not dry_run:
            _try(at, source, image_set, recipe)
            add_recipe(platform.settings.home, source, recipe)
        asked = _asked(at, source, recipe)
        if dry_run:
            states = {one.name: _state(one, before, WOULD_BE_MADE) for one in asked}
        else:
            if any(_state(one, before, MADE) != CURRENT for one in asked):
                _run(at, source, on_progress)
            states = {one.name: _state(one, before, MADE) for one in asked}
        stored = stored_rows(platform, source)
        if not dry_run:  # what could not be made anew is kept as it was
            states |= {one.name: NOT_MADE for one in asked if _state(one, stored, NOT_MADE) == NOT_MADE}
        sets = tuple(
            EmbeddedSet(
                one.image_set,
                one.recipe.id,
                states[one.name],
                stored.get(one.name, {}),
                "" if one.problem is None else str(one.problem),
            )
            for one in asked
        )
        if not dry_run:
            _refuse_unmade(at, source, sets)
        stored_in = platform.store.current(source, SOURCE_WIDE, ASSET.name)
        return EmbeddedImages(source, sets, stored_in, recipe_file(platform.settings.home, source))


def _stated_folder(home: Path, weights: str) -> str:
    """Return a folder as the recipe states it: within the home from there, else whole; as it is where it is none."""
    folder = Path(weights).absolute()
    if not weights or not folder.is_dir():
        return weights
    return str(folder.relative_to(home)) if folder.is_relative_to(home) else str(folder)


def _recipe(
    image_set: str, encoder: str, preprocessing: str, weights: str, precision: str, form: str, fill: str
) -> ImageRecipe:
    """Return the recipe of these choices.

    Raises
    ------
    ConfigError
        Naming the choice, what was found and what is expected.
    """
    from pydantic import ValidationError

    from nh_platform.embeddings.images.image_encoders import find_image_encoder
    from nh_platform.embeddings.images.preprocessing import find_preprocessing
    from nh_platform.embeddings.images.recipe import EVERY_SET, ImageRecipe

    find_image_encoder(encoder)
    find_preprocessing(preprocessing)
    try:
        return ImageRecipe.model_validate(
            {
                "image_set": image_set or EVERY_SET,
                "encoder": encoder,
                "preprocessing": preprocessing,
                "weights": weights,
                "precision": precision,
                "form": form,
                "fill": fill,
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "choices"
        found = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"embedding of images, {name}", found, "Correct this value.") from None


def _try(home: OpenHome, source: str, image_set: str, recipe: ImageRecipe) -> None:
    """Fetch what is needed, and embed one image: whatever is wrong is said before anything is written down."""
    from dataclasses import replace

    from nh_platform.embeddings.images.image_embedding import embed_images as embed
    from nh_platform.embeddings.images.image_encoders import find_image_encoder, installed_image_encoders
    from nh_platform.embeddings.images.weights import find_weights
    from nh_platform.reading.images.image_sets import image_source, read_images
    from nh_platform.session.installed import package_named

    platform, encoder = home.platform, find_image_encoder(recipe.encoder)
    forms = image_source(platform, source).image_forms
    if recipe.form and recipe.form not in forms:
        raise ConfigError(
            f"form {recipe.form!r} of images", f"images of {source} have no such form", f"Use {' or '.join(forms)}."
        )
    folder = None
    if encoder.weights:
        own = platform.settings.home
        found = find_weights(
            recipe.weights,
            encoder.weights,
            own,
            preprocessing=recipe.preprocessing,
            cache_dir=own / "cache" / "weights",
            may_download=True,
        )
        folder = found.folder
    if image_set:
        images = read_images(platform, source, image_set, recipe.form, recipe.fill)
        one = replace(images, image_names=images.image_names[:1], pixels=images.pixels[:1])
        embed(one, recipe, encoder, folder)
    else:
        package = installed_image_encoders().packages.get(encoder.name)
        with package_named(f"image encoder {encoder.name}", package, "it cannot be opened"):
            encoder.open(folder, recipe.precision)


def _asked(home: OpenHome, source: str, recipe: ImageRecipe) -> list[Planned]:
    """Return what the recipe asks for, whether or not it is written down already."""
    from nh_platform.assets.across_sessions.image_embeddings import planned
    from nh_platform.embeddings.images.recipe import EVERY_SET

    return [
        one
        for one in planned(home.platform, source, (recipe,))
        if one.recipe.id == recipe.id and recipe.image_set in (EVERY_SET, one.image_set)
    ]


def _state(one: Planned, stored: Mapping[str, Mapping[str, Any]], otherwise: str) -> str:
    row = stored.get(one.name)
    if row is not None and (one.problem is not None or row["key"] == one.key):
        return CURRENT
    return NOT_MADE if one.problem is not None else otherwise


def _run(home: OpenHome, source: str, on_progress: OnProgress) -> None:
    """Materialize `image_embeddings` in this process."""
    from dataclasses import replace
    from functools import partial

    from nh_platform.assets.across_sessions.image_embeddings import ASSET, make
    from nh_platform.defs.across_sessions.source_assets import build_source_asset
    from nh_platform.defs.automation.jobs import inventory_job_name
    from nh_platform.defs.run_tags import run_tags
    from nh_platform.operations.in_process import materialize_one

    def told(what: str, done: int, total: int) -> None:
        on_progress(Progress(what, done, total, "done" if done == total else ""))

    watched = replace(ASSET, make=partial(make, on_progress=told))
    definition = build_source_asset(home.platform.entry(source), home.platform, watched)
    action = "Correct it and run the command again."
    tags = run_tags(home.platform.store, source, "nh embed images")
    materialize_one(home, definition, inventory_job_name(source), tags, f"{source} {ASSET.name}", StoreError, action)


def _refuse_unmade(home: OpenHome, source: str, sets: tuple[EmbeddedSet, ...]) -> None:
    """Stop where something was asked for and is not stored as it was asked for; the text says why."""
    from nh_platform.assets.across_sessions.image_embeddings import ASSET
    from nh_platform.store import Provenance
    from nh_platform.store.names import SOURCE_WIDE

    lacking = [one for one in sets if not one.facts or one.state == NOT_MADE]
    if not lacking:
        return
    first = lacking[0]
    name = f"{first.image_set}/{first.embedding}"
    folder = home.platform.store.current(source, SOURCE_WIDE, ASSET.name)
    notes = () if folder is None else Provenance.read(folder).left_out
    why = next((note for note in notes if note.startswith(name)), first.problem or f"{name}: it was not made")
    raise NhError(f"image embedding of {source}", why, "Correct it and run the command again.")
