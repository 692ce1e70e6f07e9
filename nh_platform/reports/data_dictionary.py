"""The data dictionary: every table that the platform writes, column by column, and every metric definition.

Contains the writer of `docs/data-dictionary.md`. Which tables an asset has is said in its
record; their columns stand in `nh_platform.session.tables`, a metric's words in `nh_platform.qc.metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nh_platform.embeddings.units.unit_encoding import OWN_ENCODERS
from nh_platform.qc.metrics.definitions.lookup import DEFAULT_IDS, HISTOGRAMS, METRICS
from nh_platform.qc.metrics.definitions.metric_definition import MetricDefinition
from nh_platform.qc.rules.markdown import listed, markdown_table
from nh_platform.qc.rules.quantities import RELEASED_ONLY
from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.sources.registry import sources

GENERATED = (
    "<!-- Written by `nh qc docs` from the column schemas and metric definitions; edit those, not this page. -->"
)


def dictionary_page(tables: Mapping[str, Sequence[tuple[TableSchema, str]]]) -> str:
    """Return the Markdown page of the data dictionary.

    Parameters
    ----------
    tables
        Tables by the asset that holds them, each with its file in the folder of the asset.
    """
    parts = [
        "# Data dictionary",
        GENERATED,
        "Every table that the platform writes, by asset, and every metric definition. The files of an asset lie in "
        "`<home>/store/<source>/<session>/<asset>/<version>/` (`_source` stands for the session where an asset belongs "
        "to a whole source), and `nh show SOURCE SESSION` names the folders. Tables are Parquet; arrays (spikes, "
        "signals, counts) are HDF5 in the same folders, with unit and meaning as attributes of each dataset.",
        "Units of measure: `s`, `V`, `um` and so on; `1` is a pure number, `-` means that none applies. *Null* says "
        "whether a value may be missing: NaN in numbers, null in text. Times are seconds on the session clock.",
        "\n".join(
            f"- [{asset}](#{asset}): "
            + ", ".join(f"[{_title(schema)}](#{_anchor(asset, schema)})" for schema, _ in held)
            for asset, held in tables.items()
        )
        + "\n- [Features of `unit_embeddings`](#features-of-unit_embeddings)"
        + "\n- [Metric definitions](#metric-definitions)",
    ]
    for asset, held in tables.items():
        parts.append(f"## {asset}")
        for schema, file in held:
            parts += [f"### {_heading(asset, schema)}", _where(schema, file), _column_table(schema)]
    parts += [
        "## Features of `unit_embeddings`",
        "Each is undefined (NaN) where a unit has too few spikes for it.",
        *(
            part
            for encoder in OWN_ENCODERS
            for part in (
                f"Of the encoder `{encoder.name}`, version {encoder.version}:",
                markdown_table(_COLUMN_HEAD, (_column_row(column) for column in encoder.columns)),
            )
        ),
        *_metric_parts(),
    ]
    return "\n\n".join(parts) + "\n"


_COLUMN_HEAD = ("column", "type", "unit", "null", "meaning")


def _column_table(schema: TableSchema) -> str:
    rows = [_column_row(column) for column in schema.columns]
    rows += [
        (_code(column.shown or column.name), ", ".join(column.dtypes), column.unit, _null(column), column.meaning)
        for column in schema.patterns
    ]
    return markdown_table(_COLUMN_HEAD, rows)


def _column_row(column: Column) -> tuple[str, ...]:
    return _code(column.name), column.dtype, column.unit, _null(column), column.meaning


def _null(column: Column | ColumnPattern) -> str:
    if isinstance(column, Column) and column.absent:
        return "column may be absent"
    return "yes" if column.nullable else "no"


def _code(name: str) -> str:
    return f"`{name}`"


def _where(schema: TableSchema, file: str) -> str:
    name, comma, rest = file.partition(", ")
    stated = f"{file[0].upper()}{file[1:]}." if file.startswith("not stored") else f"File `{name}`{comma}{rest}."
    key = f" One row per {listed(map(_code, schema.key))}." if schema.key else ""
    return stated + key


_OTHER_DEFINERS = {"nh": "this platform", "spikeinterface": "SpikeInterface"}
"""Who defined metrics and is no organisation of a source."""


def _metric_parts() -> list[str]:
    parts = [
        "## Metric definitions",
        "A metric's definition id is its column in `units` and what a rule names: `<who>.<name>@<vintage>`. Another "
        "formula is another id, so that two definitions never share a column. What a release states stays in "
        "`released.<name>`; [the rulebooks](rulebooks/README.md) say which released column stands for which id. "
        "Below, N is the number of spikes of a unit, t their times, a their amplitudes, d their depths and T the time "
        "from the first to the last spike of the probe within the recorded time. A value that cannot be computed is "
        "NaN.",
    ]
    for definer in dict.fromkeys(metric.defined_by for metric in METRICS.values()):
        named = next((entry.organisation for entry in sources().values() if entry.definer == definer), None)
        who = named or _OTHER_DEFINERS[definer]
        own = [metric for metric in METRICS.values() if metric.defined_by == definer]
        rows = ((_code(metric.id), metric.dtype, metric.unit, metric.meaning) for metric in own)
        parts += [f"### {who[0].upper()}{who[1:]}"]
        asked = [metric for metric in own if metric.id not in DEFAULT_IDS]
        if asked:
            which = "These" if len(asked) == len(own) else listed(_code(metric.id) for metric in asked)
            parts.append(f"{which} are columns of `units` where a configured rulebook names them.")
        parts.append(markdown_table(("definition", "type", "unit", "meaning"), rows))
        parts += ["\n".join(_formula(metric) for metric in own)]
    held = ((_code(one.id), f"`{one.name}/counts`", one.unit, one.meaning) for one in HISTOGRAMS.values())
    parts += [
        "### Histograms",
        "Counts of every unit in fixed bins, in `histograms.h5` of `units`: one group each with `counts` (units × "
        "bins, in the order of `units.parquet`) and `edges_s`. In Python they are `session.isi_histograms` and "
        "`session.autocorrelograms`.",
        markdown_table(("definition", "dataset", "unit", "meaning"), held),
        "\n".join(_formula(one) for one in HISTOGRAMS.values()),
    ]
    rows = ((_code(found.id), found.unit, found.meaning, found.source) for found in RELEASED_ONLY.values())
    parts += [
        "### Stated, not computed from spikes",
        "A release states these, or a table of your own; they are read under the name that a rulebook gives.",
        markdown_table(("definition", "unit", "meaning", "source"), rows),
    ]
    return parts


def _formula(metric: MetricDefinition) -> str:
    return f"- `{metric.id}`: {metric.formula}. Edge cases: {metric.edge_cases.rstrip('.')}. Source: {metric.source}"


def _heading(asset: str, schema: TableSchema) -> str:
    """Return a heading that no other table has, so that links find it."""
    return f"{asset}: {_title(schema)}"


def _title(schema: TableSchema) -> str:
    return schema.name.replace("_", " ")


def _anchor(asset: str, schema: TableSchema) -> str:
    return _heading(asset, schema).replace(":", "").replace(" ", "-")
