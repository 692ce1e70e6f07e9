"""Rules and presets as the definitions were loaded with them, against what the settings say now.

A person changes a rulebook, a preset or ``sources.yaml`` while the daemon runs. The sensor then asks only for what the
loaded definitions have, and reloads the code location through the web page that serves this home. Measured on Dagster
1.13.27: a request for a check that the loaded definitions lack fails every tick from then on; and the first run that
is asked for right after a reload gets an empty row for each new check, because the daemon planned it with the older
asset graph. Thus one tick between the two asks for nothing (docs/decisions/0019).
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

from nh_platform.assets.registry import source_assets
from nh_platform.defs.checks import session_checks
from nh_platform.home.platform import Platform
from nh_platform.home.running_ui import open_page
from nh_platform.planning.versions import SourcePlan
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.sources.entry import SourceEntry
from nh_platform.sources.registry import lab_package

_DIGITS = 12
_RELOAD_TIMEOUT_S = 40.0
"""Loading the definitions takes 3 to 8 s on two loaded cores, and longer than this at load 10; a tick may take 60 s."""

_RELOAD = """
  mutation Reload($location: String!) {
    reloadRepositoryLocation(repositoryLocationName: $location) {
      __typename
      ... on WorkspaceLocationEntry { loadStatus locationOrLoadError { __typename } }
    }
  }
"""


@dataclass(frozen=True)
class LoadedRules:
    """What definitions are made from that a person may change: assets, checks, rulebook and presets of a source.

    Parameters
    ----------
    checks
        Checks by the name of their asset; every per-session asset has an entry.
    digest
        Identity of all of it.
    rulebook
        The rulebook in words, with its digest.
    source_assets
        Assets across sessions.
    """

    checks: Mapping[str, Sequence[dg.AssetCheckKey]]
    digest: str
    rulebook: str
    source_assets: tuple[str, ...]

    @classmethod
    def of(cls, entry: SourceEntry, platform: Platform) -> LoadedRules:
        """Read them as the settings are now.

        Raises
        ------
        NhError
            If they cannot be used; the text names file and line.
        """
        plan = SourcePlan(platform, entry.name)
        book = load_rulebook(platform.config(entry.name).rulebook)
        checks = session_checks(entry, platform)
        # The whole rulebook: wording and warning limits change no version, and are shown on the checks' pages.
        content = {
            "assets": {name: plan.definition_version(name) for name in plan.assets},
            "rulebook": book.model_dump(mode="json"),
        }
        return cls(
            checks={name: checks.get(name, ()) for name in plan.assets},
            digest=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGITS],
            rulebook=f"{book.id} ({book.digest})",
            source_assets=tuple(source_assets(entry.name)),
        )

    def stated_in(self, now: LoadedRules) -> dict[str, list[dg.AssetCheckKey]]:
        """Return the checks of each asset that these definitions have and that the settings still state."""
        return {asset: [key for key in keys if key in now.checks.get(asset, ())] for asset, keys in self.checks.items()}

    def lacking(self, now: LoadedRules) -> list[str]:
        """Return the names of checks and assets that the settings state and these definitions lack, sorted."""
        names = {key.name for keys in now.checks.values() for key in keys} | set(now.checks)
        return sorted(names - {key.name for keys in self.checks.values() for key in keys} - set(self.checks))


def refuse_what_cannot_be_loaded(platform: Platform) -> None:
    """Stop where the settings of a source of ours cannot be used: loaded again, no source would have definitions.

    Raises
    ------
    NhError
        Naming file and line.
    """
    for other in platform.entries.values():
        if lab_package(other.name) is None:
            LoadedRules.of(other, platform)


def reload_code_location(address: str, location: str) -> str:
    """Have a running web page load the definitions again; return what went wrong in a few words, else nothing.

    Raises
    ------
    TimeoutError
        If it does not answer in time: it may be loading them still.
    """
    body = json.dumps({"query": _RELOAD, "variables": {"location": location}}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    try:
        with open_page(request, _RELOAD_TIMEOUT_S) as answer:
            found = json.load(answer)["data"]["reloadRepositoryLocation"]
        if (
            found["__typename"] == "WorkspaceLocationEntry"
            and found["locationOrLoadError"]["__typename"] != "PythonError"
        ):
            return ""
        return f"{address} could not load {location} again"
    except TimeoutError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, urllib.error.URLError) and isinstance(error.reason, TimeoutError):
            raise error.reason from error
        return f"{address} did not answer ({' '.join(str(error).split())[:120]})"
