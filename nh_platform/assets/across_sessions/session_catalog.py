"""The asset `session_catalog`: all sessions of a source as one table, which finding sessions searches.

Change here what is shown of it. Its rows are made in `nh_platform.reading.searching.session_search`.
"""

from collections.abc import Mapping
from pathlib import Path

from nh_platform.assets.across_sessions.stored_versions import manifest_and_sessions
from nh_platform.assets.record import AssetResult, Parameters, SourceAsset
from nh_platform.history.identity import version_of
from nh_platform.history.snapshots import ASSET as MANIFEST
from nh_platform.home.platform import Platform
from nh_platform.home.set_aside import set_aside_words
from nh_platform.session.tables.across_sessions.catalogs import SESSION_CATALOG
from nh_platform.store.codecs.parquet import write_table

_SEARCHED = ("units", "events")
_FILE = "session_catalog.parquet"
_SHOWN = ["session_id", "subject", "date", "units", "good_units", "regions"]


def inputs(platform: Platform, source: str) -> Mapping[str, str]:
    """Return the versions of the manifest and of what it is searched by."""
    return manifest_and_sessions(platform, source, _SEARCHED)


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the rulebook whose good units are counted, and which sessions are set aside."""
    set_aside = set_aside_words(platform.settings, source, platform.today)
    stated = {"set aside": version_of(f"{one}\n" for one in set_aside.items())} if set_aside else {}
    return {"rulebook": platform.config(source).rulebook_ids[0], **stated}


def make(platform: Platform, source: str, folder: Path) -> AssetResult:
    """List every session of the manifest with what the store holds of it."""
    from nh_platform.reading.searching.session_search import SessionQuery, find_sessions

    set_aside = {source: set_aside_words(platform.settings, source, platform.today)}
    table = find_sessions(platform.manifest(source), platform.store, SessionQuery(), set_aside=set_aside)
    table = table.sort_values("session_id", ignore_index=True)
    write_table(folder / _FILE, table, SESSION_CATALOG)
    largest = table.sort_values("good_units", ascending=False, kind="stable").head(10)
    return AssetResult(
        rows=len(table),
        shown={
            "sessions": len(table),
            "sessions set aside": int((table["set_aside"] == "set aside").sum()),
            "sessions with units": int((table["good_units"].notna()).sum()),
            "most good units": largest[_SHOWN].fillna("").astype(str).to_dict("records"),
        },
    )


ASSET = SourceAsset(
    name=SESSION_CATALOG.name,
    code_version="4",
    description=(
        "One row per session that upstream lists: animal, lab, day, task, probes, units and good units, performance, "
        "regions, how many of its assets are stored, how many notes they have, whether reviewers set it aside, QC, and "
        "what the release states of the animal and the stimuli. What `nh sessions` searches."
    ),
    kinds=frozenset({"parquet"}),
    tables=((SESSION_CATALOG, _FILE),),
    reads=(MANIFEST, *_SEARCHED),
    inputs=inputs,
    make=make,
    parameters=parameters,
    follows_sessions=True,
)
