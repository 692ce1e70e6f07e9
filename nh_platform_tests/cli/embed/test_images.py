"""`nh embed images`, on simulated images of both Allen sources."""

from __future__ import annotations

import json
import re
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from nh_platform import open_store, operations
from nh_platform.cli.app import app
from nh_platform.simulation.allen.pictures import write_pictures
from nh_platform_tests.homes import make_home, materialize

SET = "Natural_Images_Lum_Matched_set_ophys_G_2019"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with pictures of natural scenes, and the events of a session of Visual Behavior."""
    folder = tmp_path_factory.mktemp("embed") / "home"
    platform = make_home(folder, ("allen_vc", "allen_vbn"))
    write_pictures(folder / "upstream" / "allen_vc", 3)
    (folder / "upstream" / "allen_vc" / "natural_movie_templates" / "natural_movie_1.h5").unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "allen_vbn", assets=["raw_spikes", "events"])
    return folder


def nh(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), "embed", "images", *arguments], env={"COLUMNS": "200"})


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_it_makes_what_is_at_hand_once_and_says_so(home: Path) -> None:
    (would,) = rows(nh(home, "allen_vc", "--dry-run", "--format", "json"))
    assert (would["image_set"], would["state"], would["images"]) == ("natural_scenes", "would be made", None)
    assert not (home / "store" / "allen_vc").exists()
    (made,) = rows(nh(home, "allen_vc", "--format", "json"))
    assert (made["state"], made["images"], made["features"]) == ("made", 118, 784)
    (again,) = rows(nh(home, "allen_vc", "natural_scenes", "--format", "json"))
    assert (again["state"], again["key"]) == ("current", made["key"])
    assert not (home / "image_embeddings").exists()  # the default recipe makes it


def test_unwarped_images_are_another_embedding_that_the_home_keeps(home: Path, tmp_path: Path) -> None:
    (warped,) = rows(nh(home, "allen_vbn", "--format", "json"))
    (unwarped,) = rows(nh(home, "allen_vbn", SET, "--form", "unwarped", "--fill", "mean", "--format", "json"))
    assert (warped["embedding"], unwarped["embedding"]) == ("gabor-pyramid", "gabor-pyramid_unwarped-mean")
    assert warped["key"] != unwarped["key"]
    kept = (home / "image_embeddings" / "allen_vbn.yaml").read_text(encoding="utf-8")
    assert f"image_set: {SET}\n  form: unwarped\n  fill: mean" in kept
    copied = operations.backup(home, tmp_path / "backups").folder
    assert (copied / "image_embeddings" / "allen_vbn.yaml").read_text(encoding="utf-8") == kept
    store = open_store(home)
    assert sorted(store.image_embeddings("allen_vbn")["embedding"]) == ["gabor-pyramid", "gabor-pyramid_unwarped-mean"]
    whole = store.images("allen_vbn", SET, form="unwarped", fill="nan").pixels
    assert np.isnan(whole[:, :2]).all()
    grey = store.images("allen_vbn", SET, form="unwarped")
    assert (grey.pixels[:, :2] == 127).all()
    np.testing.assert_array_equal(grey.pixels[:, 2:], whole[:, 2:])
    np.testing.assert_array_equal(store.images("allen_vbn", SET).pixels[:, 2:], whole[:, 2:])
    session = store.session("allen_vbn", store.sessions("allen_vbn")["session_id"][0])
    shown = session.image_rows
    names = session.presentations.set_index("presentation_id")["image_name"]
    on = shown[shown["image_row"] >= 0]
    assert len(on) > 100
    assert [grey.image_names[row] for row in on["image_row"]] == names[on["presentation_id"]].tolist()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ibl",), "no source 'ibl'|source ibl"),
        (("allen_vc", "natural_movie_three"), "natural_movie_3.h5: it is not in .* Put it there"),
        (("allen_vc", "natural_sceens"), "allen_vc has no such set .* Did you mean natural_scenes"),
        (("allen_vc", "--encoder", "gabor"), "there is no such encoder"),
        (
            ("allen_vc", "natural_scenes", "--encoder", "dinov2-base", "--weights", "no"),
            "no is no folder .*hf download",
        ),
        (("allen_vc", "natural_scenes", "--preprocessing", "processor"), "it does not take the preprocessing"),
        (("allen_vc", "natural_scenes", "--precision", "float16"), "embedding of images, precision"),
        (("allen_vc", "natural_scenes", "--form", "unwarped"), "images of allen_vc have no such form"),
        (("allen_vbn", "--fill", "mean"), "fill is of use with form unwarped alone"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_written_down(home: Path, arguments: tuple[str, ...], said: str) -> None:
    before = sorted((home / "image_embeddings").glob("*.yaml")) if (home / "image_embeddings").exists() else []
    texts = [path.read_text() for path in before]
    result = nh(home, *arguments)
    assert result.exit_code == 1
    assert re.search(said, " ".join(result.output.split())), result.output
    after = sorted((home / "image_embeddings").glob("*.yaml")) if (home / "image_embeddings").exists() else []
    assert [path.read_text() for path in after] == texts
