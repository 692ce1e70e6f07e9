"""Dagster's instance of a home folder: `DAGSTER_HOME`'s, that in the database of `NH_POSTGRES_URL`, or an embedded one.

Contains the writing of the configuration from the top-level ``dagster.yaml``. Add here what is needed before an
operation may talk to Dagster. Nothing here launches a run.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.defs.deployed.server_address import POSTGRES_VARIABLE
from nh_platform.home.folder import HOME_VARIABLE
from nh_platform.session import ConfigError, NhError
from nh_platform.session.errors import without_account

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.settings import PlatformSettings

_OWN_ACTION = (
    "Start its database, or correct dagster.yaml there and the environment that it names (docs/deploy.md); "
    "without DAGSTER_HOME, nh keeps the history in the home."
)
_SHARED_ACTION = (
    f"Start the database, or correct {POSTGRES_VARIABLE} (docs/deploy.md); without it, nh keeps it in the home."
)
_REFUSED = ("password authentication failed", "no password supplied")
"""What a server of Postgres that is there says of an account, in English."""
_ACCOUNT_ACTION = (
    f"Correct user or password in {POSTGRES_VARIABLE} (docs/deploy.md); special characters are escaped, %2F."
)
_EXTRA_ACTION = (
    "Install it, from the checkout: pip install --no-deps -r requirements-deploy.lock, or uv sync --extra deploy."
)
_SHARED_FOLDER = "dagster_postgres"
"""Folder of a home for the configuration that leads to a database, beside that of the embedded instance."""
_STORAGES = {
    "run_storage": "PlacingPostgresRunStorage",
    "event_log_storage": "PartitionCachingPostgresEventLogStorage",
    "schedule_storage": "DriverNamingPostgresScheduleStorage",
}
"""Classes of `nh_platform.defs.deployed.postgres_storage`, as ``deploy/dagster.yaml`` names them."""
_STORAGE = re.compile(rf"^({'|'.join(_STORAGES)}):\n(?: .*\n)+", re.MULTILINE)
_MISSED_VARIABLE = re.compile(r'environment variable "(\w+)" which is not set')
_EMBEDDED_FOLDER = re.compile(r"(?<=: )data/dagster(?P<part>/\S*)$", re.MULTILINE)
"""Folders that the top-level ``dagster.yaml`` names; replaced by those of the home folder."""
_NO_PATH_OF_SQLITE = re.compile(r"\?|%[0-9A-Fa-f]{2}")
"""Dagster writes paths of databases into addresses, unquoted: the rest is a query, or another character."""


_DATABASES = ("psycopg2", "dagster_postgres")
"""Packages whose errors say that the server does not answer; those of SQLite are `nh_platform.home.full_disk`'s."""


class NoInstance(ConfigError):
    """Dagster's instance cannot be opened or does not answer any more, which no source can help."""


def configuration_file(name: str) -> Path:
    """Return the path of ``dagster.yaml`` or ``workspace.yaml``: of the checkout, or as packaged.

    Raises
    ------
    ConfigError
        If neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package.parent / name, package / name):
        if candidate.is_file():
            return candidate
    raise ConfigError(name, "it is neither beside the package nor in it", "Reinstall nh-platform.")


def use_embedded_instance() -> None:
    """Leave a ``DAGSTER_HOME`` or a database of a person's own alone: simulated sessions do not belong into it."""
    os.environ.pop("DAGSTER_HOME", None)
    os.environ.pop(POSTGRES_VARIABLE, None)


def history_is_shared() -> bool:
    """Whether ``NH_POSTGRES_URL`` alone says where Dagster's history is: in the database of a deployment elsewhere.

    Launcher and daemon are there too, so that neither is started here.
    """
    return bool(os.environ.get(POSTGRES_VARIABLE)) and not os.environ.get("DAGSTER_HOME")


def prepare_instance(settings: PlatformSettings) -> Path:
    """Set ``NH_HOME`` and ``DAGSTER_HOME`` for the processes that this one starts; return the Dagster home.

    A ``DAGSTER_HOME`` that is already set wins.
    """
    os.environ[HOME_VARIABLE] = str(settings.home)
    folder = Path(os.environ.get("DAGSTER_HOME") or _configured(settings, shared=history_is_shared()))
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def open_instance(settings: PlatformSettings, *, embedded: bool = False) -> dg.DagsterInstance:
    """Return Dagster's instance for a home folder.

    The environment stays as it is, so that a notebook can work on one home after another.

    Parameters
    ----------
    settings
        The settings of the home folder.
    embedded
        Open the embedded instance also where ``DAGSTER_HOME`` or ``NH_POSTGRES_URL`` is set.

    Raises
    ------
    NoInstance
        If that of ``DAGSTER_HOME`` or of the database cannot be opened: its server does not answer, for example.
    """
    import dagster as dg

    if not embedded and os.environ.get("DAGSTER_HOME"):
        return open_own_instance()
    if not embedded and history_is_shared():
        return _opened(lambda: dg.DagsterInstance.from_config(str(_configured(settings, shared=True))))
    return dg.DagsterInstance.from_config(str(_configured(settings)))


def open_own_instance() -> dg.DagsterInstance:
    """Return Dagster's instance of ``DAGSTER_HOME``.

    Raises
    ------
    NoInstance
        If it cannot be opened; the text is that of the first cause, without an account.
    """
    import dagster as dg

    return _opened(dg.DagsterInstance.get)


def _opened(open_it: Callable[[], dg.DagsterInstance]) -> dg.DagsterInstance:
    with _without_retries():
        try:
            return open_it()
        except Exception as error:  # Dagster's, SQLAlchemy's or the driver's, by what is configured there
            raise _no_instance(error, "it cannot be opened") from error


@contextmanager
def database_in_words() -> Iterator[None]:
    """Say in words that the server of Dagster's database does not answer; every other error passes.

    Raises
    ------
    NoInstance
        If it does not.
    """
    with _without_retries():
        try:
            yield
        except NhError:
            raise
        except Exception as error:
            if not any(type(one).__module__.partition(".")[0] in _DATABASES for one in _causes(error)):
                raise
            # By its name: the driver comes with the extra `deploy`.
            refused = any(type(one).__name__ == "InsufficientPrivilege" for one in _causes(error))
            found = "its database refuses that to this role" if refused else "its database does not answer"
            raise _no_instance(error, found) from error


def _no_instance(error: Exception, found: str) -> NoInstance:
    where = os.environ.get("DAGSTER_HOME")
    thing = f"Dagster's instance of DAGSTER_HOME={where}" if where else "Dagster's instance"
    if shared := history_is_shared():
        thing = f"Dagster's history in the database of {POSTGRES_VARIABLE}"
    if missed := _missing_module(error):
        return NoInstance(thing, f"{found}: {missed}, which the extra `deploy` has", _EXTRA_ACTION)
    said = f"{found}: {without_account(_first_cause(error))}"
    if any(word in said for word in _REFUSED):
        return NoInstance(thing, said, _ACCOUNT_ACTION)
    return NoInstance(thing, said, _SHARED_ACTION if shared else _OWN_ACTION)


@contextmanager
def _without_retries() -> Iterator[None]:
    root = logging.getLogger()
    root.addFilter(_is_no_retry)
    try:
        yield
    finally:
        root.removeFilter(_is_no_retry)


def _is_no_retry(record: logging.LogRecord) -> bool:
    """Leave out that a database is asked again, five times with three lines each: what comes of it is said once."""
    return not record.getMessage().startswith("Retrying failed database connection")


def _first_cause(error: BaseException) -> str:
    """Return the first line of what was raised first, or the variable that Dagster misses, five lines further down."""
    if missed := _MISSED_VARIABLE.search(str(error)):
        return f"the environment variable {missed[1]} is not set"
    *_, error = _causes(error)
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what it was raised from, the first cause last."""
    yield error
    while error.__cause__ is not None:
        error = error.__cause__
        yield error


def _missing_module(error: BaseException | None) -> ModuleNotFoundError | None:
    """Return the error of a package that is not there; Dagster raises another one while it handles it."""
    while error is not None and not isinstance(error, ModuleNotFoundError):
        error = error.__cause__ or error.__context__
    return error


def _configured(settings: PlatformSettings, *, shared: bool = False) -> Path:
    """Write the top-level ``dagster.yaml`` into ``<home>/dagster``, and return that folder.

    Plain `dagster dev` beside the top-level file and `nh` thus use the same storage. Where the history is shared, the
    same configuration stands in a folder beside it, with the storages of the database.

    Raises
    ------
    ConfigError
        If Dagster would keep its history elsewhere than in that folder.
    """
    folder = settings.home / _SHARED_FOLDER if shared else settings.dagster_home
    if unfit := _NO_PATH_OF_SQLITE.search(str(folder)):
        found = f"Dagster's databases cannot lie in a folder whose path has {unfit[0]}"
        raise ConfigError(f"home {settings.home}", found, "Rename the folder, or set DAGSTER_HOME to another one.")
    make_private(folder)
    content = configuration_file("dagster.yaml").read_text(encoding="utf-8")
    if shared:
        content = _STORAGE.sub(lambda found: _in_postgres(found[1]), content)
    rendered = _EMBEDDED_FOLDER.sub(lambda found: quoted(f"{folder}{found['part']}"), content)
    target = folder / "dagster.yaml"
    if not target.exists() or target.read_text(encoding="utf-8") != rendered:
        target.write_text(rendered, encoding="utf-8")
    return folder


def _in_postgres(storage: str) -> str:
    """Return the part of a ``dagster.yaml`` that names a storage in the database of ``NH_POSTGRES_URL``."""
    of = {"module": "nh_platform.defs.deployed.postgres_storage", "class": _STORAGES[storage]}
    lines = [f"  {name}: {value}\n" for name, value in of.items()]
    return "".join([f"{storage}:\n", *lines, f"  config: {{postgres_url: {{env: {POSTGRES_VARIABLE}}}}}\n"])


def make_private(folder: Path) -> None:
    """Make a folder that other users of the machine cannot read; one that is there is taken from them.

    Logs of runs have paths with the names of users, and whatever a program prints. Its group keeps what it had.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IRWXO:
        with suppress(PermissionError):  # another user's, who shares the home with this one
            folder.chmod(mode & ~stat.S_IRWXO)


def quoted(text: str) -> str:
    """Return a text as YAML reads it back, in ASCII.

    A home called ``rigs #2`` ended Dagster's path at the comment, and its history lay in another folder.

    Examples
    --------
    >>> print(quoted("/data/rigs #2"))
    "/data/rigs #2"
    """
    plain = (one if " " <= one <= "~" and one not in '"\\' else f"\\U{ord(one):08x}" for one in text)
    return f'"{"".join(plain)}"'
