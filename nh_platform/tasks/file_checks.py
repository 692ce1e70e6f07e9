"""What a file of predictions and its ground truth must be before they are scored together.

Contains the checks of single arrays and of the two files against each other. Add one here for each fault that would
else end in a wrong score or in no words. Scores are `nh_platform.tasks.scored_files`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import SchemaError
from nh_platform.tasks.safetensors_file import read_tensors

Array = npt.NDArray[np.generic]

_AGAIN = "Write it anew, as docs/tasks.md says."
_KINDS = {"f": "floats", "iu": "whole numbers", "fiu": "numbers", "b": "booleans"}


@dataclass(frozen=True)
class TensorFile:
    """A file of arrays and texts, whose arrays are checked as they are taken.

    Parameters
    ----------
    path
        The file.
    tensors
        Arrays by name.
    metadata
        Texts by name.
    """

    path: Path
    tensors: Mapping[str, Array]
    metadata: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> TensorFile:
        """Read a file; errors as of `read_tensors`."""
        return cls(path, *read_tensors(path))

    def wrong(self, found: str) -> SchemaError:
        """Return the error that names the file."""
        return SchemaError(str(self.path), found, _AGAIN)

    def array(self, name: str, kinds: str, n_dims: int) -> Array:
        """Return an array that is there, of a kind of numbers and a number of dimensions, and finite.

        Parameters
        ----------
        name
            Its name.
        kinds
            Letters of `numpy.dtype.kind`: ``f``, ``iu``, ``fiu`` or ``b``.
        n_dims
            Its number of dimensions.

        Raises
        ------
        SchemaError
            If it is not so.
        """
        if name not in self.tensors:
            raise self.wrong(f"it lacks the array {name}")
        found = self.tensors[name]
        if found.dtype.kind not in kinds:
            raise self.wrong(f"{name} are {found.dtype}, and {_KINDS[kinds]} are asked for")
        if found.ndim != n_dims:
            raise self.wrong(f"{name} have the shape {found.shape}, and {n_dims} dimensions are asked for")
        if found.dtype.kind == "f" and not np.isfinite(found).all():
            raise self.wrong(f"some of {name} are NaN or infinite")
        return found

    def keys(self, name: str, of: Array, kinds: str) -> Array:
        """Return (n,) what rows of an array are known by: as many as rows, each once.

        Raises
        ------
        SchemaError
            If it is not so.
        """
        found = self.array(name, kinds, 1)
        self.require_rows(name, found, of)
        values, counts = np.unique(found, return_counts=True)
        if (counts > 1).any():
            raise self.wrong(f"{(counts > 1).sum()} of {name} occur more than once, as {values[counts > 1][0]}")
        return found

    def ids(self, name: str, of: Array | None = None) -> list[bytes]:
        """Return ids without the zeros that pad them, each once; as many as rows of an array where one is given.

        Raises
        ------
        SchemaError
            If it is not so.
        """
        matrix = self.array(name, "iu", 2)
        if matrix.dtype != np.uint8:
            raise self.wrong(f"{name} are {matrix.dtype}, and uint8 is asked for")
        if of is not None:
            self.require_rows(name, matrix, of)
        found = [one.tobytes().rstrip(b"\0") for one in matrix]
        seen: set[bytes] = set()
        for one in found:
            if one in seen:
                raise self.wrong(f"{name} have {one.decode(errors='replace')} more than once")
            seen.add(one)
        return found

    def require_rows(self, name: str, found: Array, of: Array) -> None:
        """Refuse an array that has not as many rows as another.

        Raises
        ------
        SchemaError
            If it has not.
        """
        if len(found) != len(of):
            raise self.wrong(f"{name} have {len(found)} rows, and the file has {len(of)}")


def require_same_units(given: TensorFile, true: TensorFile, n_given: int, n_true: int) -> None:
    """Refuse counts whose units are others than those of the ground truth, or the same in another order.

    Ground truth without ``unit_ids`` says nothing of them, and only their number is compared.

    Raises
    ------
    SchemaError
        If they are.
    """
    if n_given != n_true:
        raise given.wrong(f"it predicts {n_given} units, and {true.path} has {n_true}")
    if "unit_ids" not in true.tensors:
        return
    ours, theirs = given.ids("unit_ids"), true.ids("unit_ids")
    for one, ids, number in ((given, ours, n_given), (true, theirs, n_true)):
        if len(ids) != number:
            raise one.wrong(f"it has {len(ids)} unit_ids of {number} units")
    if ours != theirs:
        others = len(set(theirs) - set(ours))
        raise given.wrong(
            f"{others} units of {true.path} are not in it"
            if others
            else f"its units are not in the order of {true.path}"
        )


def require_classes(given: TensorFile, true: TensorFile, n_classes: int, targets: Array) -> None:
    """Refuse another number of classes than that of the ground truth, or targets that are none of them.

    Raises
    ------
    SchemaError
        If it is so.
    """
    names = true.metadata.get("label_names")
    if names is not None and n_classes != len(names.split(",")):
        raise given.wrong(f"it has {n_classes} classes, and {true.path} has {len(names.split(','))}: {names}")
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < n_classes:
        raise given.wrong(
            f"it has {n_classes} classes, and those of {true.path} are {targets.min()} to {targets.max()}"
        )
