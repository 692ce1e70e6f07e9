"""Every example of `nh embed … --help` runs as it stands on the home of `nh demo`."""

from __future__ import annotations

import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.cli.embed.app import app as embed_app
from nh_platform.embeddings.flat_maps import has_umap

pytestmark = pytest.mark.slow


def examples() -> list[str]:
    """Return the examples of every command of `nh embed`, in their order."""
    commands = typer.main.get_command(embed_app).commands.values()  # type: ignore[attr-defined]
    texts = (command.callback.__doc__ for command in commands)
    return [line for text in texts for line in re.findall(r"^\s+(nh embed .*)$", text, flags=re.MULTILINE)]


def test_every_example_runs_on_the_demo(made_demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "data" / "demo"
    shutil.copytree(made_demo, home)
    (home / "dagster" / "dagster.yaml").unlink()  # names the folder; it is written anew
    has_models = find_spec("torch") is not None and find_spec("transformers") is not None
    if has_models:
        from nh_platform_tests.embeddings.images.tiny_dinov2 import save_tiny_dinov2

        save_tiny_dinov2(tmp_path / "models" / "dinov2-base")
    monkeypatch.chdir(tmp_path)
    assert len(examples()) > 15
    for example in examples():
        words = shlex.split(example, comments=True)
        if (words[2] == "map" and "pca" not in words and not has_umap()) or ("--weights" in words and not has_models):
            continue  # what an extra that is not installed would do
        words, output = (words[: words.index(">")], words[-1]) if ">" in words else (words, None)
        result = CliRunner().invoke(app, ["--home", str(home), *words[1:]])
        assert result.exit_code == 0, (example, result.output, result.stderr)
        if output is not None:
            (tmp_path / output).write_text(result.stdout)
