"""The data dictionary has every table, column and metric, and the page in docs is the one that would be written."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import nh_platform
from nh_platform.assets.registry import asset_tables
from nh_platform.cli.qc.docs import DICTIONARY
from nh_platform.embeddings.units.unit_encoding import OWN_ENCODERS
from nh_platform.qc.metrics.definitions.lookup import METRICS
from nh_platform.reports.data_dictionary import dictionary_page
from nh_platform.session import tables
from nh_platform.session.columns import TableSchema

DOCS = Path(nh_platform.__file__).parents[1] / "docs"


def schemas() -> dict[str, TableSchema]:
    modules = [
        importlib.import_module(f"{tables.__name__}.{one.name}") for one in pkgutil.iter_modules(tables.__path__)
    ]
    values = [value for module in modules for value in vars(module).values()]
    return {value.name: value for value in values if isinstance(value, TableSchema)}


def test_the_page_in_docs_is_up_to_date() -> None:
    assert (DOCS / DICTIONARY).read_text(encoding="utf-8") == dictionary_page(asset_tables()), "run `nh qc docs`"


def test_every_table_is_in_it() -> None:
    listed = {schema.name for tables in asset_tables().values() for schema, _ in tables}
    assert listed >= set(schemas()), "say in the record of its asset where the table lies"


def test_every_column_stands_with_its_dtype_unit_and_meaning() -> None:
    page = dictionary_page(asset_tables())
    for schema in schemas().values():
        for column in schema.columns:
            null = "column may be absent" if column.absent else "yes" if column.nullable else "no"
            assert f"| `{column.name}` | {column.dtype} | {column.unit} | {null} | {column.meaning} |" in page
    assert "| `label.<rulebook>` | float64 | 1 | no | Share of the rulebook's rules that the unit passes;" in page
    for column in [column for encoder in OWN_ENCODERS for column in encoder.columns]:
        assert f"| `{column.name}` | float32 | {column.unit} | yes | {column.meaning} |" in page


def test_an_asset_or_table_that_a_meaning_names_is_there() -> None:
    known = {*asset_tables(), *schemas(), *(column.name for schema in schemas().values() for column in schema.columns)}
    for schema in schemas().values():
        for column in schema.columns:
            assert set(re.findall(r"`([a-z_]+)`", column.meaning)) <= known, f"{schema.name}.{column.name}"


def test_every_metric_stands_with_its_unit_and_formula() -> None:
    page = dictionary_page(asset_tables())
    for metric in METRICS.values():
        assert f"| `{metric.id}` | {metric.dtype} | {metric.unit} | " in page
        assert f"- `{metric.id}`: {metric.formula}. Edge cases: " in page


def test_every_link_within_the_page_finds_its_heading() -> None:
    page = dictionary_page(asset_tables())
    anchors = {
        re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", page, flags=re.MULTILINE)
    }
    links = re.findall(r"\(#([^)]*)\)", page)
    assert len(links) == len(set(links)) > 30
    assert set(links) <= anchors
