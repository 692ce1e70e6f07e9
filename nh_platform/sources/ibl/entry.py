"""The source ``ibl``: how it is opened and served.

Add here what the platform must know of IBL's releases as a whole. It is imported whenever the platform is: what reads
them is imported when the source is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.sources.entry import SourceEntry, UpstreamLabel
from nh_platform.sources.events import EventFilter, EventTimes
from nh_platform.sources.ibl.released_columns import COUNTERPARTS, WORDS
from nh_platform.sources.servers import Answer, Server

if TYPE_CHECKING:
    from nh_platform.sources.source import Source

_FOLDER = Path(__file__).parent


def _open(read: Mapping[str, Any], home: Path) -> Source:
    from nh_platform.downloads.credentials import is_stated
    from nh_platform.downloads.in_buckets.raw_places import RAW_FOLDER, RAW_VARIABLE, stated_raw
    from nh_platform.sources.ibl.settings import CREDENTIALS, ENVIRONMENT, IblSettings, environment_values
    from nh_platform.sources.ibl.source import IblSource
    from nh_platform.sources.read_settings import read_settings

    has_account = any(map(is_stated, CREDENTIALS))
    mode = "local" if "root" in read else "remote" if has_account else "public"
    raw = stated_raw() or RAW_FOLDER
    values = {**environment_values(), "mode": mode, "raw_dir": raw, "aggregates": "aggregates", **read}
    of_environment = {**ENVIRONMENT, "raw_dir": RAW_VARIABLE}
    variables = {name: variable for name, variable in of_environment.items() if name not in read}
    return IblSource(read_settings(IblSettings, ENTRY.name, values, home, variables))


def _servers(read: Mapping[str, Any]) -> tuple[Server | str, ...]:
    """Return Alyx and the bucket of the files, also where a local tree is read: they are where real data come from."""
    from nh_platform.sources.ibl.settings import environment_values

    values = {**environment_values(), **read}
    alyx = str(values.get("url") or "https://openalyx.internationalbrainlab.org")
    bucket = "https://ibl-brain-wide-map-public.s3.amazonaws.com"
    account = {name: values[name] for name in ("username", "password", "token") if values.get(name)}

    def ask_alyx(wait_s: float) -> Answer:
        from nh_platform.sources.ibl.server import server_questions

        return server_questions.ask_alyx(alyx, account, wait_s)

    def ask_bucket(wait_s: float) -> Answer:
        from nh_platform.sources.ibl.server import server_questions

        return server_questions.ask_bucket(values, wait_s)

    data_server = [str(values["data_server"])] if values.get("data_server") else []
    return (Server(alyx, ask_alyx), Server(bucket, ask_bucket), *data_server)


ENTRY = SourceEntry(
    name="ibl",
    title="IBL Brain-wide Map",
    short_title="IBL",
    description=(
        "Neuropixels recordings of mice in the International Brain Laboratory's decision task: Brain-wide Map "
        "and Reproducible Ephys, read through ONE."
    ),
    organisation="International Brain Laboratory",
    order=1,
    open=_open,
    servers=_servers,
    rulebook="ibl-2022-10",
    also_rulebooks=("ibl-2022-03", "ibl-strict", "nh-common"),
    inclusion="ibl-bwm-inclusion",
    session_qc="levels",
    presets=("continuous-1s", "stim-halves-500ms"),
    reference_window="start-30s",
    events={
        "trial start": EventTimes("trials", "start_time"),
        "stimulus onset": EventTimes("trials", "stimOn_times"),
        "stimulus offset": EventTimes("trials", "stimOff_times"),
        "go cue": EventTimes("trials", "goCue_times"),
        "first movement": EventTimes("trials", "firstMovement_times"),
        "response": EventTimes("trials", "response_times"),
        "feedback": EventTimes("trials", "feedback_times"),
        "reward": EventTimes("trials", "feedback_times", (EventFilter(column="feedbackType", minimum=1),)),
        "lick": EventTimes("licks", "times"),
    },
    upstream_format="alf",
    counterparts=COUNTERPARTS,
    released_words=WORDS,
    upstream_label=UpstreamLabel("label", 1.0),
    # The viewer's own query: the insertion and the sorting; without a cluster it opens on the session.
    viewer="https://viz.internationalbrainlab.org/app?spikesorting=ss_{revision}&dset=bwm&pid={insertion_id}",
    definer="ibl",
    published_counts=_FOLDER / "published_counts.yaml",
    published_members=_FOLDER / "published_members.yaml",
    simulation="nh_platform.simulation:write_ibl",
    assets_on_request=("pose", "mean_waveforms", "noise"),
    terms="Creative Commons Attribution 4.0: free to use, with citation.",
    license="https://creativecommons.org/licenses/by/4.0/",
    cites=("ibl_bwm_2025", "ibl_repro_ephys_2025", "ibl_spike_sorting_2022"),
)
