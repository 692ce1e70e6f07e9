"""The table of rule validations that is kept beside the rulebook pages, and the section of a page that shows it.

Contains its reading, writing and wording. Add a column here when a reader of the page needs it. Counting is
`nh_platform.qc.validation.validate`; the page as a whole is `nh_platform.qc.rules.rulebook_pages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from nh_platform.qc.rules.markdown import markdown_table
from nh_platform.qc.rules.quantities import after_number
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.qc.validation.validate import ALL_RULES, RuleValidation, unvalidated
from nh_platform.session import ConfigError
from nh_platform.sources.registry import short_title

FILE = "validation.csv"
COLUMNS = (
    "source",
    "rulebook",
    "rules_version",
    "rule",
    "criterion",
    "truth",
    "quantity",
    "unit",
    "low",
    "high",
    "rejected_bad",
    "kept_bad",
    "kept_good",
    "rejected_good",
    "rejected_few",
    "seed",
    "size",
    "sessions",
)
_BIN_COUNTS = ("rejected_bad", "kept_bad", "kept_good", "rejected_good")
_COUNTS = (*_BIN_COUNTS, "rejected_few")


def rules_version(rulebook: Rulebook) -> str:
    """Return the first 12 digits of the rulebook's content version: the table is stale where they differ."""
    return rulebook.content_version()[:12]


def figure_name(source: str, rulebook_id: str) -> str:
    """Return the file name of a rulebook's figure on one simulated source."""
    return f"validation-{rulebook_id}-{source.replace('_', '-')}.svg"


def validation_rows(
    source: str, rulebook: Rulebook, found: Sequence[RuleValidation], *, seed: int, size: str, sessions: int
) -> list[dict[str, object]]:
    """Return the rows of the table, columns `COLUMNS`, of one rulebook on one simulated source.

    A rule has one row for all units, with an empty ``quantity``, and one per bin of the true quantity that it is about.
    """
    rows: list[dict[str, object]] = []
    for one in found:
        about = {
            "source": source,
            "rulebook": rulebook.id,
            "rules_version": rules_version(rulebook),
            "rule": one.rule,
            "criterion": one.criterion,
            "truth": one.truth,
            "seed": seed,
            "size": size,
            "sessions": sessions,
        }
        whole = {name: getattr(one, name) for name in _COUNTS}
        rows.append({**about, "quantity": "", "unit": "", "low": "", "high": "", **whole})
        for part in one.bins:
            limits = {"quantity": one.quantity, "unit": one.unit, "low": _edge(part.low), "high": _edge(part.high)}
            counts = {name: getattr(part, name) for name in _BIN_COUNTS}
            rows.append({**about, **limits, **counts, "rejected_few": ""})
    return rows


def _edge(value: float) -> str:
    return f"{value:.3g}"


def write_validation(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the table as CSV: counts only, so that no digit depends on how a share is rounded."""
    pd.DataFrame(list(rows), columns=list(COLUMNS)).to_csv(path, index=False, lineterminator="\n")


def read_validation(path: Path) -> pd.DataFrame:
    """Return the table, columns `COLUMNS`; of no rows where the file does not exist.

    Raises
    ------
    ConfigError
        If the file does not have these columns.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.read_csv(path, keep_default_na=False, dtype={"low": str, "high": str, "rejected_few": str})
    if list(table.columns) != list(COLUMNS):
        found = f"its columns are {', '.join(map(str, table.columns))}"
        raise ConfigError(str(path), found, "Write it again with `nh qc validate --write`.")
    return table


def validation_section(rulebook: Rulebook, table: pd.DataFrame) -> list[str]:
    """Return the paragraphs of a rulebook's page that show its validation; none where the table has nothing of it."""
    own = table[table["rulebook"] == rulebook.id]
    if len(own) == 0:
        return []
    first = own.iloc[0]
    parts = [
        "## Tested on units with known truth",
        "A bad unit is one that the rule should reject. Sensitivity is the share of bad units that it rejects, "
        "specificity the share of good units that it keeps; *few spikes* are wrongly rejected units with fewer than "
        "500 spikes. Values are recomputed. Along the truth, units are counted by how bad they are, with the value at "
        "which a unit becomes bad as an edge: a rule cannot tell the units right beside it apart, and the tables say "
        f"how far from it a verdict can be relied on. Made by `nh qc validate --write` (seed {first['seed']}, "
        f"{first['sessions']} sessions of size {first['size']} per source).",
    ]
    for source, rows in own.groupby("source", sort=False):
        where = f"simulated {short_title(str(source))} sessions"
        parts += [
            f"### On {where}",
            _table(rows[rows["quantity"] == ""]),
            f"![Values of good and bad units, and the share rejected]({figure_name(str(source), rulebook.id)})",
        ]
        binned = rows[rows["quantity"] != ""]
        if len(binned):
            parts += [f"Along the truth, on {where}:", _bin_table(binned)]
    truths = own[own["rule"] != ALL_RULES].drop_duplicates("rule")
    parts.append("\n".join(f"- `{row.rule}` should reject a unit if: {row.truth}." for row in truths.itertuples()))
    without = unvalidated(rulebook)
    if without:
        names = ", ".join(f"`{rule}`" for rule in without)
        parts.append(f"No truth is simulated for {names}; *{ALL_RULES}* leaves that out.")
    return parts


def _table(rows: pd.DataFrame) -> str:
    shown = []
    for row in rows.itertuples():
        bad, good = row.rejected_bad + row.kept_bad, row.kept_good + row.rejected_good
        name = row.rule if row.rule == ALL_RULES else f"`{row.rule}`"
        of_bad = (bad, row.rejected_bad, row.kept_bad, _share(row.rejected_bad, bad))
        of_good = (good, row.kept_good, row.rejected_good, row.rejected_few, _share(row.kept_good, good))
        shown.append((name, bad + good, *of_bad, *of_good))
    head = ("rule", "units", "bad", "rejected", "missed", "sensitivity")
    return markdown_table((*head, "good", "kept", "wrongly rejected", "few spikes", "specificity"), shown)


def _bin_table(binned: pd.DataFrame) -> str:
    """Return the rows of the bins: sensitivity where units are bad, specificity where they are good."""
    rows = []
    for row in binned.itertuples():
        bad, good = row.rejected_bad + row.kept_bad, row.kept_good + row.rejected_good
        unit = after_number(row.unit)
        shares = (bad, _share(row.rejected_bad, bad), good, _share(row.kept_good, good))
        rows.append((f"`{row.rule}`", row.quantity, f"{row.low}{unit}", f"{row.high}{unit}", *shares))
    return markdown_table(("rule", "quantity", "from", "to", "bad", "sensitivity", "good", "specificity"), rows)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"
