"""Names and ports by which a page of this machine is reached, and how an address is written.

Add here what names a page. Who may ask it is `guard`.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

_WILDCARDS = ("0.0.0.0", "::", "")
_LOCAL = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def page_hosts(host: str, port: int, allowed: Iterable[str] = ()) -> set[str]:
    """Return the names with ports by which a page is reached.

    An address of this machine can be no other site's, so that all of them count where the page listens on all.

    Parameters
    ----------
    host
        Address that it listens on; ``0.0.0.0`` and ``::`` are all of this machine.
    port
        Its port; a browser leaves 80 out.
    allowed
        More names, as the browser sends them: with the port where it is not that of the scheme.

    Examples
    --------
    >>> sorted(page_hosts("127.0.0.1", 3000, ["nh.lab.example"]))
    ['127.0.0.1:3000', '[::1]:3000', 'localhost:3000', 'nh.lab.example']
    """
    names = {"127.0.0.1", "localhost", "::1"}
    names |= _names_of_this_machine() if host in _WILDCARDS else {host}
    with_port = {address_name(name, port) for name in names}
    return with_port | ({name.rpartition(":")[0] for name in with_port} if port == 80 else set()) | set(allowed)


def address_name(host: str, port: int) -> str:
    """Return a host and port as they stand in an address; IPv6 in brackets.

    Examples
    --------
    >>> address_name("::1", 80), address_name("localhost", 3000)
    ('[::1]:80', 'localhost:3000')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def page_address(host: str, port: int) -> str:
    """Return the address of a page for a browser on this machine, for example ``http://127.0.0.1:3000``."""
    return f"http://{address_name(_LOCAL.get(host, host), port)}"


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which another may give to any address
        return False


def _names_of_this_machine() -> set[str]:
    import psutil

    addresses = {one.address.partition("%")[0] for found in psutil.net_if_addrs().values() for one in found}
    return {socket.gethostname(), *addresses}
