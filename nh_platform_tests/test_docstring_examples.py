"""Examples in docstrings do what they say.

Contains the finding and running of the examples; only modules that have one are imported, so that a run pays for
nothing else. An example that needs stored sessions says ``# doctest: +SKIP`` and runs here on those of the demo. Add
here what such an example needs to find. Every other example brings its own data.
"""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.simulated.simulated_upstream import SEED, write_upstream
from nh_platform.reading import open_store
from nh_platform_tests.homes import materialize

PACKAGE = Path(__file__).resolve().parents[1] / "nh_platform"
ON_THE_DEMO = (
    "nh_platform.reading.images.store_images",
    "nh_platform.reading.opening",
    "nh_platform.sources.allen.nwb.waveforms",
)


def modules_with_examples() -> list[str]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if ">>>" in path.read_text(encoding="utf-8"):
            found.append(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"))
    return found


def examples_of(module: str, **names: Any) -> list[doctest.DocTest]:
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module), extraglobs=names)
    return [example for example in found if example.examples]


def run(tests: list[doctest.DocTest]) -> int:
    """Run examples and return how many ran; the report of a failure has the place, what was expected and what came."""
    lines: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in tests:
        runner.run(test, out=lines.append)
    ran, failed = runner.tries, runner.failures
    assert not failed, "".join(lines)
    return ran


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_do_what_they_say(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tests = examples_of(module)
    assert tests, f"{module} has a >>> that is in no docstring"
    for test in tests:
        own_data = [example for example in test.examples if not example.options.get(doctest.SKIP)]
        assert own_data == test.examples or module in ON_THE_DEMO, f"{test.name} has an example that runs nowhere"
        test.examples = own_data
    assert run(tests) == sum(len(test.examples) for test in tests)


@pytest.mark.slow
def test_examples_with_stored_sessions_do_what_they_say_on_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = tmp_path / "data" / "demo"
    write_upstream(home, SEED, ("ibl", "allen_vc"))
    platform = Platform(load_settings(home))
    with dg.DagsterInstance.ephemeral() as instance:
        outcomes = [*materialize(platform, instance, "ibl"), *materialize(platform, instance, "allen_vc")]
    assert all(outcome.success for outcome in outcomes)
    store = open_store(home)
    session = store.session("allen_vc", store.sessions("allen_vc")["session_id"][0])
    path = next(home.glob(f"upstream/allen_vc/session_{session.session_id}/*.nwb"))
    tests = [test for module in ON_THE_DEMO for test in examples_of(module, path=path, units=session.units)]
    for test in tests:
        for example in test.examples:
            example.options.pop(doctest.SKIP, None)
    assert run(tests) == sum(len(test.examples) for test in tests) > 0
