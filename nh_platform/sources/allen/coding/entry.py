"""The source ``allen_vc``: how it is opened and served.

Add here what the platform must know of Visual Coding as a whole. It is imported whenever the platform is: what reads
the files is imported when the source is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.sources.allen.hemisphere import ML_TOWARDS
from nh_platform.sources.allen.released_columns import COUNTERPARTS, WORDS
from nh_platform.sources.allen.stimulus_onset import PRESENTATION
from nh_platform.sources.anatomy.region_names import VISUAL_HOMONYMS
from nh_platform.sources.entry import Server, SourceEntry, UpstreamLabel

if TYPE_CHECKING:
    from nh_platform.sources.source import Source

_FOLDER = Path(__file__).parent


def _open(read: Mapping[str, Any], home: Path) -> Source:
    from nh_platform.sources.allen.coding.settings import AllenVcSettings
    from nh_platform.sources.allen.coding.source import AllenVisualCodingSource
    from nh_platform.sources.read_settings import read_settings

    values = {"root": "upstream/allen_vc", "cache_dir": "cache/allen_vc", **read}
    return AllenVisualCodingSource(read_settings(AllenVcSettings, ENTRY.name, values, home))


def _servers(read: Mapping[str, Any]) -> tuple[Server | str, ...]:
    """Return the server that the source is configured to ask; the warehouse where it is not configured yet."""
    from nh_platform.sources.allen.sdk import WAREHOUSE

    if read.get("mode") == "s3":
        from nh_platform.sources.allen.coding.settings import BUCKET, PREFIX
        from nh_platform.sources.allen.public_bucket import PublicBucket

        bucket = PublicBucket(str(read.get("bucket") or BUCKET), None, settings="bucket and prefix")
        prefix = str(read.get("prefix", PREFIX))
        return (Server(bucket.address, lambda wait_s: bucket.answer(prefix, wait_s)),)
    is_asked = read.get("mode") == "warehouse" or not read
    return (str(read.get("address") or WAREHOUSE),) if is_asked else ()


ENTRY = SourceEntry(
    name="allen_vc",
    title="Allen Visual Coding",
    short_title="Visual Coding",
    description=(
        "Neuropixels recordings of the mouse visual system under many visual stimuli, by the Allen Institute, "
        "read from its NWB files."
    ),
    organisation="Allen Institute",
    order=2,
    open=_open,
    servers=_servers,
    rulebook="allen-vc-default",
    also_rulebooks=("nh-common",),
    presets=("continuous-1s", "stim-halves-500ms"),
    reference_window="spontaneous-300s",
    events={"stimulus onset": PRESENTATION},
    upstream_format="nwb",
    counterparts=COUNTERPARTS,
    released_words=WORDS,
    upstream_label=UpstreamLabel("quality", "good"),
    definer="allen",
    published_counts=_FOLDER / "published_counts.yaml",
    published_members=_FOLDER / "published_members.yaml",
    simulation="nh_platform.simulation:write_allen_vc",
    extra_assets=("optotagging", "stimulus_tensors", "image_embeddings"),
    region_names=VISUAL_HOMONYMS,
    ml_towards=ML_TOWARDS,
    assets_on_request=("mean_waveforms",),
    terms="Terms of use of the Allen Institute: free for non-commercial use, with citation.",
    license="https://alleninstitute.org/terms-of-use/",
    cites=("siegle_2021",),
)
