"""Credentials come from the environment or a secret file, and no error shows one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nh_platform.downloads.credentials import MOST_BYTES, credential, is_stated
from nh_platform.home.alerts import Hook
from nh_platform.operations.doctor_findings import doctor
from nh_platform.session import ConfigError
from nh_platform.sources.ibl.settings import environment_values

MARK = "m4rked-s3cret"


def by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, name: str = "NH_ONE_PASSWORD") -> Path:
    """Write a secret file and name it in the environment."""
    path = tmp_path / "alyx-secret"
    path.write_bytes(content)
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{name}_FILE", str(path))
    return path


@pytest.mark.parametrize("content", [MARK, f"{MARK}\n", f"{MARK}\r\n"])
def test_a_secret_file_holds_the_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    by_file(tmp_path, monkeypatch, content.encode())
    assert credential("NH_ONE_PASSWORD") == MARK
    assert is_stated("NH_ONE_PASSWORD")
    assert environment_values()["password"] == MARK


def test_spaces_of_a_password_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_file(tmp_path, monkeypatch, f" {MARK} \n".encode())
    assert credential("NH_ONE_PASSWORD") == f" {MARK} "


def test_neither_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NH_ONE_PASSWORD", raising=False)
    monkeypatch.setenv("NH_ONE_PASSWORD_FILE", "")
    assert credential("NH_ONE_PASSWORD") == ""
    assert not is_stated("NH_ONE_PASSWORD")


def test_both_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_file(tmp_path, monkeypatch, MARK.encode())
    monkeypatch.setenv("NH_ONE_PASSWORD", MARK)
    with pytest.raises(ConfigError, match="it is set, and so is NH_ONE_PASSWORD_FILE") as caught:
        credential("NH_ONE_PASSWORD")
    assert MARK not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (f"{MARK}\nmore\n".encode(), "it has several lines"),
        (MARK.encode() + b"\x00", "it has a byte 0"),
        (MARK.encode() + b"\xff", "it is no text in UTF-8"),
        (MARK.encode() * MOST_BYTES, "it is longer than 64 kB"),
    ],
)
def test_a_file_that_holds_no_credential_is_named_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, found: str
) -> None:
    by_file(tmp_path, monkeypatch, content)
    with pytest.raises(ConfigError, match=found) as caught:
        credential("NH_ONE_PASSWORD")
    assert "secret file of NH_ONE_PASSWORD_FILE" in str(caught.value)
    assert MARK not in str(caught.value)


@pytest.mark.parametrize("kind", ["fifo", "folder", "missing"])
def test_what_is_no_file_is_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = by_file(tmp_path, monkeypatch, b"")
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(ConfigError, match=r"it is no file|it cannot be read"):
        credential("NH_ONE_PASSWORD")


def test_a_hook_takes_its_address_from_a_secret_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_file(tmp_path, monkeypatch, b"https://chat.example/hook?key=1\n", "NH_ALERT_WEBHOOK")
    assert Hook(webhook_from="NH_ALERT_WEBHOOK").address() == "https://chat.example/hook?key=1"


def test_the_doctor_shows_no_user_name_and_says_what_is_wrong_with_a_secret_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_ONE_USERNAME", MARK)
    by_file(tmp_path, monkeypatch, b"")
    found = {one.about: one for one in doctor(tmp_path, offline=True)}
    assert found["NH_ONE_USERNAME"].text == "set"
    assert found["NH_ONE_PASSWORD"].ok is False
    assert "it is empty" in found["NH_ONE_PASSWORD"].text
    by_file(tmp_path, monkeypatch, MARK.encode())
    found = {one.about: one for one in doctor(tmp_path, offline=True)}
    assert found["NH_ONE_PASSWORD"].text == "set by its secret file"
