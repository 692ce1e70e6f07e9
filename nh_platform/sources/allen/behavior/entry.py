"""The source ``allen_vbn``: how it is opened and served.

Add here what the platform must know of Visual Behavior as a whole. It is imported whenever the platform is: what reads
the files is imported when the source is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.sources.allen.hemisphere import ML_TOWARDS
from nh_platform.sources.allen.released_columns import COUNTERPARTS, WORDS
from nh_platform.sources.allen.stimulus_onset import PRESENTATION
from nh_platform.sources.anatomy.region_names import VISUAL_HOMONYMS
from nh_platform.sources.entry import Server, SourceEntry, UpstreamLabel
from nh_platform.sources.events import EventFilter, EventTimes

if TYPE_CHECKING:
    from nh_platform.sources.servers import Answer
    from nh_platform.sources.source import Source


def _open(read: Mapping[str, Any], home: Path) -> Source:
    from nh_platform.sources.allen.behavior.settings import AllenVbnSettings
    from nh_platform.sources.allen.behavior.source import AllenVisualBehaviorSource
    from nh_platform.sources.read_settings import read_settings

    values = {"root": "upstream/allen_vbn", "cache_dir": "cache/allen_vbn", **read}
    return AllenVisualBehaviorSource(read_settings(AllenVbnSettings, ENTRY.name, values, home))


def _servers(read: Mapping[str, Any]) -> tuple[Server, ...]:
    """Return the bucket, where the source is configured to fetch from it, or not configured yet."""
    if read and read.get("mode") != "s3":
        return ()
    from nh_platform.sources.allen.behavior.bucket import MANIFESTS, Bucket
    from nh_platform.sources.allen.behavior.settings import BUCKET

    endpoint = read.get("endpoint")
    bucket = Bucket(str(read.get("bucket") or BUCKET), str(endpoint) if endpoint else None)

    def ask(wait_s: float) -> Answer:
        answer = bucket.answer(MANIFESTS, wait_s)
        return answer if read else replace(answer, ok=answer.ok or None)  # nobody stated what could be wrong

    return (Server(bucket.address, ask),)


ENTRY = SourceEntry(
    name="allen_vbn",
    title="Allen Visual Behavior",
    short_title="Visual Behavior",
    description=(
        "Neuropixels recordings of mice that detect changes of images, with trials, licks, rewards, running "
        "and eye tracking, by the Allen Institute, read from its NWB files by release."
    ),
    organisation="Allen Institute",
    order=3,
    open=_open,
    servers=_servers,
    rulebook="allen-vbn-recommended",
    also_rulebooks=("nh-common",),
    presets=("continuous-1s", "stim-halves-500ms"),
    reference_window="spontaneous-300s",
    events={
        "trial start": EventTimes("change_trials", "start_time"),
        "stimulus onset": PRESENTATION,
        "image change": EventTimes("presentations", "start_time", (EventFilter(column="is_change", minimum=1),)),
        "response": EventTimes("change_trials", "response_time"),
        "lick": EventTimes("licks", "times"),
        "reward": EventTimes("rewards", "times"),
    },
    upstream_format="nwb",
    counterparts=COUNTERPARTS,
    released_words=WORDS,
    upstream_label=UpstreamLabel("quality", "good"),
    definer="allen",
    published_counts=Path(__file__).with_name("published_counts.yaml"),
    simulation="nh_platform.simulation:write_allen_vbn",
    session_qc="exceptions",
    extra_assets=("optotagging", "image_embeddings"),
    region_names=VISUAL_HOMONYMS,
    ml_towards=ML_TOWARDS,
    assets_on_request=("mean_waveforms",),
    terms="Terms of use of the Allen Institute: free for non-commercial use, with citation.",
    license="https://alleninstitute.org/terms-of-use/",
    cites=("allen_vbn_2022",),
)
