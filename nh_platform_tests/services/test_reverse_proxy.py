"""The nginx of docs/operate.md in front of a real page: login, name, WebSocket. Needs Debian's package `nginx`."""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from nh_platform_tests.services.servers import free_port, nh_ui, passable_folder, synced_home

pytestmark = pytest.mark.service

NAME = "nh.lab.example"
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"ada:secret").decode()}
DOCUMENTED = Path(__file__).resolve().parents[2] / "docs" / "operate.md"
QUERY = json.dumps({"query": "{ version }"})


@pytest.fixture(scope="module")
def proxy_folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def proxy(proxy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve a page behind the documented proxy and give the port of the proxy."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed (Debian: nginx)")
    folder, port = proxy_folder, free_port()
    certificate = ["-subj", f"/CN={NAME}", "-keyout", str(folder / "nh.key"), "-out", str(folder / "nh.crt")]
    _run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *certificate)
    word = _run("openssl", "passwd", "-apr1", "secret")
    (folder / "nh.htpasswd").write_text(f"ada:{word}", encoding="utf-8")
    (folder / "nh.htpasswd").chmod(0o644)
    home = synced_home(tmp_path_factory.mktemp("home"))
    with nh_ui(home, "--allowed-host", f"{NAME}:{port}") as address:
        (server,) = re.findall(r"```nginx\n(.*?)```", DOCUMENTED.read_text(encoding="utf-8"), re.DOTALL)
        server = server.replace("listen 443", f"listen 127.0.0.1:{port}").replace("http://127.0.0.1:3000", address)
        server = re.sub(r"/etc/(ssl|nginx)", str(folder), server)
        events = "daemon off; pid nginx.pid; events {}"
        paths = "".join(f"{one}_temp_path {one}; " for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = f"{events}\nhttp {{ access_log off; {paths}\n{server} }}\n"
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        log = (folder / "log").open("wb")
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            until = time.monotonic() + 20
            while not (folder / "nginx.pid").exists():
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until
                time.sleep(0.1)
            yield port
        finally:
            process.terminate()
            process.wait(10)


def test_the_page_is_there_with_a_login_alone(proxy: int) -> None:
    assert ask(proxy, "GET", "/", {}) == 401
    assert ask(proxy, "GET", "/", {"Authorization": "Basic " + base64.b64encode(b"ada:wrong").decode()}) == 401
    assert ask(proxy, "GET", "/", LOGIN) == 200


def test_the_page_answers_its_own_requests_and_no_others(proxy: int) -> None:
    json_type, own = {"Content-Type": "application/json"}, {"Origin": f"https://{NAME}:{proxy}"}
    assert ask(proxy, "POST", "/graphql", LOGIN | json_type | own, QUERY) == 200
    assert ask(proxy, "POST", "/graphql", json_type | own, QUERY) == 401
    assert ask(proxy, "POST", "/graphql", LOGIN | json_type | {"Origin": "http://evil.example"}, QUERY) == 403
    assert ask(proxy, "GET", "/", LOGIN, name="evil.example") == 421


def test_live_logs_come_through(proxy: int) -> None:
    with websocket(proxy, f"https://{NAME}:{proxy}", LOGIN) as live:
        live.send(json.dumps({"type": "connection_init", "payload": {}}))
        assert json.loads(live.recv(20))["type"] == "connection_ack"
    for origin, headers, status in ((f"https://{NAME}:{proxy}", {}, 401), ("http://evil.example", LOGIN, 403)):
        with pytest.raises(InvalidStatus) as refused:
            websocket(proxy, origin, headers)
        assert refused.value.response.status_code == status


def ask(port: int, method: str, path: str, headers: dict[str, str], body: str | None = None, name: str = NAME) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=_context())
    try:
        connection.request(method, path, body, {"Host": f"{name}:{port}", **headers})
        return connection.getresponse().status
    finally:
        connection.close()


def websocket(port: int, origin: str, headers: dict[str, str]) -> ClientConnection:
    here = socket.create_connection(("127.0.0.1", port), timeout=30)  # the name is no machine's
    options = {"origin": origin, "additional_headers": headers, "subprotocols": ["graphql-ws"], "ssl": _context()}
    return connect(f"wss://{NAME}:{port}/graphql", sock=here, proxy=None, **options)


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout
