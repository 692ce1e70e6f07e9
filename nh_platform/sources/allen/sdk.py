"""AllenSDK on a current numpy: the one module of the platform that imports it.

Contains the shim that AllenSDK 2.16.2 needs with numpy 2 and the two entry points that the platform uses. Add a lazy
accessor here when another part of AllenSDK is needed. No data is read, converted or cached here, and nothing here
touches AllenSDK itself: no patching.

Sessions are read with h5py (`nh_platform.sources.allen.nwb`), because `EcephysSession` reads the whole units table
again for every attribute: 14-18 s and 3.4 GB for 100 M spikes, against 0.1-1.8 s and 0.9 GB. AllenSDK remains the
judge of the values (the tests compare them one by one) and the client of the Allen Institute's warehouse.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from allensdk.brain_observatory.ecephys.ecephys_project_cache import EcephysProjectCache
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession


def restore_numpy_names() -> None:
    """Give numpy 2 back the names that AllenSDK 2.16.2 still uses; existing names are left alone.

    `allensdk/deprecated.py` reads ``np.VisibleDeprecationWarning`` on import, so that without it no part of AllenSDK
    can be imported; the others are called in its writers and in its stimulus analysis.
    """
    names: dict[str, Any] = {
        "VisibleDeprecationWarning": np.exceptions.VisibleDeprecationWarning,
        "NaN": np.nan,
        "Inf": np.inf,
        "string_": np.bytes_,
        "in1d": np.isin,
        "product": np.prod,
    }
    for name, value in names.items():
        if name not in np.__dict__:
            setattr(np, name, value)


def open_session(path: Path, **filters: Any) -> EcephysSession:
    """Open one Visual Coding NWB file as AllenSDK's `EcephysSession`.

    Parameters
    ----------
    path
        The NWB file.
    **filters
        Arguments of `EcephysNwbSessionApi`: ``filter_by_validity``, ``filter_out_of_brain_units``,
        ``amplitude_cutoff_maximum``, ``presence_ratio_minimum``, ``isi_violations_maximum``. Without them AllenSDK
        applies its defaults (valid channels, quality ``good``, in the brain, 0.1, 0.95, 0.5).
    """
    restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession

    return EcephysSession.from_nwb_path(str(path), api_kwargs=filters)


def warehouse_cache(manifest_path: Path) -> EcephysProjectCache:
    """Open AllenSDK's project cache; files that are already in its folder are not asked for again.

    ``from_warehouse`` rather than ``fixed``: the latter raises ``AttributeError: rma_engine`` in 2.16.2. The default
    ``asynchronous=False`` stays: the other fails with ``no running event loop``.

    Parameters
    ----------
    manifest_path
        The cache's ``manifest.json``; sessions lie beside it as ``session_<id>/session_<id>.nwb``.
    """
    restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_project_cache import EcephysProjectCache

    return EcephysProjectCache.from_warehouse(manifest=str(manifest_path))
