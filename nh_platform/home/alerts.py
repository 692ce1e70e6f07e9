"""Alerts of a home folder: who is told of failed and warned checks, and after how long upstream counts as down.

Contains the settings in ``alerts.yaml`` and nothing that sends. Addresses that are secrets stand in the environment and
are named here by their variable.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from nh_platform.downloads.credentials import credential
from nh_platform.session import ConfigError
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import Location, parse_yaml, read_optional

ALERTS_FILE = "alerts.yaml"
Severity = Literal["failed", "warned"]

_ADDRESS = re.compile(r"^https?://[^/?#@]+(/[^?#]*)?$")
_VARIABLE = re.compile(r"^[A-Z][A-Z0-9_]*$")


class Hook(BaseModel):
    """One receiver.

    Exactly one of ``webhook`` (an address to which JSON is posted), ``webhook_from`` (the environment variable that
    holds one: whoever knows the address of a chat's webhook can write there) and ``command`` (run with the JSON on its
    standard input) says who. ``outcomes`` are those that it is told of.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook: str | None = None
    webhook_from: str | None = None
    command: list[str] | None = Field(default=None, min_length=1)
    outcomes: list[Severity] = Field(default=["failed", "warned"], min_length=1)

    def address(self) -> str:
        """Return where it is posted to.

        Raises
        ------
        ConfigError
            If the environment variable that holds it is not set, nor one that names its secret file.
        """
        if self.webhook_from is None:
            return self.webhook or ""
        found = credential(self.webhook_from)
        if not found:
            raise ConfigError(
                f"{ALERTS_FILE}, webhook_from {self.webhook_from}",
                "this environment variable is not set where the daemon runs",
                "Set it to the address, or remove the hook.",
            )
        return found

    @property
    def name(self) -> str:
        """How texts call it, without what may be secret."""
        return self.webhook or self.webhook_from or (self.command or [""])[0]


class AlertSettings(BaseModel):
    """Who is told of checks, and after how long upstream counts as down and a release as stale.

    Upstream is down after ``upstream_down_after_h`` hours without an answer. After ``release_stale_after_days`` days
    hooks are told of wanted sessions that are not made, of a release that waits to be accepted, and of a catalogue that
    was not looked at.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hooks: list[Hook] = []
    upstream_down_after_h: Annotated[float, Field(gt=0)] = 6.0
    release_stale_after_days: Annotated[float, Field(gt=0)] = 7.0


def load_alerts(home: Path) -> AlertSettings:
    """Return the alerts of a home folder; none, and the defaults, where it has no ``alerts.yaml``.

    Raises
    ------
    ConfigError
        For the first mistake, with file and line: not YAML, an unknown key, a hook that is none or two, an address with
        an account or a query in it, which could hold a secret.
    """
    text = read_optional(home / ALERTS_FILE)
    if not text:
        return AlertSettings()
    lined = parse_yaml(text, str(home / ALERTS_FILE))
    settings = checked(lined, AlertSettings, lambda location: ("", location), {"": "Give hooks."})
    for index, hook in enumerate(settings.hooks):
        at: Location = ("hooks", index)
        stated = [key for key in ("webhook", "webhook_from", "command") if getattr(hook, key) is not None]
        if len(stated) != 1:
            found = f"it states {' and '.join(stated) or 'no receiver'}"
            raise lined.error(at, f"hook {index + 1}", found, "Give one of webhook, webhook_from and command.")
        if hook.webhook is not None and not _ADDRESS.match(hook.webhook):
            found = "the address is none, or has an account or a query, which may be a secret"
            action = "Put the address into an environment variable, and name that as webhook_from."
            raise lined.error((*at, "webhook"), f"hook {index + 1}", found, action)
        if hook.webhook_from is not None and not _VARIABLE.match(hook.webhook_from):
            found = "it is no name of an environment variable"
            raise lined.error((*at, "webhook_from"), f"hook {index + 1}", found, "Write it as NH_ALERT_WEBHOOK.")
    return settings
