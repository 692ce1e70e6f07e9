"""The recipes by which a home embeds the images of a source: ``image_embeddings/<source>.yaml``.

Contains reading and adding; without the file there is one recipe, the default. The file is for people to change. What a
recipe says is `nh_platform.embeddings.images.recipe`.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from nh_platform.embeddings.images.image_encoders import find_image_encoder
from nh_platform.embeddings.images.recipe import EVERY_SET, ImageRecipe
from nh_platform.session import ConfigError
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_optional, read_text
from nh_platform.session.yaml_files.yaml_text import to_yaml
from nh_platform.store.durable import changing_file, write_durably

FOLDER = "image_embeddings"
DEFAULT = ImageRecipe()
_HEAD = "# How the images of this source are embedded (docs/embeddings.md); `nh embed images` adds to it.\n"


class _Recipes(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    embeddings: list[ImageRecipe] = Field(default_factory=list)


def recipe_file(home: Path, source: str) -> Path:
    """Return where the recipes of a source lie."""
    return home / FOLDER / f"{source}.yaml"


def read_recipes(home: Path, source: str) -> list[ImageRecipe]:
    """Return the recipes of a source; the default one where there is no file.

    Raises
    ------
    ConfigError
        If the file has a mistake, names no encoder that is known, or two recipes that make one embedding; the text has
        file and line. If it is a folder or a pipe, or cannot be read: without its recipes what is stored by them
        would go.
    """
    path = recipe_file(home, source)
    text = read_optional(path)
    if text is None and not path.is_symlink():
        return [DEFAULT]
    file = parse_yaml(read_text(path) if text is None else text, str(path))
    found = checked(file, _Recipes).embeddings
    made: dict[tuple[str, str], int] = {}
    for place, recipe in enumerate(found):
        try:
            find_image_encoder(recipe.encoder)
        except ConfigError as error:
            raise file.error(("embeddings", place, "encoder"), error.thing, error.found, error.action) from error
        same = made.setdefault((recipe.image_set, recipe.id), place)
        if same != place:
            text = f"it makes the same embedding as number {same + 1}"
            raise file.error(("embeddings", place), f"recipe {place + 1}", text, "Remove one of the two.")
    return found


def add_recipe(home: Path, source: str, recipe: ImageRecipe) -> bool:
    """Add a recipe, in the place of one of the same embedding; return whether the file changed.

    Raises
    ------
    ConfigError
        As `read_recipes`.
    StoreError
        If the disk refuses it, or another process holds the file.
    """
    if _has(read_recipes(home, source), recipe):
        return False
    with changing_file(recipe_file(home, source)):  # two commands at once would each write what it read alone
        before = read_recipes(home, source)
        if _has(before, recipe):
            return False
        kept = [one for one in before if (one.image_set, one.id) != (recipe.image_set, recipe.id)]
        _write(home, source, [*kept, recipe])
    return True


def _has(recipes: list[ImageRecipe], recipe: ImageRecipe) -> bool:
    """Whether recipes ask for what one asks for."""
    return any(
        recipe in (one, one.model_copy(update={"image_set": recipe.image_set}))
        for one in recipes
        if _covers(one, recipe)
    )


def _covers(general: ImageRecipe, recipe: ImageRecipe) -> bool:
    """Whether a recipe is of the set of another one, or of every set."""
    return general.image_set in (EVERY_SET, recipe.image_set)


def _write(home: Path, source: str, recipes: list[ImageRecipe]) -> None:
    content = {"embeddings": [one.model_dump(exclude_defaults=True) or {"image_set": one.image_set} for one in recipes]}
    write_durably(recipe_file(home, source), (_HEAD + to_yaml(content)).encode())
