"""Addresses of the servers of a deployment, as the libraries that open them read them.

Contains what needs none of the packages of the extra ``deploy``. Add here what an address must fulfil.
"""

from __future__ import annotations

from nh_platform.session import ConfigError

POSTGRES_VARIABLE = "NH_POSTGRES_URL"
"""Environment variable with the address of the database, as ``deploy/dagster.yaml`` names it."""
_DRIVER = "postgresql+psycopg2://"
_WITHOUT_DRIVER = ("postgresql://", "postgres://")
_ENDS_ACCOUNT = "/?#@[]"
"""Characters that mean something in an address (RFC 3986, 2.2), and so are written by their numbers in an account."""


def with_driver(url: str) -> str:
    """Return the address of a database with the driver that is installed.

    SQLAlchemy 2.1 takes ``postgresql://`` for psycopg 3, which dagster-postgres does not bring, and refuses the
    ``postgres://`` that hosting services hand out.

    Examples
    --------
    >>> with_driver("postgresql://dagster@db/dagster")
    'postgresql+psycopg2://dagster@db/dagster'
    """
    for scheme in _WITHOUT_DRIVER:
        if url.startswith(scheme):
            return _DRIVER + url.removeprefix(scheme)
    return url


def readable_address(url: str, variable: str) -> str:
    """Return an address that all libraries take apart alike: into account, host and the rest.

    Of a password with ``/`` or ``@`` they took a part for the port or the host, and named it in their error.

    Parameters
    ----------
    url
        The address.
    variable
        Environment variable that it comes from.

    Raises
    ------
    ConfigError
        If user name or password have a character that means something in an address; neither is in the text.
    """
    account = url.partition("://")[2].rpartition("@")[0]
    if any(one in account for one in _ENDS_ACCOUNT):
        written = ", ".join(f"{one} as %{ord(one):02X}" for one in _ENDS_ACCOUNT)
        found = f"its user name or password has one of {' '.join(_ENDS_ACCOUNT)}, which mean something in an address"
        raise ConfigError(f"environment variable {variable}", found, f"Write {written}, or choose a password without.")
    return url
