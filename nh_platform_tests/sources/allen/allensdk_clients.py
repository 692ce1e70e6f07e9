"""AllenSDK itself, opened as its users open it: what the platform reads is held against it.

Add here another way into AllenSDK that a comparison needs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from nh_platform.sources.allen.sdk import restore_numpy_names

if TYPE_CHECKING:
    from allensdk.brain_observatory.behavior.behavior_project_cache import VisualBehaviorNeuropixelsProjectCache
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession


def open_session(path: Path, **filters: Any) -> EcephysSession:
    """Open one Visual Coding NWB file; ``filters`` are arguments of `EcephysNwbSessionApi`."""
    restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession

    return EcephysSession.from_nwb_path(str(path), api_kwargs=filters)


@contextmanager
def files_kept_open() -> Iterator[None]:
    """Let AllenSDK parse a file once: given a path, it does so for each attribute, 3 s however small the file is."""
    restore_numpy_names()
    import pynwb
    from allensdk.brain_observatory.nwb.nwb_api import NwbApi

    opened: dict[str, pynwb.NWBHDF5IO] = {}

    def nwbfile(api: NwbApi) -> pynwb.NWBFile:
        if api.path not in opened:
            opened[api.path] = pynwb.NWBHDF5IO(str(api.path), "r", load_namespaces=True)
        return opened[api.path].read()

    with patch.object(NwbApi, "nwbfile", property(nwbfile)):
        yield
    for io in opened.values():
        io.close()


def behavior_cache(root: Path, bucket: str, endpoint: str) -> VisualBehaviorNeuropixelsProjectCache:
    """Open the Visual Behavior Neuropixels cache on the newest manifest of a bucket.

    ``endpoint`` is given in boto3's variable: AllenSDK has no argument for it.
    """
    restore_numpy_names()
    from allensdk.brain_observatory.behavior.behavior_project_cache import VisualBehaviorNeuropixelsProjectCache

    with patch.dict(os.environ, AWS_ENDPOINT_URL_S3=endpoint):
        cache = VisualBehaviorNeuropixelsProjectCache.from_s3_cache(root, bucket_name_override=bucket)
        newest = cache.latest_manifest_file()
        if cache.current_manifest() != newest:
            cache.load_manifest(newest)
        return cache
