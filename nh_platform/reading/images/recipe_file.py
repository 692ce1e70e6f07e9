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
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text
from nh_platform.session.yaml_files.yaml_text import to_yaml
from nh_platform.store.durable import write_durably

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
        file and line.
    """
    path = recipe_file(home, source)
    if not path.is_file():
        return [DEFAULT]
    file = parse_yaml(read_text(path), str(path))
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
    """
    before = read_recipes(home, source)
    kept = [one for one in before if (one.image_set, one.id) != (recipe.image_set, recipe.id)]
    if any(
        recipe in (one, one.model_copy(update={"image_set": recipe.image_set}))
        for one in before
        if _covers(one, recipe)
    ):
        return False
    _write(home, source, [*kept, recipe])
    return True


def _covers(general: ImageRecipe, recipe: ImageRecipe) -> bool:
    """Whether a recipe is of the set of another one, or of every set."""
    return general.image_set in (EVERY_SET, recipe.image_set)


def _write(home: Path, source: str, recipes: list[ImageRecipe]) -> None:
    path = recipe_file(home, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"embeddings": [one.model_dump(exclude_defaults=True) or {"image_set": one.image_set} for one in recipes]}
    write_durably(path, (_HEAD + to_yaml(content)).encode())
