"""The asset `image_embeddings`: one vector for every image of every set of a source, by each recipe of the home.

Change here what is stored of them. Encoders and keys are `nh_platform.embeddings.images`; sets and recipes are read by
`nh_platform.reading.images`. An embedding whose key did not change is taken over as it is: other weights of one encoder
make that one again and no other.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.assets.record import AssetCheck, AssetResult, CheckOutcome, SourceAsset
from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.session.tables.images import IMAGE_EMBEDDINGS, IMAGE_NAMES, IMAGE_ROWS
from nh_platform.store.names import SOURCE_WIDE

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.embeddings.images.image_encoder import ImageEncoder
    from nh_platform.embeddings.images.recipe import ImageRecipe
    from nh_platform.embeddings.images.weights import Weights
    from nh_platform.session.image_set import ImageSet

OnImages = Callable[[str, int, int], None]

GPU_POOL = "gpu"
"""Pool of the runs that encode images; `dagster instance concurrency set gpu 1` where a card holds one model alone."""
NOT_MADE = "not made"
"""Version of an embedding that cannot be made now: images or weights are not at hand."""
_NAME = "image_embeddings"
_TABLE, _NAMES = f"{_NAME}.parquet", "image_names.parquet"


@dataclass(frozen=True)
class Planned:
    """An embedding that a recipe asks for.

    Parameters
    ----------
    image_set, recipe, encoder
        Of which images, how, and by what.
    images_version, images_sha256
        Identity of the files with the images, and of their pixels; empty where the files are not at hand.
    weights
        Those of the encoder; None without, or where they are not at hand.
    key
        Identity of the result; `NOT_MADE` where it cannot be made.
    problem
        Why not; None where it can be.
    """

    image_set: str
    recipe: ImageRecipe
    encoder: ImageEncoder
    images_version: str = ""
    images_sha256: str = ""
    weights: Weights | None = None
    key: str = NOT_MADE
    problem: NhError | None = None

    @property
    def name(self) -> str:
        """``<set>/<embedding>``."""
        return f"{self.image_set}/{self.recipe.id}"


def inputs(platform: Platform, source: str) -> Mapping[str, str]:
    """Return the key of every embedding that the recipes ask for, by set and name.

    One whose images or weights are not at hand has that of the stored one, which is none the worse for it.
    """
    stored = stored_rows(platform, source)
    found = {}
    for one in planned(platform, source):
        row = stored.get(one.name)
        found[one.name] = str(row["key"]) if one.problem is not None and row is not None else one.key
    return found


def planned(platform: Platform, source: str, also: tuple[ImageRecipe, ...] = ()) -> Iterator[Planned]:
    """Yield every embedding that the recipes of a source ask for, sorted by set and name.

    A recipe of every set passes over sets whose files are not at hand, unless they are stored with it. ``also`` are
    recipes that go before those of the home.

    Raises
    ------
    ConfigError
        If the file of the recipes has a mistake.
    """
    from nh_platform.embeddings.images.recipe import EVERY_SET
    from nh_platform.reading.images.image_sets import image_set_sessions, image_source
    from nh_platform.reading.images.recipe_file import read_recipes

    forms = image_source(platform, source).image_forms
    sessions = image_set_sessions(platform, source)
    stored = stored_rows(platform, source)
    asked: dict[str, tuple[str, ImageRecipe]] = {}
    for recipe in (*read_recipes(platform.settings.home, source), *also):
        for name in sessions if recipe.image_set == EVERY_SET else (recipe.image_set,):
            # What names its set goes before what is for every set.
            if recipe.image_set != EVERY_SET or f"{name}/{recipe.id}" not in asked:
                asked[f"{name}/{recipe.id}"] = (name, recipe)
    for key, (name, recipe) in sorted(asked.items()):
        is_general = recipe.image_set == EVERY_SET
        if is_general and recipe.form and recipe.form not in forms:
            continue
        one = _plan(platform, source, name, recipe, stored.get(key))
        if one.images_version or not is_general or key in stored:
            yield one


def _plan(platform: Platform, source: str, name: str, recipe: ImageRecipe, stored: Mapping[str, Any] | None) -> Planned:
    """Return an embedding that is asked for, with its key or why it has none."""
    from nh_platform.embeddings.images.image_encoders import find_image_encoder
    from nh_platform.embeddings.images.preprocessing import find_preprocessing
    from nh_platform.embeddings.images.recipe import embedding_key
    from nh_platform.embeddings.images.weights import find_weights
    from nh_platform.reading.images.image_sets import find_image_set, image_source
    from nh_platform.session import BadUpstreamData

    encoder = find_image_encoder(recipe.encoder)
    version, weights = "", None
    try:
        version = image_source(platform, source).image_set_version(name, find_image_set(platform, source, name))
        if not version:
            action = f"Run `nh embed images {source} {name}`, which fetches them where the source's mode allows it."
            raise BadUpstreamData(f"images {name} of {source}", "their files are not at hand", action)
        if encoder.weights:
            home = platform.settings.home
            weights = find_weights(recipe.weights, encoder.weights, home, cache_dir=home / "cache" / "weights")
        if stored is not None and stored["images_version"] == version:
            pixels = str(stored["images_sha256"])
        else:
            pixels = images_sha256(platform, source, name, recipe, version)
    except NhError as error:
        return Planned(name, recipe, encoder, version, problem=error)
    identity = "" if weights is None else weights.sha256
    key = embedding_key(pixels, recipe, encoder, identity, find_preprocessing(recipe.preprocessing))
    return Planned(name, recipe, encoder, version, pixels, weights, key)


def images_sha256(platform: Platform, source: str, name: str, recipe: ImageRecipe, version: str) -> str:
    """Return the identity of the pixels of a set, read once per process for a version of their files."""
    return _hash_once(platform, source, name, recipe.form, recipe.fill, version)


@functools.lru_cache(maxsize=64)
def _hash_once(platform: Platform, source: str, name: str, form: str, fill: str, version: str) -> str:
    from nh_platform.reading.images.image_sets import read_images

    return read_images(platform, source, name, form, fill).sha256


def stored_rows(platform: Platform, source: str) -> dict[str, dict[str, Any]]:
    """Return the rows of the stored table by ``<set>/<embedding>``; none where nothing is stored, or it is damaged."""
    from nh_platform.store.codecs.parquet import read_table

    folder = platform.store.usable(source, SOURCE_WIDE, _NAME)
    if folder is None:
        return {}
    try:
        rows = read_table(folder / _TABLE).to_dict("records")
    except NhError:
        return {}
    return {f"{row['image_set']}/{row['embedding']}": {str(k): v for k, v in row.items()} for row in rows}


def make(platform: Platform, source: str, folder: Path, on_progress: OnImages | None = None) -> AssetResult:
    """Embed what is asked for and has no stored embedding of its key; take over the others.

    ``on_progress`` is called with what is embedded, and how many of how many images are done.
    """
    import pandas as pd

    from nh_platform.store.codecs.parquet import write_table

    stored = stored_rows(platform, source)
    rows: list[dict[str, Any]] = []
    names: dict[str, tuple[str, ...]] = {}
    notes, problems, made = [], [], 0
    for one in planned(platform, source):
        row = stored.get(one.name)
        try:
            if row is not None and (one.problem is not None or row["key"] == one.key):
                names[one.image_set] = _take_over(platform, source, row, folder)
                if one.problem is not None:
                    notes.append(f"{one.name}: kept as it was made: {one.problem}")
            elif one.problem is not None:
                raise one.problem
            else:
                row, names[one.image_set] = _embed(platform, source, one, folder, on_progress)
                made += 1
            rows.append(row)
            problems += [f"{one.name}: {text}" for text in soundness_of(row)]
        except NhError as error:
            problems.append(f"{one.name}: it was not made: {error}")
    if not rows and not problems:
        notes.append(
            f"no image set of {source} is at hand; `nh embed images {source} SET` fetches one where the source's mode "
            "allows it"
        )
    table = IMAGE_EMBEDDINGS.conform(pd.DataFrame(rows, columns=IMAGE_EMBEDDINGS.names))
    write_table(folder / _TABLE, table, IMAGE_EMBEDDINGS)
    write_table(folder / _NAMES, _names_table(names), IMAGE_NAMES)
    return AssetResult(
        rows=len(table),
        shown={
            "image sets": len(names),
            "images": sum(map(len, names.values())),
            "embeddings made": made,
            "embeddings taken over": len(rows) - made,
            "embeddings": [_of_embedding(row) for row in rows],
        },
        notes=(*notes, *problems),
        check=CheckOutcome(
            not problems,
            f"{len(problems)} problems of {len(rows)} embeddings."
            + (f" First: {problems[0]}" if problems else " All are finite, varied and tell images apart."),
            {"problems": [{"problem": text} for text in problems], "embeddings": [_of_embedding(row) for row in rows]},
            is_known=bool(rows or problems),
        ),
    )


def soundness_of(row: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a stored embedding, in words."""
    from nh_platform.embeddings.images.soundness import Soundness

    measured = {name: row[name] for name in ("n_not_finite", "n_constant", "effective_rank", "n_duplicates")}
    return Soundness(**measured, n_images=row["n_images"], n_features=row["n_features"]).problems


def _embed(
    platform: Platform, source: str, one: Planned, folder: Path, on_progress: OnImages | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Embed the images of a set and write their vectors; return the row of the table, and the names of the images."""
    import numpy as np

    from nh_platform.embeddings.images.image_embedding import embed_images
    from nh_platform.embeddings.images.preprocessing import find_preprocessing
    from nh_platform.embeddings.images.soundness import measure
    from nh_platform.reading.images.image_sets import read_images

    recipe = one.recipe
    images = read_images(platform, source, one.image_set, recipe.form, recipe.fill)
    weights = None if one.weights is None else one.weights.folder

    def on_done(done: int) -> None:
        if on_progress is not None:
            on_progress(f"{source} {one.name}", done, len(images))

    vectors = embed_images(images, recipe, one.encoder, weights, on_done=on_done)
    found = measure(vectors, _n_distinct(images))
    file = f"{one.name}.npy"
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    np.save(folder / file, vectors, allow_pickle=False)
    prepared = find_preprocessing(recipe.preprocessing)
    row = {
        "image_set": one.image_set,
        "embedding": recipe.id,
        "encoder": one.encoder.name,
        "encoder_version": one.encoder.version,
        "preprocessing": f"{prepared.name}@{prepared.version}",
        "precision": recipe.precision,
        "form": images.form,
        "fill": images.fill,
        "weights_sha256": "" if one.weights is None else one.weights.sha256,
        "images_version": one.images_version,
        "images_sha256": one.images_sha256,
        "key": one.key,
        "n_images": len(images),
        "height": images.pixels.shape[1],
        "width": images.pixels.shape[2],
        "n_features": found.n_features,
        "n_not_finite": found.n_not_finite,
        "n_constant": found.n_constant,
        "effective_rank": found.effective_rank,
        "n_duplicates": found.n_duplicates,
        "file": file,
    }
    return row, images.image_names


def _n_distinct(images: ImageSet) -> int:
    """Return the number of images that differ in a pixel."""
    return len({hash(image.tobytes()) for image in images.pixels})


def _take_over(platform: Platform, source: str, row: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Copy the vectors of a stored embedding, once verified; return the names of the images."""
    from nh_platform.store.codecs.parquet import read_table
    from nh_platform.store.file_hashes import verified

    before = platform.store.folder(source, SOURCE_WIDE, _NAME)
    target = folder / str(row["file"])
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(verified(before / str(row["file"])), target)
    names = read_table(before / _NAMES)
    names = names[names["image_set"] == row["image_set"]].sort_values("image_row")
    return tuple(names["image_name"])


def _names_table(names: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    import pandas as pd

    rows = [(image_set, row, name) for image_set, of in sorted(names.items()) for row, name in enumerate(of)]
    return IMAGE_NAMES.conform(pd.DataFrame(rows, columns=IMAGE_NAMES.names))


def _of_embedding(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is shown of an embedding."""
    shown = ("image_set", "embedding", "n_images", "n_features", "effective_rank", "n_constant", "n_duplicates", "key")
    return {name: row[name][:12] if name == "key" else row[name] for name in shown}


ASSET = SourceAsset(
    name=_NAME,
    code_version="1",
    description=(
        "One vector for every image of every image set of the source, by each recipe of the home "
        "(image_embeddings/<source>.yaml; gabor-pyramid where there is none): matrices, what made them, and whether "
        "they are sound. In Python, `open_store(...).image_embedding(source, image_set, name)`."
    ),
    kinds=frozenset({"numpy", "parquet"}),
    tables=(
        (IMAGE_EMBEDDINGS, _TABLE),
        (IMAGE_NAMES, _NAMES),
        (IMAGE_ROWS, "computed from `presentations`; in Python, session.image_rows"),
    ),
    reads=("events",),
    inputs=inputs,
    make=make,
    check=AssetCheck(
        "embeddings_are_sound",
        "Every embedding that the recipes ask for is made; its numbers are finite, its features vary, its effective "
        "rank is 2 or more, and no two images that differ have one vector.",
    ),
    of_every_source=False,
    pool=GPU_POOL,
)
