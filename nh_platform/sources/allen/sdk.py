"""AllenSDK on a current numpy: the one module of the platform that imports it.

Contains the shim that AllenSDK 2.16.2 needs with numpy 2 and the entry points that the platform uses. Add a lazy
accessor here when another part of AllenSDK is needed. No data is read, converted or cached here, and nothing here
touches AllenSDK itself: no patching.

Sessions are read with h5py (`nh_platform.sources.allen.nwb.nwb_file`), because `EcephysSession` reads the whole units
table again for every attribute: 14-18 s and 3.4 GB for 100 M spikes, against 0.1-1.8 s and 0.9 GB. AllenSDK remains the
judge of the values (the tests compare them one by one) and the client of the Allen Institute's warehouse.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from nh_platform.session import BadUpstreamData, ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from allensdk.brain_observatory.behavior.behavior_project_cache import VisualBehaviorNeuropixelsProjectCache
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


WAREHOUSE = "http://api.brain-map.org"
"""The Allen Institute's warehouse, as AllenSDK 2.16.2 asks it (`EcephysProjectWarehouseApi.default`)."""

NWB_FILES_QUERY = (
    "criteria=model::WellKnownFile"
    ",rma::criteria,well_known_file_type[name$eq'EcephysNwb'][attachable_type$eq'EcephysSession']"
)
"""AllenSDK's own question for a session's NWB file (`get_session_data`), asked for all sessions at once."""


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


def fetch_warehouse_tables(cache: EcephysProjectCache, address: str) -> None:
    """Write sessions.csv, probes.csv, channels.csv and units.csv into the cache's folder, those that are not there.

    Raises
    ------
    BadUpstreamData
        If the warehouse cannot be asked.
    """
    with _warehouse(address):
        cache.get_session_table()  # joins all four


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


ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_S3"
"""Variable from which boto3 (1.28 and later) takes another S3 server than Amazon's; AllenSDK has no argument for it."""


def behavior_cache(
    root: Path, bucket: str, endpoint: str | None, manifest: str | None
) -> VisualBehaviorNeuropixelsProjectCache:
    """Open AllenSDK's Visual Behavior Neuropixels cache on a bucket, with one manifest loaded and its tables fetched.

    Files that are in ``root`` with the hash of the manifest are linked, not fetched again.

    Parameters
    ----------
    root
        AllenSDK's ``cache_dir``.
    bucket, endpoint
        Name of the bucket, and address of the S3 server where it is not Amazon's.
    manifest
        File name of the manifest to load; None for the newest in the bucket.

    Raises
    ------
    ConfigError
        If the bucket has no such manifest.
    BadUpstreamData
        If the bucket cannot be read.
    """
    restore_numpy_names()
    from allensdk.brain_observatory.behavior.behavior_project_cache import VisualBehaviorNeuropixelsProjectCache

    with _s3(bucket, endpoint):
        cache = VisualBehaviorNeuropixelsProjectCache.from_s3_cache(root, bucket_name_override=bucket)
        held = cache.list_manifest_file_names()
        wanted = cache.latest_manifest_file() if manifest is None else manifest
        if wanted not in held:
            raise ConfigError(
                "setting manifest of allen_vbn",
                f"bucket {bucket} has no {wanted} (it has: {', '.join(held)})",
                "Use one of those versions, or `latest`.",
            )
        if cache.current_manifest() != wanted:
            cache.load_manifest(wanted)
        return cache


@contextmanager
def _s3(bucket: str, endpoint: str | None) -> Iterator[None]:
    """Run AllenSDK calls on a bucket: with the endpoint, without its warnings, and with errors that name the bucket."""
    from botocore.exceptions import BotoCoreError, ClientError

    before = os.environ.get(ENDPOINT_VARIABLE)
    if endpoint is not None:
        os.environ[ENDPOINT_VARIABLE] = endpoint
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (BotoCoreError, ClientError, OSError) as error:
        raise BadUpstreamData(
            f"bucket {bucket}", f"it cannot be read: {error}", "Check the network and the settings bucket and endpoint."
        ) from error
    except (RuntimeError, KeyError, IndexError) as error:
        # What AllenSDK raises where an object lacks the manifest's version, or came with another hash ten times.
        raise BadUpstreamData(
            f"bucket {bucket}",
            f"AllenSDK could not fetch a file that its manifest lists: {error!r}",
            "Try again later.",
        ) from error
    finally:
        if endpoint is not None:
            if before is None:
                os.environ.pop(ENDPOINT_VARIABLE, None)
            else:
                os.environ[ENDPOINT_VARIABLE] = before
