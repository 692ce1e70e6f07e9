"""AllenSDK on a current numpy: the one module of the platform that imports it.

Contains the shim that AllenSDK 2.16.2 needs with numpy 2 and what is asked of the Allen Institute's warehouse with it.
Add a lazy accessor here when another part of AllenSDK is needed. No data is read, converted or cached here, and nothing
here touches AllenSDK itself: no patching.

Sessions are read with h5py (`nh_platform.sources.nwb.nwb_file`), because `EcephysSession` reads the whole units
table again for every attribute: 14-18 s and 3.4 GB for 100 M spikes, against 0.1-1.8 s and 0.9 GB. AllenSDK remains the
judge of the values (the tests compare them one by one) and the client of the Allen Institute's warehouse.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from nh_platform.session import BadUpstreamData

if TYPE_CHECKING:
    import pandas as pd
    from allensdk.brain_observatory.ecephys.ecephys_project_cache import EcephysProjectCache


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


WAREHOUSE = "http://api.brain-map.org"
"""The Allen Institute's warehouse, as AllenSDK 2.16.2 asks it (`EcephysProjectWarehouseApi.default`)."""

NWB_FILES_QUERY = (
    "criteria=model::WellKnownFile"
    ",rma::criteria,well_known_file_type[name$eq'EcephysNwb'][attachable_type$eq'EcephysSession']"
)
"""AllenSDK's own question for a session's NWB file (`get_session_data`), asked for all sessions at once."""

LFP_FILES_QUERY = (
    "criteria=model::WellKnownFile"
    ",rma::criteria,well_known_file_type[name$eq'EcephysLfpNwb'][attachable_type$eq'EcephysProbe']"
    "[attachable_id$in{}]"
)
"""AllenSDK's own question for a probe's LFP file (`get_probe_lfp_data`), asked for several probes at once."""


def warehouse_cache(manifest_path: Path, address: str = WAREHOUSE, timeout_s: int = 1200) -> EcephysProjectCache:
    """Open AllenSDK's project cache; files that are already in its folder are not asked for again.

    ``from_warehouse`` rather than ``fixed``: the latter raises ``AttributeError: rma_engine`` in 2.16.2. The default
    ``asynchronous=False`` stays: the other fails with ``no running event loop``.

    Parameters
    ----------
    manifest_path
        The cache's ``manifest.json``; sessions lie beside it as ``session_<id>/session_<id>.nwb``.
    address
        The warehouse, scheme and host.
    timeout_s
        After how long AllenSDK gives up a download, however well it goes on.
    """
    restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_project_cache import EcephysProjectCache

    parts = urlsplit(address)
    return EcephysProjectCache.from_warehouse(
        scheme=parts.scheme, host=parts.netloc, manifest=str(manifest_path), timeout=timeout_s
    )


def list_warehouse_nwb_files(cache: EcephysProjectCache, address: str) -> pd.DataFrame:
    """Return a row per session NWB file that the warehouse serves: ``id``, ``attachable_id``, ``download_link``.

    Raises
    ------
    BadUpstreamData
        If the warehouse cannot be asked.
    """
    with _warehouse(address):
        return cache.fetch_api.rma_engine.get_rma_tabular(NWB_FILES_QUERY)


def list_warehouse_lfp_files(cache: EcephysProjectCache, address: str, probe_ids: Sequence[str]) -> pd.DataFrame:
    """Return a row per LFP file that the warehouse serves of some probes, columns as of `list_warehouse_nwb_files`.

    Raises
    ------
    BadUpstreamData
        If the warehouse cannot be asked.
    """
    with _warehouse(address):
        return cache.fetch_api.rma_engine.get_rma_tabular(LFP_FILES_QUERY.format(",".join(probe_ids)))


def fetch_warehouse_tables(cache: EcephysProjectCache, address: str) -> None:
    """Write sessions.csv, probes.csv, channels.csv and units.csv into the cache's folder, those that are not there.

    Raises
    ------
    BadUpstreamData
        If the warehouse cannot be asked.
    """
    with _warehouse(address):
        cache.get_session_table()  # joins all four


def fetch_analysis_metrics(cache: EcephysProjectCache, address: str, session_type: str) -> bool:
    """Write the analysis metrics of a session type into the cache's folder; False where it has no such sessions.

    Raises
    ------
    BadUpstreamData
        If the warehouse cannot be asked.
    """
    with _warehouse(address):
        if session_type not in cache.get_all_session_types():
            return False
        cache.get_unit_analysis_metrics_by_session_type(session_type, annotate=False)
        return True


def warehouse_template_links(cache: EcephysProjectCache, address: str, kind: str) -> dict[int, str]:
    """Return the download link of every stimulus template of a kind (``scene``, ``movie``) by its number.

    Raises
    ------
    BadUpstreamData
        If the warehouse cannot be asked.
    """
    with _warehouse(address):
        table = cache.fetch_api.stimulus_templates
        rows = table[table[f"{kind}_number"].notna()]
        return {int(number): str(link) for number, link in zip(rows[f"{kind}_number"], rows["download_link"])}


@contextmanager
def _warehouse(address: str) -> Iterator[None]:
    """Run AllenSDK calls on the warehouse: without its warnings, and with errors that name the warehouse."""
    import requests
    from allensdk.brain_observatory.ecephys.ecephys_project_api.rma_engine import RmaRequestError

    action = "Check the network and the setting address, or use mode: local, which asks nobody."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (requests.RequestException, RmaRequestError) as error:
        raise BadUpstreamData(f"warehouse {address}", f"it cannot be read: {error}", action) from error
    except (KeyError, TypeError, ValueError) as error:
        # What AllenSDK raises where the answer is JSON of another form, or lacks a column.
        raise BadUpstreamData(f"warehouse {address}", f"its answer cannot be used: {error!r}", action) from error
