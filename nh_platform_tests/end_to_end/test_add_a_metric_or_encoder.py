"""The page on adding a metric or an encoder is followed to the letter: the package that it describes works."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import nh_platform
from nh_platform.assets.registry import package_problems
from nh_platform.embeddings import unit_embeddings
from nh_platform.qc.metrics import compute_metrics
from nh_platform.session import ConfigError
from nh_platform.windows import bin_session
from nh_platform_tests.lab_packages import install, on_the_path
from nh_platform_tests.windows.trains import spikes_of, units_of

PAGE = Path(nh_platform.__file__).parents[1] / "docs" / "add-a-metric-or-encoder.md"


@pytest.fixture
def package(tmp_path: Path) -> list[Path]:
    """Return the folders of the page's package, one per group of entry points."""
    blocks = re.findall(r"```(python|toml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    for text in (text for kind, text in blocks if kind == "python"):
        path = tmp_path / "modules" / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (stated,) = (tomllib.loads(text) for kind, text in blocks if kind == "toml")
    groups = stated["project"]["entry-points"]
    return [
        tmp_path / "modules",
        *(install(tmp_path / group, points, group.replace(".", "-"), group) for group, points in groups.items()),
    ]


def test_the_package_of_the_page_joins(package: list[Path]) -> None:
    spikes, units = spikes_of([0.0, 1.0, 4.0], [0.0]), units_of("probe00", "probe00")
    with on_the_path(*package):
        metrics, _ = compute_metrics(spikes, units, ["toylab.longest_pause@1"])
        table = unit_embeddings(spikes, units, grid=bin_session(spikes, 1_000_000))
        assert package_problems() == ()
    assert metrics["toylab.longest_pause@1"].tolist() == pytest.approx([3.0, float("nan")], nan_ok=True)
    assert table["mean_count"].tolist() == pytest.approx([3 / 5, 1 / 5])


def test_one_that_raises_is_named_with_its_package(package: list[Path]) -> None:
    (module,) = (path for path in package[0].rglob("*.py") if "MetricGroup(" in path.read_text())
    (encoder,) = (path for path in package[0].rglob("*.py") if "UnitEncoder(" in path.read_text())
    for path in (module, encoder):
        path.write_text(re.sub(r"(\ndef \w+\([^)]*\)[^:\n]*:\n)", r"\1    1 / 0\n", path.read_text()))
    spikes, units = spikes_of([0.0, 1.0, 4.0], [0.0]), units_of("probe00", "probe00")
    stated = "ZeroDivisionError: division by zero. Correct or uninstall the package."
    with on_the_path(*package):
        with pytest.raises(
            ConfigError, match=rf"metric toylab.longest_pause@1 of package nh_platform-metrics: .*{stated}"
        ):
            compute_metrics(spikes, units, ["toylab.longest_pause@1"])
        with pytest.raises(ConfigError, match=rf"encoder [a-z-]+ of package nh_platform-encoders: .*{stated}"):
            unit_embeddings(spikes, units, grid=bin_session(spikes, 1_000_000))


@pytest.mark.parametrize(("group", "what"), [("nh_platform.metrics", "metric"), ("nh_platform.encoders", "encoder")])
def test_one_that_cannot_be_used_is_named_with_what_else_is_wrong(tmp_path: Path, group: str, what: str) -> None:
    with on_the_path(install(tmp_path, {"number": "math:pi"}, group=group)):
        (problem,) = package_problems()
    assert str(problem).startswith(f"{what} number of package toy-lab: cannot be used: math:pi is of type float")
