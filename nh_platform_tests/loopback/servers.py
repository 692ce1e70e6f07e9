"""The servers over one ALF tree, started and stopped together.

Add here what tests need to point a source at them. Behaviour belongs to the servers.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from nh_platform_tests.loopback.alyx import AlyxServer
from nh_platform_tests.loopback.bucket import BucketServer
from nh_platform_tests.loopback.files import FileServer
from nh_platform_tests.loopback.state import AlyxState


class Loopback:
    """Alyx, file server and public bucket of an ALF tree; serve while in the ``with`` block.

    Parameters
    ----------
    root
        ALF tree with ONE tables, for example written by `nh_platform.simulation.write_ibl`.
    tables
        Folder of the ONE tables; ``root`` where not given.

    Attributes
    ----------
    state
        The database, to play a release on.
    alyx, files, bucket
        The servers, with their ``faults`` and ``requests``.
    """

    username, password = "reader", "secret"

    def __init__(self, root: Path, tables: Path | None = None) -> None:
        self.state = AlyxState(root, tables)
        self._stack = ExitStack()

    def __enter__(self) -> Loopback:
        self.files = FileServer(self.state)
        self._stack.enter_context(self.files)
        self.alyx = AlyxServer(self.state, self.files.data_server)
        self._stack.enter_context(self.alyx)
        self.bucket = BucketServer(self.state)
        self._stack.enter_context(self.bucket)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def settings(self) -> dict[str, object]:
        """Keyword arguments of `IblSettings` that read from these servers, without waiting between attempts."""
        return {
            "mode": "remote",
            "url": self.alyx.url,
            "data_server": self.files.data_server,
            "username": self.username,
            "password": self.password,
            "retry_wait_s": 0.0,
            "timeout_s": 60.0,
        }

    @property
    def public_settings(self) -> dict[str, object]:
        """Keyword arguments of `IblSettings` that read the bucket; boto3 must be pointed at it (`BucketServer`)."""
        return {"mode": "public", "data_server": self.files.data_server, "retry_wait_s": 0.0}

    @property
    def environment(self) -> dict[str, str]:
        """The ``NH_ONE_*`` variables that stand for the same."""
        return {
            "NH_ONE_URL": self.alyx.url,
            "NH_ONE_DATA_SERVER": self.files.data_server,
            "NH_ONE_USERNAME": self.username,
            "NH_ONE_PASSWORD": self.password,
        }
