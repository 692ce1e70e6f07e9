"""The asset `image_embeddings`: one vector for every image of every set of a source, by each recipe of the home.

Change here what is stored of them. Encoders and keys are `nh_platform.embeddings.images`; sets and recipes are read by
`nh_platform.reading.images`. An embedding whose key did not change is taken over as it is: other weights of one encoder
make that one again and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.assets.across_sessions.kept_embeddings import kept_of_before, measures, taken_over
from nh_platform.assets.across_sessions.planned_embeddings import (
    ASSET_NAME,
    Planned,
    planned,
    stored_rows,
)
from nh_platform.assets.record import AssetCheck, AssetResult, CheckOutcome, SourceAsset
from nh_platform.home.platform import Platform
from nh_platform.session import NhError
from nh_platform.session.display import counted
from nh_platform.session.tables.across_sessions.images import (
    EMBEDDINGS_FILE,
    IMAGE_EMBEDDINGS,
    IMAGE_NAMES,
    IMAGE_ROWS,
    NAMES_FILE,
)

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.session.image_set import ImageSet

OnImages = Callable[[str, int, int], None]

GPU_POOL = "gpu"
"""Pool of the runs that encode images; `dagster instance concurrency set gpu 1` where a card holds one model alone."""


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


def make(platform: Platform, source: str, folder: Path, on_progress: OnImages | None = None) -> AssetResult:
    """Embed what is asked for and has no stored embedding of its key; take over the others.

    ``on_progress`` is called with what is embedded, and how many of how many images are done.
    """
    import pandas as pd

    from nh_platform.store.codecs.parquet import write_table

    stored = stored_rows(platform, source)
    rows: list[dict[str, Any]] = []
    names: dict[str, tuple[str, ...]] = {}
    notes, not_made, problems, made = [], [], [], 0
    for one in planned(platform, source):
        row = stored.get(one.name)
        try:
            is_kept = row is not None and (one.problem is not None or row["key"] == one.key)
            if row is not None and is_kept and (taken := taken_over(platform, source, one, row, folder)) is not None:
                names[one.image_set] = taken
                row = {**row, **measures(row, folder)}
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
            kept = "" if row is None else kept_of_before(platform, source, one, row, folder, names)
            if row is not None and kept:
                rows.append(row)
            not_made.append(f"{one.name}: it was not made{kept}: {error}")
    if not rows and not not_made:
        notes.append(
            f"no image set of {source} is at hand; `nh embed images {source} SET` fetches one where the source's mode "
            "allows it"
        )
    table = IMAGE_EMBEDDINGS.conform(pd.DataFrame(rows, columns=IMAGE_EMBEDDINGS.names))
    write_table(folder / EMBEDDINGS_FILE, table, IMAGE_EMBEDDINGS)
    write_table(folder / NAMES_FILE, _names_table(names), IMAGE_NAMES)
    return AssetResult(
        rows=len(table),
        shown={
            "image sets": len(names),
            "images": sum(map(len, names.values())),
            "embeddings made": made,
            "embeddings taken over": len(rows) - made,
            "embeddings": [_of_embedding(row) for row in rows],
        },
        notes=(*notes, *not_made, *problems),
        checks={
            MADE.name: _outcome(
                not_made, bool(rows or not_made), "Every embedding that is asked for is stored as asked."
            ),
            SOUND.name: _outcome(problems, bool(rows), "Vectors are finite, vary, and tell images apart.", rows),
        },
    )


def _outcome(problems: list[str], is_known: bool, fine: str, rows: Iterable[Mapping[str, Any]] = ()) -> CheckOutcome:
    """Return the outcome of a check: its problems, each a text that names the embedding."""
    text = f"{counted(len(problems), 'problem')}, first {problems[0]}" if problems else fine
    shown: dict[str, Any] = {"problems": [{"problem": one} for one in problems]}
    if rows := [_of_embedding(row) for row in rows]:
        shown["embeddings"] = rows
    return CheckOutcome(not problems, text if is_known else "No embedding is stored.", shown, is_known=is_known)


def soundness_of(row: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a stored embedding, in words."""
    from nh_platform.embeddings.images.soundness import problems_of
    from nh_platform.embeddings.vector_quality import VectorQuality

    measured = {name: row[name] for name in ("n_not_finite", "n_constant", "effective_rank", "n_duplicates")}
    return problems_of(VectorQuality(row["n_images"], row["n_features"], **measured))


def _embed(
    platform: Platform, source: str, one: Planned, folder: Path, on_progress: OnImages | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Embed the images of a set and write their vectors; return the row of the table, and the names of the images."""
    import numpy as np

    from nh_platform.embeddings.images.image_embedding import computing_packages, embed_images
    from nh_platform.embeddings.images.preprocessing import find_preprocessing
    from nh_platform.embeddings.vector_quality import vector_quality
    from nh_platform.reading.images.image_sets import read_images

    recipe = one.recipe
    images = read_images(platform, source, one.image_set, recipe.form, recipe.fill)
    weights = None if one.weights is None else one.weights.folder

    def on_done(done: int) -> None:
        if on_progress is not None:
            on_progress(f"{source} {one.name}", done, len(images))

    vectors = embed_images(images, recipe, one.encoder, weights, on_done=on_done)
    found = vector_quality(vectors, scaled=False, n_distinct=_n_distinct(images))
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
        "packages": computing_packages(one.encoder),
        "n_images": len(images),
        "height": images.pixels.shape[1],
        "width": images.pixels.shape[2],
        "n_features": found.n_columns,
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


def _names_table(names: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    import pandas as pd

    rows = [(image_set, row, name) for image_set, of in sorted(names.items()) for row, name in enumerate(of)]
    return IMAGE_NAMES.conform(pd.DataFrame(rows, columns=IMAGE_NAMES.names))


def _of_embedding(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is shown of an embedding."""
    shown = ("image_set", "embedding", "n_images", "n_features", "effective_rank", "n_constant", "n_duplicates", "key")
    return {name: row[name][:12] if name == "key" else row[name] for name in shown}


MADE = AssetCheck(
    "embeddings_made",
    "Every embedding that the recipes ask for is stored, made of the images and weights that are there now. What is "
    "missing or damaged is named; what was stored of it is kept.",
)
SOUND = AssetCheck(
    "image_vectors_sound",
    "Numbers of every embedding are finite, its features vary, its effective rank is 2 or more, and no two images "
    "that differ have one vector.",
)

ASSET = SourceAsset(
    name=ASSET_NAME,
    code_version="2",
    description=(
        "One vector for every image of every image set of the source, by each recipe of the home "
        "(`image_embeddings/SOURCE.yaml`; gabor-pyramid where there is none): matrices, what made them, and whether "
        "they are sound. In Python, `open_store(...).image_embedding(source, image_set, name)`."
    ),
    kinds=frozenset({"numpy", "parquet"}),
    tables=(
        (IMAGE_EMBEDDINGS, EMBEDDINGS_FILE),
        (IMAGE_NAMES, NAMES_FILE),
        (IMAGE_ROWS, "computed from `presentations`; in Python, session.image_rows"),
    ),
    reads=("events",),
    inputs=inputs,
    make=make,
    checks=(MADE, SOUND),
    of_every_source=False,
    pool=GPU_POOL,
)
