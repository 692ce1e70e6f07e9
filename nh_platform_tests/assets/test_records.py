"""Each asset is one record in one file; whatever needs its name asks the records."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import nh_platform
from nh_platform.assets import registry, release_manifest
from nh_platform.assets.raw_spikes import ASSET as RAW_SPIKES
from nh_platform.assets.registry import (
    all_session_assets,
    all_source_assets,
    ancestors,
    asset_tables,
    in_running_order,
    session_assets,
    source_assets,
)
from nh_platform.session import ConfigError
from nh_platform.sources.registry import installed_sources

PACKAGE = Path(nh_platform.__file__).parent
NAMES = {*all_session_assets(), *all_source_assets(), release_manifest.NAME}


def listed_texts(path: Path) -> Iterator[set[str]]:
    """Yield the texts that stand together in a list, tuple, set or mapping of a module, and in one comparison."""
    yield from texts_together(path.read_text(encoding="utf-8"))


def texts_together(code: str) -> Iterator[set[str]]:
    """Yield the same for some code; comparisons that ``and`` or ``or`` joins count as one."""
    for node in ast.walk(ast.parse(code)):
        elements = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        if isinstance(node, ast.BoolOp):
            compared = [one for one in ast.walk(node) if isinstance(one, ast.Compare)]
            elements = [side for one in compared for side in (one.left, *one.comparators)]
        elif isinstance(node, ast.Compare):
            elements = [node.left, *node.comparators]
        yield {one.value for one in elements if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def test_the_records_of_session_assets_are_found_in_running_order() -> None:
    assert list(all_session_assets()) == [
        "raw_spikes",
        "events",
        "signals",
        "units",
        "windows",
        "unit_embeddings",
        "session_report",
        "pose",
        "mean_waveforms",
        "noise",
        "spike_events",
        "optotagging",
        "stimulus_tensors",
        "window_embeddings",
    ]


def test_each_name_is_that_of_one_record_in_the_file_of_that_name() -> None:
    records = {**all_session_assets(), **all_source_assets()}
    files = {path.stem: path for path in (PACKAGE / "assets").rglob("*.py")}
    for name, record in records.items():
        assert record.name == name
        assert "ASSET = " in files[name].read_text(encoding="utf-8")
    stated = [
        keyword.value.value
        for path in files.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("SessionAsset", "SourceAsset")
        for keyword in node.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    ]
    assert len(stated) == len(set(stated))


@pytest.mark.parametrize(
    "code",
    [
        'x in ("units", "windows")',
        'x == "units" or x == "windows"',
        'x != "units" and (y or x != "windows")',
        '["units", "windows"]',
        '{"units": 1, "windows": 2}',
        '"units" == x == "windows"',
    ],
)
def test_a_list_of_two_names_is_seen_however_it_is_written(code: str) -> None:
    assert {"units", "windows"} in list(texts_together(code))


@pytest.mark.parametrize("room", ["defs", "cli", "operations", "planning", "reading"])
def test_no_file_elsewhere_lists_the_names_of_assets(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        for texts in listed_texts(path):
            assert len(NAMES & texts) < 2, f"{path.relative_to(PACKAGE)} lists {sorted(NAMES & texts)}: ask the records"


def test_every_asset_says_what_it_holds() -> None:
    for name, tables in asset_tables().items():
        assert tables, name
    for record in (*all_session_assets().values(), *all_source_assets().values()):
        assert len(record.description) > 40
        assert record.kinds


def test_no_description_has_what_a_page_takes_for_a_tag_and_drops() -> None:
    records = [*registry.all_session_assets().values(), *registry.all_source_assets().values()]
    told = [one.description for one in records] + [check.description for one in records for check in one.checks]
    assert [text for text in told if re.search("<[a-z]", text)] == []


def test_a_source_has_what_its_entry_names_and_what_follows_from_it() -> None:
    assert "stimulus_tensors" in session_assets("allen_vc")
    assert "stimulus_tensors" not in session_assets("ibl")
    assert "stimulus_files" in source_assets("allen_vc")
    assert set(source_assets("ibl")) == {"qc_site", "reconciliation", "session_catalog", "unit_catalog"}


def test_what_lies_in_the_folder_on_request_is_made_only_where_it_is_asked_for() -> None:
    asked = {path.stem for path in (PACKAGE / "assets" / "on_request").glob("*.py")} - {"__init__"}
    assert asked <= all_session_assets().keys()
    unasked = {name for source in installed_sources().found for name in session_assets(source)}
    assert all_session_assets().keys() - unasked == asked
    assert asked <= session_assets("ibl", asked).keys()


def test_assets_run_behind_what_they_read() -> None:
    one = replace(RAW_SPIKES, name="one", inputs=("two",))
    two = replace(RAW_SPIKES, name="two", inputs=("three",))
    three = replace(RAW_SPIKES, name="three", inputs=())
    ordered = in_running_order([one, two, three])
    assert list(ordered) == ["three", "two", "one"]
    assert ancestors(ordered, "one") == {"two", "three"}


def test_an_asset_that_reads_one_of_single_sources_runs_behind_it() -> None:
    rare = replace(RAW_SPIKES, name="rare", of_every_source=False)
    reader = replace(RAW_SPIKES, name="reader", inputs=("rare",))
    deep = [replace(RAW_SPIKES, name="first"), replace(RAW_SPIKES, name="second", inputs=("first",))]
    assert list(in_running_order([reader, rare, *deep])) == ["first", "second", "rare", "reader"]


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("name", "Raw spikes", "asset name 'Raw spikes' must be small letters, digits and _"),
        ("name", ["x"], "asset name ['x'] must be small letters"),
        ("code_version", 2, "code_version must be a text, found 2"),
        ("inputs", None, "inputs must be a tuple of names, found None"),
        ("inputs", "units", "inputs must be a tuple of names, found 'units'"),
        ("groups", ("lfp",), "no group lfp; there are spikes, events,"),
        ("tables", (), "tables must be one or more pairs of a TableSchema and a file"),
        ("tables", RAW_SPIKES.tables[0], "tables must be one or more pairs"),
        ("make", None, "make must be a function"),
    ],
)
def test_a_record_that_says_what_cannot_be_is_refused_where_it_is_made(field: str, value: object, found: str) -> None:
    with pytest.raises(ValueError, match=re.escape(found)):
        replace(RAW_SPIKES, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("inputs", "found"), [(("nowhere",), "'nowhere', which does not exist"), (("one",), "'one', which is itself")]
)
def test_an_asset_that_reads_what_cannot_be_is_refused_by_name(inputs: tuple[str, ...], found: str) -> None:
    with pytest.raises(ConfigError, match=f"asset one.*{found}"):
        in_running_order([replace(RAW_SPIKES, name="one", inputs=inputs)])


def test_assets_that_read_each_other_are_refused_by_name() -> None:
    circle = [replace(RAW_SPIKES, name="one", inputs=("two",)), replace(RAW_SPIKES, name="two", inputs=("one",))]
    with pytest.raises(ConfigError, match="asset one"):
        in_running_order(circle)


def test_the_registry_lists_nothing_by_hand() -> None:
    text = Path(registry.__file__).read_text(encoding="utf-8")
    assert not any(f'"{name}"' in text for name in NAMES)
