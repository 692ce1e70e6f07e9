"""Predictions and ground truth in the files of BrainWideBench, which its scorer `ibl-bwb-eval` 0.1.0 reads.

Contains the layout of files. Add a field here when that benchmark's next release has it, and raise `LAYOUT`. Anyone's
predictions are written by `write_predictions`; rows are those of `TaskData`. The definition is the package's writer
(`PredictionsWriter`) and its scorers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError, SchemaError
from nh_platform.tasks.safetensors_file import write_tensors
from nh_platform.tasks.scoring import has_mask, is_about_units, truth_rows
from nh_platform.tasks.stated_texts import stated_texts, unit_filtering_of
from nh_platform.tasks.task import TaskData

LAYOUT = "0.1.0"
"""Release of `ibl-bwb-eval` whose layout this is; each file says it."""

SWEEP_SEED = 42
"""Seed that the benchmark keeps for choosing hyperparameters, and that must not be reported."""

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def write_predictions(
    folder: Path | str,
    data: TaskData,
    rows: npt.NDArray[np.int64],
    predictions: npt.NDArray[np.floating],
    *,
    label: str,
    seed: int,
    unit_filtering: str = "",
) -> Path:
    """Write predictions of a model as ``<folder>/<label>/<task>/<session>/seed_<n>.safetensors``.

    A task about units has no folder of the session.

    Parameters
    ----------
    folder
        Folder of all predictions.
    data
        The task's data.
    rows
        (m,) rows that are predicted. The scorer passes over those that are missing, so predict every row of ``test``.
    predictions
        ``classes``: (m, n_classes) logits; ``values``: (m, n_times, k) in the unit of the targets; ``counts``: (m,
        n_times, k) natural logarithms of the expected count per bin. float16 stays (the scorer allows it for counts of
        units), others become float32. Of units: (m, n_classes) probabilities or logits, whose largest counts.
    label
        Name of the model: letters, digits, ``. _ + -``.
    seed
        Seed of the training.
    unit_filtering
        ``all_units``, ``selected_units`` or ``custom``; what the data are of where empty (`unit_filtering_of`).

    Returns
    -------
    Path
        The file; one of that name is replaced.

    Raises
    ------
    ConfigError
        If the label cannot be a folder's name, or the seed is the benchmark's own or negative.
    SchemaError
        If predictions are not of the shape that the task asks for, or not finite.
    StoreError
        If the file cannot be written.
    """
    if not _LABEL.fullmatch(label):
        raise ConfigError(f"label {label!r}", "it is to be a folder's name", "Use letters, digits and . _ + - alone.")
    require_seeds([seed])
    given = np.asarray(predictions)
    _require_predictions(data, rows, given)
    kept = given if given.dtype == np.float16 else given.astype(np.float32)
    metadata = {
        "label": label,
        "task": data.task,
        "seed": str(seed),
        "unit_filtering": unit_filtering or unit_filtering_of(data),
        "ibl_bwb_eval_version": LAYOUT,
        **stated_texts(data),
    }
    if is_about_units(data):
        ids = {"entity_ids": _id_matrix(data.target_ids[rows])}
        metadata["label_names"] = ",".join(data.label_names)
        path = Path(folder) / label / data.task / f"seed_{seed}.safetensors"
        write_tensors(path, {"pred_proba": kept, **ids}, metadata)
        return path
    tensors = {"predictions": kept[:, None] if data.label_names else kept}
    if len(data.target_ids):
        tensors |= {"window_timestamps": data.starts[rows], "unit_ids": _id_matrix(data.target_ids)}
        metadata |= {"context_window": str(data.window_s), "bin_size": str(data.bin_s)}
    else:
        tensors["trial_id"] = data.row_ids[rows]
        if data.timestamps.size:
            at = data.timestamps if data.timestamps.ndim == 2 else np.tile(data.timestamps, (len(data), 1))
            tensors["timestamps"] = at[rows].astype(np.float32)
    metadata["recording_id"] = data.session_id
    path = Path(folder) / label / data.task / data.session_id / f"seed_{seed}.safetensors"
    write_tensors(path, tensors, metadata)
    return path


def write_ground_truth(folder: Path | str, data: TaskData) -> Path:
    """Write the targets of the test rows as ``<folder>/<task>/<session>/ground_truth.safetensors``.

    A task about units has no folder of the session: its file holds the units of all. The benchmark's own ground truth
    of its evaluation sessions is not public.

    Parameters
    ----------
    folder
        Folder of all ground truth.
    data
        The task's data.

    Returns
    -------
    Path
        The file; one of that name is replaced.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    rows = truth_rows(data)
    true, metadata = data.outputs(rows), {"task": data.task, **stated_texts(data)}
    if is_about_units(data):
        metadata["label_names"] = ",".join(data.label_names)
        path = Path(folder) / data.task / "ground_truth.safetensors"
        write_tensors(path, {"entity_ids": _id_matrix(data.target_ids[rows]), "targets": true}, metadata)
        return path
    metadata["recording_id"] = data.session_id
    if len(data.target_ids):
        tensors = {"targets": _counts(true), "window_timestamps": data.starts[rows]}
        tensors["unit_ids"] = _id_matrix(data.target_ids)
    elif data.label_names:
        tensors = {"values": true.astype(np.int64)[:, None], "trial_id": data.row_ids[rows]}
        metadata["label_names"] = ",".join(data.label_names)
    else:
        tensors = {"values": np.nan_to_num(true).astype(np.float32), "trial_id": data.row_ids[rows]}
        if has_mask(data.task):
            tensors["mask"] = data.mask[rows]
    path = Path(folder) / data.task / data.session_id / "ground_truth.safetensors"
    write_tensors(path, tensors, metadata)
    return path


def require_seeds(seeds: Iterable[int]) -> None:
    """Refuse seeds whose scores cannot be reported.

    Raises
    ------
    ConfigError
        If one is the benchmark's own, or negative.
    """
    for seed in seeds:
        if seed == SWEEP_SEED:
            about = "BrainWideBench keeps it for choosing hyperparameters, and its scores must not be reported"
            raise ConfigError(f"seed {seed}", about, "Use 43 to 47.")
        if seed < 0:
            raise ConfigError(f"seed {seed}", "it is negative", "Use 43 to 47.")


def _require_predictions(data: TaskData, rows: npt.NDArray[np.int64], given: npt.NDArray[np.generic]) -> None:
    expected: tuple[int, ...] = (len(rows), len(data.label_names))
    if not data.label_names:
        expected = (len(rows), data.mask.shape[1], max(len(data.target_ids), 1))
    about = f"predictions of {data.task}, {data.session_id}"
    if given.shape != expected:
        action = "Give one array in the order of the rows, as docs/tasks.md says."
        raise SchemaError(about, f"their shape is {given.shape}, and {expected} is asked for", action)
    if not np.isfinite(given).all():
        raise SchemaError(about, "some are NaN or infinite", "Bound rates and probabilities before the logarithm.")


def _counts(counts: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return counts as bytes where they fit: a session has tens of millions."""
    return counts.astype(np.uint8 if counts.size and counts.max() < 256 else np.float32)


def _id_matrix(ids: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Return (n, width) uint8, each id's ASCII padded with zeros: files hold no texts.

    Raises
    ------
    SchemaError
        If an id is empty or not ASCII.
    """
    texts = [str(one) for one in ids]
    odd = next((text for text in texts if not text or not text.isascii() or "\0" in text), None)
    if odd is not None:
        raise SchemaError(f"unit id {odd!r}", "the files hold ASCII alone, and no empty id", "Rename it.")
    width = max(map(len, texts), default=1)
    rows = [np.frombuffer(text.encode().ljust(width, b"\0"), dtype=np.uint8) for text in texts]
    return np.stack(rows) if rows else np.zeros((0, width), dtype=np.uint8)
