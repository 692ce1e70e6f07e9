"""NWB files from the warehouse: how one is asked for, and when a broken download may be resumed.

Add here what is peculiar to files of the warehouse. What makes a file complete is `downloads`; what there is to fetch
is `warehouse`.

The warehouse states no hash, so nothing would tell a file that was put together from two versions of the same size. A
download is therefore resumed only where the server names the version (ETag, else Last-Modified) and only of that one
(If-Range); otherwise it begins again.
"""

from __future__ import annotations

from pathlib import Path

from nh_platform.downloads.remote_bytes import HttpOpener, Timeouts
from nh_platform.downloads.transfers import RetryPolicy
from nh_platform.sources.allen.coding.downloads import CodingDownloads, Served, ServedFile
from nh_platform.sources.allen.coding.warehouse import served_version


class WarehouseDownloads(CodingDownloads):
    """AllenSDK's cache folder, filled from a warehouse.

    Parameters
    ----------
    root, retries
        The folder, and attempts and waits of downloads; see `DownloadFolder`.
    address
        The warehouse, scheme and host.
    timeouts
        Longest waits for a connection and for the next bytes.
    """

    def __init__(
        self, root: Path, address: str, retries: RetryPolicy | None = None, timeouts: Timeouts | None = None
    ) -> None:
        super().__init__(root, "root", retries)
        self.address, self.timeouts = address, timeouts or Timeouts()

    def served(self, file: ServedFile) -> Served:
        """Return how the warehouse sends a file now."""
        served = served_version(self.address, file.link)
        opener = HttpOpener(
            f"{self.address}/{file.link.lstrip('/')}",
            self.timeouts,
            version=served.version,
            resumes=served.version is not None,
        )
        return Served(opener, served.size or file.size, served.version)

    def beside(self, folder: Path) -> WarehouseDownloads:
        """Return the same warehouse, filling another folder."""
        return WarehouseDownloads(folder, self.address, self.retries, self.timeouts)
