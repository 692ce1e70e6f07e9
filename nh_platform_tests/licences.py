"""Writes or checks `docs/licences.md`: the licence of every package that `requirements.lock` lists.

From the metadata of what is installed. Run `python -m nh_platform_tests.licences` after changing a dependency;
``--check`` fails when the page is not what the metadata give. Versions are not listed: indirect ones move.
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata

from nh_platform_tests.requirements_lock import LOCK, ROOT, packages

PAGE = ROOT / "docs" / "licences.md"
_LONGEST = 60
_WINDOWS = "on Windows alone"
READ = {
    "allensdk": "Allen Institute Software License",
    "argschema": "Allen Institute Software License",
    "hdf5plugin": "MIT, and those of the filters in it",
    "protobuf": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 or BSD-3-Clause",
}
"""Licences of packages whose metadata state none, as their licence files say."""
NOT_OSI = {"allensdk", "argschema"}
HEADER = """\
# Licences of dependencies

Of every package in `requirements.lock`, from the metadata that it is installed with; made by
`python -m nh_platform_tests.licences`, and a test fails where it is stale. The platform itself is under MIT.

**Not an open-source licence in OSI's sense: {not_osi}.** The Allen Institute Software License is the 2-clause BSD
licence with a third clause: no redistribution for commercial purposes without the Institute's written permission. Both
are needed to read Allen's data sets, installed beside the platform and not part of its wheel; a container image that
has them redistributes them. Terms of the data are another matter: `nh cite` prints them.

| package | licence |
| --- | --- |
"""


def licence_of(name: str) -> str:
    """Return the licence of an installed package, in its own short words."""
    if name in READ:
        return READ[name]
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        return _WINDOWS
    stated = facts.get("License-Expression") or (facts.get("License") or "").strip().split("\n")[0].strip()
    classified = [
        one.rpartition(" :: ")[2] for one in facts.get_all("Classifier") or [] if one.startswith("License ::")
    ]
    named = [one for one in classified if one != "OSI Approved"]
    is_name = bool(re.search("[A-Za-z]", stated)) and not re.match(r"Copyright|Files|\d", stated)
    if is_name and len(stated) <= _LONGEST:
        return stated
    return ", ".join(named) or "none stated"


def page() -> str:
    """Return the text of the page."""
    rows = sorted(packages(LOCK.read_text(encoding="utf-8")), key=str.lower)
    lines = [f"| {name} | {licence_of(name)}{' (not OSI)' if name in NOT_OSI else ''} |\n" for name in rows]
    return HEADER.format(not_osi=" and ".join(sorted(NOT_OSI))) + "".join(lines)


def main() -> None:
    """Write the page, or with ``--check`` compare it."""
    text = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/licences.md is stale: run `python -m nh_platform_tests.licences`")


if __name__ == "__main__":
    main()
