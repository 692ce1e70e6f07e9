"""Many raw files at once, a bounded number in parallel, with one failure not stopping the others.

Add here what a set of downloads needs as a whole. One file is `raw_files`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event

from nh_platform.downloads.raw_files import RawFile, RawFiles, RawRequest
from nh_platform.downloads.remote_bytes import Opener
from nh_platform.downloads.transfers import OnBytes
from nh_platform.session import NhError, StoreError
from nh_platform.session.display import counted


@dataclass(frozen=True)
class Batch:
    """Outcome of a set of requests.

    Parameters
    ----------
    files
        What is there, by the key of its request.
    errors
        What failed, by the key of its request, in the order of the requests.
    """

    files: dict[str, RawFile]
    errors: dict[str, NhError]

    def raise_first(self) -> None:
        """Raise the first failure, if any, with the number of further ones; trouble of the disk before any other."""
        if not self.errors:
            return
        errors = list(self.errors.values())
        first = next((error for error in errors if isinstance(error, StoreError)), errors[0])
        more = f" ({len(errors) - 1} more files failed)" if len(errors) > 1 else ""
        raise type(first)(first.thing, first.found + more, first.action) from first


def fetch_all(
    raw: RawFiles,
    requests: Mapping[str, tuple[RawRequest, Sequence[Opener]]],
    parallel: int,
    on_bytes: OnBytes | None = None,
) -> Batch:
    """Fetch every file that is not there, ``parallel`` at a time.

    An interruption (Ctrl-C) ends the running transfers at their next bytes and keeps what came.

    Parameters
    ----------
    raw
        Where files go.
    requests
        Files and their places, by any key.
    parallel
        Most transfers at a time.
    on_bytes
        Told of progress, from several threads.

    Raises
    ------
    StoreError
        If the sizes that upstream states do not fit on the disk; nothing is fetched then.
    """
    missing = [request for request, _ in requests.values() if not raw.holds(request)]
    if missing:
        raw.require_space(sum(request.size or 0 for request in missing), counted(len(missing), "file"))
    stop, files, errors = Event(), {}, {}
    pool = ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="raw-file")
    running = {
        pool.submit(raw.fetch, request, openers, on_bytes, stop): key for key, (request, openers) in requests.items()
    }
    try:
        for done in as_completed(running):
            try:
                files[running[done]] = done.result()
            except NhError as error:
                errors[running[done]] = error
    except BaseException:
        stop.set()
        # not waited for: a transfer ends at its next bytes, and a silent server sends none for a minute
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return Batch(
        files={key: files[key] for key in requests if key in files},
        errors={key: errors[key] for key in requests if key in errors},
    )
