"""AllenSDK itself, opened as its users open it: what the platform reads is held against it.

Add here another way into AllenSDK that a comparison needs.
"""

from __future__ import annotations

import os
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
