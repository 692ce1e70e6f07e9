"""Dagster's page and the review desk listen on this machine alone unless told otherwise."""

from __future__ import annotations

import inspect

import typer.main

from nh_platform.cli.app import app
from nh_platform.operations.web.desk_serving import serve_desk
from nh_platform.operations.web.page_names import is_loopback
from nh_platform.operations.web.serving import Page


def test_the_commands_and_what_they_call_default_to_loopback() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    hosts = [
        one.default
        for command in (commands["ui"], commands["review"].commands["serve"])
        for one in command.params
        if one.name == "host"
    ]
    hosts += [inspect.signature(serve_desk).parameters["host"].default, Page().host]
    assert len(hosts) == 4
    assert all(map(is_loopback, hosts)), hosts
