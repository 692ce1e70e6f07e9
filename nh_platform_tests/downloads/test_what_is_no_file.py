"""A FIFO, socket, device or folder in the place of a file is refused in words, and nobody waits for it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from nh_platform.downloads.hashes import file_hash
from nh_platform.embeddings.images.weights import find_weights
from nh_platform.home.alerts import load_alerts
from nh_platform.session import NhError
from nh_platform.store.durable import read_regular

KINDS = ("fifo", "socket", "device", "folder")


def make(kind: str, path: Path) -> None:
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(os.path.relpath(path))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["spikes.times.npy", "model.safetensors", "alerts.yaml"])
def test_it_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is at most 107 bytes long
    make(kind, tmp_path / name)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(NhError, match=r"and no file|it is no file|is a directory|cannot be read"):
        if name == "alerts.yaml":
            load_alerts(tmp_path)
        elif name == "model.safetensors":
            find_weights(str(tmp_path), "owner/model", tmp_path)
        else:
            file_hash(tmp_path / name)
    with pytest.raises(OSError, match=r"."):
        read_regular(tmp_path / name)
