"""The asset `qc_site`: the index over all sessions of a source's release, with a page per rule.

Contains what it depends on and what Dagster shows of it. What the site says is `nh_platform.reports.site`. No session
depends on it: a page of one session shows the release only where somebody puts the snapshot in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nh_platform.assets.across_sessions.reconciliation import ASSET as RECONCILIATION
from nh_platform.assets.across_sessions.stored_versions import manifest_and_sessions, versions_digest
from nh_platform.assets.record import REVIEWS, AssetResult, Parameters, SourceAsset
from nh_platform.history.snapshots import ASSET as MANIFEST
from nh_platform.history.snapshots import list_snapshots
from nh_platform.home.page_addresses import QC_SITE, site_address
from nh_platform.home.platform import Platform
from nh_platform.qc.reviews.review_files import review_paths
from nh_platform.session import NhError
from nh_platform.session.tables.across_sessions.site import SITE_OUTLIERS, SITE_RULES, SITE_SESSIONS
from nh_platform.store.names import SOURCE_WIDE

_READ = ("units", "session_report", "raw_spikes", "unit_embeddings")
_SHOWN = 10


def inputs(platform: Platform, source: str) -> Mapping[str, str]:
    """Return the versions of the release and the one before, of what is read of the sessions, and of the reviews."""
    versions = manifest_and_sessions(platform, source, _READ)
    before = [one.version for one in list_snapshots(platform.store, source)[-2:-1]]
    counts = platform.store.data_version(source, SOURCE_WIDE, RECONCILIATION.name)
    stated = {"release before": before[0] if before else None, RECONCILIATION.name: counts}
    return {**versions, REVIEWS: _reviews(platform, source), **{name: one for name, one in stated.items() if one}}


def parameters(platform: Platform, source: str) -> Parameters:
    """Return the rules in force and those that they are compared with, words too, and the pages' scripts and styles."""
    from nh_platform.qc.rules.rulebook import load_rulebook
    from nh_platform.reports.page.page_code import page_code_version

    books = [load_rulebook(name) for name in platform.config(source).rulebooks]
    return {
        "rulebooks": ";".join(f"{book.id}={book.wording_version()}" for book in books),
        "scripts and styles": page_code_version("nh_platform.reports.site.pages"),
    }


def make(platform: Platform, source: str, folder: Path) -> AssetResult:
    """Count all sessions of the release, and write index, rule pages, snapshot and tables."""
    from nh_platform.reports.site.building import build_site
    from nh_platform.reports.site.stored_release import changes_of, stored_material
    from nh_platform.reports.site.writing import write_pages, write_tables

    changes, lacking = changes_of(platform.store, source)
    manifest = platform.manifest(source)
    material = stored_material(platform, source, manifest, site=folder, changes=changes, changes_lacking=lacking)
    site = build_site(material)
    write_pages(site, folder)
    write_tables(site, folder)
    labs = site.rates["lab"][["group", "sessions", "units", "good", "share"]]
    rules = [
        {"rule": one.rule, "asks for": one.criterion, "pass": one.passing, "fail": one.failing, "alone": one.alone}
        for one in site.distributions
    ]
    standing = site.sessions["standing"].value_counts().rename_axis("standing")
    return AssetResult(
        rows=len(site.sessions),
        shown={
            **site.counts(),
            "release": manifest.release,
            "rulebook": material.rulebook.id,
            "rulebook digest": material.rulebook.digest,
            "sessions by standing": [{"standing": str(name), "sessions": int(n)} for name, n in standing.items()],
            "good units by lab": labs.to_dict("records"),
            "rules": rules,
            "outliers": site.outliers[["session_id", "probe", "text"]].head(_SHOWN).to_dict("records"),
        },
        notes=tuple(material.notes),
        page=site_address(source),
    )


def _reviews(platform: Platform, source: str) -> str:
    """Return one version for the reviews of all sessions that count today; of a file that cannot be read, its fault."""
    versions = {}
    for path in review_paths(platform.settings.reviews, source):
        try:
            counting = platform.reviews_version(source, path.stem)
            # What decides nothing as well: a question counts for no unit, and is listed.
            versions[path.stem] = f"{counting} {platform.reviews_content(source, path.stem)}"
        except (NhError, OSError) as error:
            versions[path.stem] = str(error)
    return versions_digest(versions)


ASSET = SourceAsset(
    name=QC_SITE,
    code_version="2",
    description=(
        "The QC site of the release: an index over all sessions that opens from disk, with pass rates by lab, region, "
        "probe and time, a map of units by how they fire, outliers, what changed since the last release and the rules "
        "before, sessions that wait for review, disagreements and published counts, and a page per rule. `nh qc "
        "report` writes it for a meeting."
    ),
    kinds=frozenset({"html", "parquet"}),
    tables=(
        (SITE_SESSIONS, "sessions.parquet"),
        (SITE_RULES, "rules.parquet"),
        (SITE_OUTLIERS, "outliers.parquet"),
    ),
    reads=(MANIFEST, *_READ, RECONCILIATION.name),
    inputs=inputs,
    make=make,
    parameters=parameters,
    follows_sessions=True,
)
