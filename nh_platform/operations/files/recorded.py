"""The recorded files of a session (ap, lfp, sync, video) listed, and downloaded where that is asked for.

Contains what is behind `nh files`. Which files a source has is in its own folder; no asset reads them, and `nh fetch`
leaves them alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.files.byte_counts import CountedBytes
from nh_platform.operations.opened_home import (
    Home,
    Interrupted,
    OnProgress,
    existing_parent,
    open_home,
    unwatched,
)
from nh_platform.session import ConfigError
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.sources.recorded_files import RecordedFile


@dataclass(frozen=True)
class ListedFiles:
    """Recorded files of one session.

    Parameters
    ----------
    source, session_id
        The session.
    files
        Its files of the kinds and probes asked for.
    missing
        Those of them that were not here before.
    folder, in_place
        Folder of the files, None where the source keeps none; whether they are read there, so that none is fetched.
    n_free
        Bytes that the disk of the folder had free before.
    """

    source: str
    session_id: str
    files: tuple[RecordedFile, ...]
    missing: tuple[RecordedFile, ...]
    folder: Path | None
    in_place: bool
    n_free: int = 0

    @property
    def n_bytes(self) -> int:
        """Size of the missing ones as upstream states it."""
        return sum(file.size or 0 for file in self.missing)


def list_files(
    home: Home,
    source: str,
    session: str,
    *,
    kinds: Sequence[str] = (),
    probes: Sequence[str] = (),
    fetch: bool = False,
    on_progress: OnProgress = unwatched,
) -> ListedFiles:
    """List the recorded files of a session that upstream has, and download them where asked to.

    Parameters
    ----------
    home
        Home folder.
    source, session
        The session; the first characters of its id will do, or the id of one of its insertions.
    kinds
        ``ap``, ``lfp``, ``sync``, ``video``; all where empty. The clock of a probe comes with its ap and lfp files.
    probes
        Names of probes, whose files alone count; all, and those of the session, where empty.
    fetch
        Download what is not here, whole and verified; what broke before is resumed. Quiet hours are kept.
    on_progress
        Called with the bytes that came.

    Raises
    ------
    ConfigError
        If there is no such source or kind, the source has no recorded files, or reads them in place and cannot fetch.
    UnknownSession
        If there is no such session or probe.
    BadUpstreamData
        If upstream must be asked and does not answer, or a file does not come whole.
    StoreError
        If the disk has too little room; the text says how much is missing.
    Interrupted
        If a person or the system stops it; what came is kept and resumed.
    """
    from nh_platform.sources.fetching import FetchingSource, folder_in_place
    from nh_platform.sources.recorded_files import AP, KINDS, LFP, SYNC, RecordedFileSource, require_kind, require_probe

    for kind in kinds:
        require_kind(kind)
    with open_home(home) as at:
        upstream, manifest = at.platform.source(source), at.platform.manifest(source)
    if not isinstance(upstream, RecordedFileSource):
        found = "it lists no ap, lfp, sync or video files"
        raise ConfigError(f"source {source}", found, "Use the recordings' own folder.")
    of_session = manifest.session(manifest.session_named(session))
    for probe in probes:
        require_probe(of_session, probe)
    in_place = folder_in_place(upstream)

    def chosen() -> tuple[RecordedFile, ...]:
        wanted = {*(kinds or KINDS)}
        return tuple(
            file
            for file in upstream.recorded_files(of_session)
            if (not probes or file.probe in probes)
            and (file.kind in wanted or (file.kind == SYNC and file.probe and wanted & {AP, LFP}))
        )

    files = chosen()
    missing = tuple(file for file in files if file.held is None)
    folder, n_free = in_place, 0
    if in_place is None and isinstance(upstream, FetchingSource):
        downloads = upstream.raw_files()
        folder = downloads.root
        n_free = shutil.disk_usage(existing_parent(folder)).free
        if fetch:
            downloads.require_space(
                sum(file.size or 0 for file in missing), f"{counted(len(missing), 'file')} of {source}"
            )
    listed = ListedFiles(source, of_session.session_id, files, missing, folder, in_place is not None, n_free)
    if not fetch or not missing:
        return listed
    now = f"{counted(len(missing), 'file')} of session {listed.session_id[:8]}"
    count = CountedBytes(source, listed.n_bytes, on_progress, now)
    try:
        upstream.fetch_recorded(of_session, missing, count)
    except KeyboardInterrupt:
        raise Interrupted("what came of the recorded files is kept") from None
    return ListedFiles(source, of_session.session_id, chosen(), missing, folder, False, n_free)
