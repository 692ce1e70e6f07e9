"""The sources that are served: the platform's own by entry points, light to load, and beside them those of packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nh_platform.session import ConfigError
from nh_platform.sources.registry import (
    ENTRY_POINTS,
    broken_source,
    short_title,
    source_entry,
    source_names,
    source_package_named,
    source_problems,
    sources,
)
from nh_platform_tests.lab_packages import install, lab_entry, on_the_path

LAB = lab_entry("lab", title="A lab")
EARLY = lab_entry("early", order=0)
NAMED_IBL = lab_entry("ibl")
HEAVY = ("numpy", "pandas", "one", "allensdk", "boto3", "h5py", "dagster")


def test_the_platforms_own_are_served_in_their_order() -> None:
    assert source_names() == ("ibl", "allen_vc", "allen_vbn")
    assert source_problems() == ()
    for name, entry in sources().items():
        assert entry.name == name
        assert entry.organisation
        assert entry.published_counts is not None
        assert entry.published_counts.is_file()
        assert Path(sys.modules[entry.open.__module__].__file__ or "").parent == entry.published_counts.parent


def test_loading_the_entries_imports_no_client_and_no_pandas() -> None:
    code = (
        "import sys\nfrom nh_platform.sources.registry import sources\n"
        f"assert len(sources()) == 3\nprint(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_registry_loads_no_entry() -> None:
    code = "import sys, nh_platform.sources.registry\nprint([name for name in sys.modules if name.endswith('.entry')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['nh_platform.sources.entry']"


def test_sources_of_packages_stand_beside_by_their_order(tmp_path: Path) -> None:
    with on_the_path(install(tmp_path, {"lab": f"{__name__}:LAB", "early": f"{__name__}:EARLY"})):
        assert source_names() == ("early", "ibl", "allen_vc", "allen_vbn", "lab")
        assert source_entry("lab") is LAB
        assert [short_title(name) for name in ("lab", "ibl", "elsewhere")] == ["A lab", "IBL", "elsewhere"]
    assert "lab" not in source_names()


def test_the_platforms_own_name_is_not_taken(tmp_path: Path) -> None:
    with on_the_path(install(tmp_path, {"ibl": f"{__name__}:NAMED_IBL"})):
        assert source_entry("ibl").title == "IBL Brain-wide Map"
        (problem,) = source_problems()
        assert str(problem).startswith(
            "source ibl of package toy-lab: cannot be used: the name 'ibl' is taken already, by nh-platform."
        )
        assert broken_source("ibl") is None


def test_a_source_that_is_asked_for_by_name_and_broken_names_its_package(tmp_path: Path) -> None:
    with on_the_path(install(tmp_path, {"toy": "no_such_module:ENTRY"})):
        with pytest.raises(ConfigError, match="source toy of package toy-lab: cannot be loaded: ModuleNotFoundError"):
            source_entry("toy")
        with pytest.raises(ConfigError, match=r"'tov': there is no such source\. Use one of: ibl, allen_vc, allen_vbn"):
            source_entry("tov")


def test_what_a_packages_code_raises_is_said_with_the_package(tmp_path: Path) -> None:
    with on_the_path(install(tmp_path, {"lab": f"{__name__}:LAB"})):
        stated = "source lab of package toy-lab: it is shut: KeyError: 'door'"
        with pytest.raises(ConfigError, match=stated), source_package_named("lab", "it is shut"):
            raise KeyError("door")
        with pytest.raises(ConfigError, match="as it is"), source_package_named("lab", "it is shut"):
            raise ConfigError("this", "as it is", "Stay.")
        with pytest.raises(KeyError), source_package_named("ibl", "it is shut"):
            raise KeyError("a defect of the platform keeps its traceback")


def test_an_installation_older_than_the_code_says_what_to_do(tmp_path: Path) -> None:
    stale = install(tmp_path, {"nh": "nh_platform.cli:app"}, "nh-platform", "console_scripts")
    with (
        on_the_path(stale),
        pytest.raises(ConfigError, match=rf"names no entry point of the group {ENTRY_POINTS}.*uv sync"),
    ):
        sources()


@pytest.mark.parametrize("name", ["toy-lab", "Toy", "1st", ""])
def test_a_name_that_dagster_would_refuse_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="small letters, digits and _"):
        lab_entry(name)
