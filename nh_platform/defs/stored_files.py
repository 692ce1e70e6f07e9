"""The check that stored files are what was published: of a share of the sessions each day, and what is known already.

What is compared stands in `nh_platform.planning.verification`.
"""

import datetime as dt
from collections import Counter

import dagster as dg

from nh_platform.defs.run_tags import name_warned
from nh_platform.history.snapshots import ASSET as MANIFEST
from nh_platform.home.platform import Platform
from nh_platform.planning.verification import ROTATION_DAYS, share_of_day, verify
from nh_platform.session.display import counted
from nh_platform.sources.entry import SourceEntry
from nh_platform.store.names import SOURCE_WIDE

STORED_FILES = "stored_files_intact"
_SHOWN = 20


def build_stored_files_check(entry: SourceEntry, platform: Platform) -> dg.AssetChecksDefinition:
    """Return the check of one source."""

    @dg.asset_check(
        asset=dg.AssetKey([entry.name, MANIFEST]),
        name=STORED_FILES,
        description=(
            "Stored files are the bytes that were published. Each inventory compares the hashes of another share of "
            f"the sessions, so that each is compared once in {ROTATION_DAYS} days, and counts what else is known to be "
            "damaged. `nh verify --repair` makes what is damaged again; so does the sensor."
        ),
    )
    def stored_files_intact(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        share = share_of_day(platform.store, entry.name, dt.date.today().toordinal())
        found = verify(platform.store, [entry.name], share)
        stored = (*platform.store.sessions(entry.name), SOURCE_WIDE)
        known = {one: platform.store.damaged(entry.name, one) for one in stored}
        damaged = {session: files for session, files in known.items() if files}
        out_of_reach = [texts for one in stored if (texts := platform.store.out_of_reach(entry.name, one))]
        by_asset = Counter(asset for files in damaged.values() for asset in files)
        text = f"{counted(found.n_files, 'file')} of {counted(len(share), 'session')} compared today."
        if damaged:
            words = ", ".join(f"{name} of {n}" for name, n in by_asset.items())
            text += (
                f" {counted(len(damaged), 'session or catalog is', 'sessions or catalogs are')} damaged ({words});"
                f" `nh verify {entry.name} --repair` makes them again."
            )
        if out_of_reach:
            whose = counted(len(out_of_reach), "session or catalog", "sessions or catalogs")
            text += f" {whose} cannot be read now: {out_of_reach[0][0]}"
        is_intact = not damaged and not out_of_reach
        name_warned(context, [] if is_intact else [STORED_FILES])
        return dg.AssetCheckResult(
            passed=is_intact,
            severity=dg.AssetCheckSeverity.WARN,
            description=text,
            metadata={
                "sessions compared": len(share),
                "files compared": found.n_files,
                "MB compared": round(found.n_bytes / 1e6, 1),
                "sessions damaged": len(damaged),
                "sessions that cannot be read": len(out_of_reach),
                "damaged": dg.MetadataValue.json(
                    {
                        one: {asset: list(files) for asset, files in damaged[one].items()}
                        for one in list(damaged)[:_SHOWN]
                    }
                ),
            },
        )

    return stored_files_intact
