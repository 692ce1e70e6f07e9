"""Raw files that may go: those that no catalogue lists now, or all, on the disk and in a bucket.

What else is pruned is `pruning`.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.operations.opened_home import OpenHome
from nh_platform.session.display import counted
from nh_platform.session.errors import NhError, StoreError


def raw_roots(home: OpenHome, source: str | None = None) -> list[Path]:
    """Return where the raw files of a source lie, or of all sources of a home: folders, or what stands for a bucket."""
    from nh_platform.downloads.in_buckets.raw_places import raw_root

    settings = home.platform.settings
    names = home.platform.entries if source is None else [source]
    return sorted({raw_root(settings.home, settings.source(name).read.get("raw_dir")) for name in names})


def prune_raw(
    home: OpenHome, source: str | None, takes_all: bool, kept: list[str], dry_run: bool
) -> list[tuple[Path, int]]:
    """Remove raw files; none where a catalogue that may list them cannot be read.

    Sources may share a folder: of all files of one source go those that its catalogue lists and no other one.

    Parameters
    ----------
    home
        The home.
    source
        The source; all where None.
    takes_all
        Remove those that a catalogue lists, too.
    kept
        Gets why something stays, one text each.
    dry_run
        Remove nothing.

    Returns
    -------
    list of (Path, int)
        What was removed, or would be, with its bytes.
    """
    from nh_platform.downloads.in_buckets.raw_places import raw_sizes, remove_raw
    from nh_platform.store.names import SOURCE_WIDE

    own, listed = set[str](), set[str]()
    of_one = takes_all and source is not None
    for name in home.platform.entries:
        if (not takes_all or of_one) and home.platform.store.published(name, SOURCE_WIDE):
            try:
                of_source = set(home.platform.manifest(name).files["md5"].dropna())
            except NhError as error:
                kept.append(f"raw files are kept, since the catalogue of {name} cannot be read: {error}")
                return []
            if of_one and name == source:
                own = of_source
            else:
                listed |= of_source
    going: dict[Path, int] = {}
    for root in raw_roots(home, source):
        try:
            sizes = raw_sizes(root)
        except StoreError as error:
            kept.append(str(error))
            continue
        going |= {
            path: size for path, size in sizes.items() if path.name not in listed and (not of_one or path.name in own)
        }
    if going and not takes_all and not listed:  # a machine that shares a bucket, and was never synced
        found = "no catalogue that lists any is stored here, so that nothing tells which are wanted elsewhere"
        kept.append(
            f"{counted(len(going), 'raw file is', 'raw files are')} kept: {found}. `nh sync`, or say `--raw all`."
        )
        return []
    refused = {} if dry_run else remove_raw(going)
    kept += dict.fromkeys(refused.values())
    return [(path, size) for path, size in going.items() if path not in refused]
