"""What files of predictions and ground truth state of their data: origin, terms, what was left out or not applied.

Contains the texts that are the same for every file of a task's data. Add one here that both kinds of file are to state.
The layout that the benchmark's scorer reads is `nh_platform.tasks.predictions`; no text here has one of its names but
``dataset_version``.
"""

from __future__ import annotations

import json
from importlib.metadata import version

from nh_platform.tasks.brain_wide_bench.qc_labels import COLUMNS, NEURAL, not_applied
from nh_platform.tasks.task import TaskData

UNIT_FILTERING = {"ts1": "all_units", "ts2": "selected_units", "ts3": "selected_units"}
"""Which units a suite of the benchmark is of; other tasks say ``custom``."""

_LISTED = ("source", "release", "terms", "cites")
"""Parts of an origin that are stated as text of their own too, one line each of all sessions."""


def stated_texts(data: TaskData) -> dict[str, str]:
    """Return texts by name; those of which nothing is known are left out.

    Parameters
    ----------
    data
        The task's data.

    Returns
    -------
    dict
        ``dataset_version`` (this package and its version); ``source``, ``release``, ``terms`` and ``cites``, one of the
        sessions' per line; ``origin``, a JSON list of a record per session, with its data versions; ``left_out``, a
        JSON object of numbers by reason; ``qc_labels``, which of the benchmark's labels were not applied; ``notes``.
    """
    texts = {"dataset_version": f"nh-platform {version('nh-platform')}"}
    if data.origins:
        texts["origin"] = json.dumps([dict(one) for one in data.origins], sort_keys=True, ensure_ascii=False)
    for name in _LISTED:
        lines = [line for one in data.origins for line in _lines(one.get(name))]
        if lines:
            texts[name] = "\n".join(dict.fromkeys(lines))
    if data.left_out:
        texts["left_out"] = json.dumps(dict(data.left_out), ensure_ascii=False)
    if missing := qc_labels_not_applied(data):
        texts["qc_labels"] = f"not applied: {', '.join(missing)}"
    if data.notes:
        texts["notes"] = "; ".join(data.notes)
    return texts


def qc_labels_not_applied(data: TaskData) -> list[str]:
    """Return the columns of the benchmark's table of QC labels that its task asks for and that were not applied."""
    return [column for column in COLUMNS if not_applied(column) in data.notes]


def unit_filtering_of(data: TaskData) -> str:
    """Return ``all_units``, ``selected_units`` or ``custom``: which of the benchmark's builds the units are of.

    Units that were selected without the labels of their probes are not its ``selected_units`` but ``custom``, which its
    scorers take as well (those of `ibl-bwb-eval` 0.1.0 do not read the field).
    """
    suite = UNIT_FILTERING.get(data.task.split("-")[0], "custom")
    return "custom" if suite == "selected_units" and NEURAL in qc_labels_not_applied(data) else suite


def _lines(value: object) -> list[str]:
    """Return a text, or several, as lines; nothing of an empty one."""
    several = value if isinstance(value, (list, tuple)) else [value]
    return [str(one) for one in several if one]
