"""The connection to ONE: a private home, a deadline, a renewed login, and another attempt where that may help.

Wraps the unmodified ``OneAlyx`` of ONE-api 3.6.1, which has none of them. Add here what every request to ONE needs.
What is asked is `one_client`.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from nh_platform.downloads.deadlines import within
from nh_platform.downloads.private_folder import PrivateFolder
from nh_platform.session import ConfigError, NhError
from nh_platform.sources.ibl.server.bounded_answers import bound_answers
from nh_platform.sources.ibl.server.one_errors import explain, foreign_errors, is_refused_login, is_transient
from nh_platform.sources.ibl.server.private_home import private_home
from nh_platform.sources.ibl.settings import IblSettings

T = TypeVar("T")


class Deadline:
    """The moment by which something must be done, from when it is first looked at.

    Parameters
    ----------
    seconds
        How long it may take.
    setting
        The setting that says so.

    Attributes
    ----------
    action
        What a person can do where it is missed.
    """

    def __init__(self, seconds: float, setting: str) -> None:
        self.seconds = seconds
        self.action = f"Check the server and the network, or raise `{setting}` of the IBL settings, and run it again."
        self._ends: float | None = None

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        now = time.monotonic()
        if self._ends is None:
            self._ends = now + self.seconds
        return max(self._ends - now, 0.0)


TOKEN_OWNER = "token"
"""User name beside a token alone. ONE asks ``/me`` whose it is, and gives up without a name where an Alyx has no such
page (3.6.1 has none); what the server itself says goes before it, and no request carries it."""


class OneConnection:
    """ONE on an Alyx server, opened when it is first asked; of a local tree nothing is asked.

    Parameters
    ----------
    settings
        Where to read from.
    """

    def __init__(self, settings: IblSettings) -> None:
        self.settings = settings
        self._folder: PrivateFolder | None = None
        self._one: Any = None

    @property
    def is_remote(self) -> bool:
        """Whether a server is asked."""
        return self.settings.mode == "remote"

    @property
    def private(self) -> PrivateFolder:
        """A folder of this process alone, for ONE's parameters and what it downloads."""
        if self._folder is None or self._folder.owner != os.getpid():
            self._folder = PrivateFolder(self.settings.cache_dir)
        return self._folder

    @property
    def local_tables_dir(self) -> Path:
        """Folder of the local tables."""
        folder = self.settings.tables or self.settings.root
        assert folder is not None  # IblSettings refuses local mode without it
        return folder

    def ask(self, request: Callable[[Any], T], what: str, raw: bool = False, deadline: Deadline | None = None) -> T:
        """Return ``request(one)``, tried again where an error may pass by itself.

        Parameters
        ----------
        request
            What is asked of ONE.
        what
            What it is about, for error texts.
        raw
            Let what ONE raised through where it does not pass by itself.
        deadline
            For all attempts together; `timeout_s` for each where there is none.

        Raises
        ------
        NhError
            The platform's error for what ONE raised, or with ``raw`` what ONE raised; no answer in time.
        """
        try:
            return self.retries(is_transient, deadline)(self.call, request, what, deadline)
        except foreign_errors() as error:
            if raw and not is_transient(error):
                raise
            raise explain(error, what, self.settings.url) from error

    def retries(self, is_worth_it: Callable[[BaseException], bool], deadline: Deadline | None = None) -> Retrying:
        """Return the attempts and waits of the settings, none of them after a deadline; the last error is raised.

        Parameters
        ----------
        is_worth_it
            Whether an error is worth another attempt.
        deadline
            For all attempts together.
        """
        used_up = stop_after_attempt(self.settings.attempts)
        return Retrying(
            stop=lambda state: used_up(state) or (deadline is not None and deadline.left_s <= state.upcoming_sleep),
            wait=wait_exponential(self.settings.retry_wait_s),
            retry=retry_if_exception(is_worth_it),
            reraise=True,
        )

    def call(self, request: Callable[[Any], T], what: str, deadline: Deadline | None = None) -> T:
        """Return ``request(one)``; log in once more if the server has forgotten us, as it does after a release."""
        import one.api  # noqa: F401  before the clock starts: 2 s from a cold disk

        limit = deadline or Deadline(self.settings.timeout_s, "timeout_s")
        for again in (True, False):
            try:
                wait_s = None if deadline is None else limit.left_s
                with private_home(self.private / "home", wait_s, what), warnings.catch_warnings():
                    # ONE warns about revisions and old tables; the manifest's exact rows have settled both.
                    warnings.simplefilter("ignore")
                    return within(limit.left_s, lambda: request(self._open()), what, limit.action)
            except foreign_errors() as error:
                if not (again and self.is_remote and self._one is not None and is_refused_login(error)):
                    raise
                self._one = None
            except NhError:
                self._one = None  # after a deadline its thread may still be at work with it
                raise
        raise AssertionError("unreachable")

    def _open(self) -> Any:
        if os.environ.get("ONE_REVISION_LAST_BEFORE"):
            raise ConfigError(
                "environment",
                f"ONE_REVISION_LAST_BEFORE={os.environ['ONE_REVISION_LAST_BEFORE']} changes every load of ONE",
                "Unset it; pin a revision with `revision` of the IBL settings.",
            )
        import one.params
        from one.api import OneAlyx

        settings, files = self.settings, self.private / "files"
        if self._one is None:
            one.params.setup(client=settings.url, silent=True, cache_dir=files, make_default=True)
            client = OneAlyx(base_url=settings.url, cache_dir=files, silent=True, cache_rest=None)
            bound_answers(client.alyx)
            # Not through the constructor: that writes the token in clear into the parameter file.
            client.alyx.authenticate(
                username=settings.username or (TOKEN_OWNER if settings.token else None),
                password=settings.password.get_secret_value() if settings.password else None,
                token=settings.token.get_secret_value() if settings.token else None,
                cache_token=False,
            )
            self._one = client
        return self._one
