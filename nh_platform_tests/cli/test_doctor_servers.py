"""`nh doctor` tries the servers of the sources as they are configured; here on loopback, and without any."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.operations import doctor_findings
from nh_platform.simulation import TINY, write_ibl
from nh_platform.sources.registry import source_entry
from nh_platform.sources.servers import unreachable
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.loopback.serving import LoopbackServer, Reply
from nh_platform_tests.sources.allen.vbn_bucket import Bucket, serve_bucket

BEHAVIOR = "visual-behavior-neuropixels-data"
ALLEN = "http://api.brain-map.org", f"https://{BEHAVIOR}.s3.us-west-2.amazonaws.com"


class _Anything(LoopbackServer):
    """A web server that answers, whatever is asked."""

    def answer(self, method: str, target: str, headers: object, body: bytes) -> Reply:
        return Reply(404, b"<h1>not found</h1>", "text/html")


@pytest.fixture
def web_server() -> Iterator[_Anything]:
    server = _Anything()
    with server:
        yield server


@pytest.fixture
def listening(web_server: _Anything) -> str:
    return web_server.url


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alf")
    write_ibl(root, 1, seed=1, size=TINY)
    return root


@pytest.fixture
def servers(simulated: Path) -> Iterator[Loopback]:
    with Loopback(simulated) as running:
        yield running


@pytest.fixture
def closed() -> str:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Let only loopback be reached, and remember the hosts that were asked for."""
    look_up, asked = socket.getaddrinfo, set()

    def only_loopback(host: str, *rest: object, **more: object) -> object:
        asked.add(host)
        if host != "127.0.0.1":
            raise socket.gaierror("no network in tests")
        return look_up(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", only_loopback)
    return asked


def findings(home: Path, settings: str, code: int = 0) -> dict[str, tuple[str, str]]:
    (home / "sources.yaml").write_text(settings, encoding="utf-8")
    result = CliRunner().invoke(app, ["--home", str(home), "doctor", "--format", "json"])
    assert result.exit_code == code, (result.output, result.stderr, result.exception)
    rows = json.loads(result.stdout)
    return {row["about"]: (row["state"], row["found"]) for row in rows if row["about"].startswith("http")}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", "")
    for name in ("NH_ONE_URL", "NH_ONE_USERNAME", "NH_ONE_PASSWORD", "NH_ONE_TOKEN", "NH_ONE_DATA_SERVER"):
        monkeypatch.delenv(name, raising=False)


def test_a_warehouse_and_a_bucket_that_are_configured_are_tried(
    tmp_path: Path, listening: str, closed: str, tried: set[str]
) -> None:
    settings = (
        f"allen_vc:\n  read: {{mode: warehouse, address: '{listening}'}}\n"
        f"allen_vbn:\n  read: {{mode: s3, endpoint: '{closed}'}}\n"
    )
    found = findings(tmp_path, settings)
    assert found[listening] == ("ok", "answers (allen_vc)")
    state, text = found[f"{closed}/{BEHAVIOR}"]
    assert state == "info"
    assert text.startswith("not reachable (")
    assert "allen_vbn needs it for real data" in text
    assert not set(ALLEN) & set(found)
    assert len(found) == 4  # IBL's two and these


def test_the_public_addresses_are_tried_where_no_other_is_stated(tmp_path: Path, tried: set[str]) -> None:
    found = findings(tmp_path, "allen_vc:\n  read: {mode: warehouse}\nallen_vbn:\n  read: {mode: s3}\n")
    assert set(ALLEN) < set(found)
    assert {"api.brain-map.org", ALLEN[1].removeprefix("https://")} <= tried


def test_before_anything_is_configured_every_public_server_is_tried(tmp_path: Path, tried: set[str]) -> None:
    found = findings(tmp_path, "")
    assert set(ALLEN) < set(found)
    assert all("needs it for real data, `nh demo` does not" in found[address][1] for address in ALLEN)


def test_a_source_that_reads_a_folder_asks_no_server(tmp_path: Path, tried: set[str]) -> None:
    assert len(findings(tmp_path, "allen_vc:\n  read: {mode: local}\nallen_vbn:\n  read: {root: here}\n")) == 2
    assert not any("brain-map" in host or "visual-behavior" in host for host in tried)


def test_an_alyx_of_ones_own_takes_the_place_of_the_public_one(
    tmp_path: Path, servers: Loopback, tried: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_ONE_URL", servers.alyx.url)
    said = "answers as Alyx does; no account is set, so that none was tried (ibl)"
    assert findings(tmp_path, "")[servers.alyx.url] == ("ok", said)
    assert not any("openalyx" in host for host in tried)


def logged_in(servers: Loopback, home: Path, monkeypatch: pytest.MonkeyPatch, **others: str) -> tuple[str, str]:
    """Return what is said of Alyx with the account of the stand-in; other variables replace its own."""
    for name, value in {**servers.environment, **others}.items():
        monkeypatch.setenv(name, value)
    for name, value in servers.bucket.environment.items():
        monkeypatch.setenv(name, value)
    started = time.monotonic()
    result = CliRunner().invoke(app, ["--home", str(home), "doctor", "--format", "json"])
    assert time.monotonic() - started < 4 * doctor_findings.ANSWER_WAIT_S
    assert "secret" not in result.stdout
    assert "wr0ng" not in result.stdout
    rows = {row["about"]: (row["state"], row["found"]) for row in json.loads(result.stdout)}
    state, found = rows[others.get("NH_ONE_URL", servers.alyx.url)]
    assert result.exit_code == (1 if state == "problem" else 0)
    bucket = next(said for about, said in rows.items() if "ibl-brain-wide-map-public" in about)
    assert bucket == ("ok", "gives the date of its tables (ibl)")
    return state, found


def test_a_login_is_tried(servers: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, found = logged_in(servers, tmp_path, monkeypatch)
    assert (state, found) == ("ok", "answers as Alyx does and takes the password (ibl)")
    token = {"NH_ONE_TOKEN": servers.state.issue_token("reader"), "NH_ONE_USERNAME": "", "NH_ONE_PASSWORD": ""}
    servers.alyx.serves_me = False
    assert logged_in(servers, tmp_path, monkeypatch, **token)[1].endswith("takes the token (ibl)")
    servers.state.revoke_tokens()
    state, found = logged_in(servers, tmp_path, monkeypatch, **token)
    assert (state, found.startswith("refuses the login")) == ("problem", True)


def test_a_wrong_password_is_named(servers: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, found = logged_in(servers, tmp_path, monkeypatch, NH_ONE_PASSWORD="wr0ng")
    assert state == "problem"
    assert found.startswith("refuses the login (HTTP 400). Check NH_ONE_USERNAME and NH_ONE_PASSWORD")


@pytest.mark.parametrize("request_of", ["/auth-token", "/cache/info"])
def test_an_alyx_in_trouble_is_named(
    servers: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_of: str
) -> None:
    servers.alyx.faults.add(request_of, "status", status=500)
    state, found = logged_in(servers, tmp_path, monkeypatch)
    assert state == "problem"
    assert found.startswith("answers HTTP 500: the server is in trouble")


def test_a_file_server_is_no_alyx(
    servers: Loopback, tmp_path: Path, listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (listening, servers.files.url):
        state, found = logged_in(servers, tmp_path, monkeypatch, NH_ONE_URL=url)
        assert (state, found.startswith("answers, but not as Alyx does (HTTP 404")) == ("problem", True)


def test_a_page_that_answers_everything_is_no_alyx(
    servers: Loopback, tmp_path: Path, web_server: _Anything, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "answer", lambda *_: Reply(200, b"<h1>welcome</h1>", "text/html"))
    state, found = logged_in(servers, tmp_path, monkeypatch, NH_ONE_URL=web_server.url)
    assert (state, found.startswith("answers, but not as Alyx does (it answers with no JSON")) == ("problem", True)


def test_an_alyx_that_hangs_is_given_up(servers: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_findings, "ANSWER_WAIT_S", 1.0)
    servers.alyx.faults.add("/cache/info", "hang", seconds=20.0)
    for name, value in {**servers.environment, **servers.bucket.environment}.items():
        monkeypatch.setenv(name, value)
    assert findings(tmp_path, "")[servers.alyx.url][1].startswith("not reachable (no answer within")


def test_a_web_server_in_trouble_is_not_ok(tmp_path: Path, web_server: _Anything, tried: set[str]) -> None:
    web_server.faults.add("/", "status", status=503)
    found = findings(tmp_path, f"allen_vc:\n  read: {{mode: warehouse, address: '{web_server.url}'}}\n")
    assert found[web_server.url][0] == "info"
    assert found[web_server.url][1].startswith("answers HTTP 503")


@pytest.fixture
def behavior_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with serve_bucket(monkeypatch) as bucket:
        yield bucket


def said_of_behavior(home: Path, endpoint: str, name: str = BEHAVIOR, code: int = 1) -> tuple[str, str]:
    """Return what is said of Visual Behavior's bucket where it has this endpoint and name."""
    read = f"{{mode: s3, endpoint: '{endpoint}', bucket: {name}}}"
    return findings(home, f"allen_vbn:\n  read: {read}\n", code)[f"{endpoint}/{name}"]


def test_the_bucket_of_visual_behavior_is_asked_for_its_releases(
    tmp_path: Path, behavior_bucket: Bucket, tried: set[str]
) -> None:
    endpoint = behavior_bucket.endpoint
    state, text = said_of_behavior(tmp_path, endpoint)
    assert (state, text.split(". ")[0]) == ("problem", "nothing is below visual-behavior-neuropixels/manifests/")
    assert "settings bucket and endpoint" in text
    key = "visual-behavior-neuropixels/manifests/visual-behavior-neuropixels_project_manifest_v0.5.0.json"
    behavior_bucket.client.put_object(Bucket=BEHAVIOR, Key=key, Body=b"{}", ACL="public-read")
    assert said_of_behavior(tmp_path, endpoint, code=0) == ("ok", "answers, and lists files (allen_vbn)")
    state, text = said_of_behavior(tmp_path, endpoint, "visual-behaviour-data")
    assert (state, "there is no such bucket" in text) == ("problem", True)
    assert "settings bucket and endpoint" in text


def test_a_web_server_is_no_bucket(tmp_path: Path, web_server: _Anything, tried: set[str]) -> None:
    state, text = said_of_behavior(tmp_path, web_server.url)
    assert (state, text.split(". ")[0]) == ("problem", "answers, but not as a bucket does (HTTP 404)")
    assert "settings bucket and endpoint" in text
    web_server.faults.add("/", "status", status=503)
    state, text = said_of_behavior(tmp_path, web_server.url, code=0)
    assert (state, text.split(";")[0]) == ("info", "answers HTTP 503: the server is in trouble")


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"<h1>welcome</h1>", 1, "Correct the settings bucket and endpoint"),
        (b"welcome", 0, "answers HTTP 500"),  # boto3 makes a 500 of any 200 that is no XML
    ],
)
def test_a_page_that_answers_everything_is_no_bucket(
    tmp_path: Path,
    web_server: _Anything,
    tried: set[str],
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    code: int,
    words: str,
) -> None:
    monkeypatch.setattr(web_server, "answer", lambda *_: Reply(200, body, "text/html"))
    state, text = said_of_behavior(tmp_path, web_server.url, code=code)
    assert (state, words in text) == ("problem" if code else "info", True)


def test_an_address_that_is_none_is_told(tmp_path: Path, tried: set[str]) -> None:
    state, text = said_of_behavior(tmp_path, "http://127.0.0.1:port")
    assert (state, "settings bucket and endpoint" in text) == ("problem", True)


def test_the_public_servers_of_the_registry_are_those_of_the_sources() -> None:
    from nh_platform.sources.ibl.downloads.bucket_access import public_bucket

    server = source_entry("ibl").servers({})[1]
    assert public_bucket() in getattr(server, "url", "")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "HTTPSConnectionPool(host='a.org', port=443): … NameResolutionError(… [Errno -2])",
            "its name is not known here",
        ),
        ("<urlopen error [Errno 111] Connection refused>", "the connection is refused"),
        ("the certificate has expired", "the certificate has expired"),
    ],
)
def test_what_a_library_says_of_a_server_that_is_away_is_put_into_words(said: str, words: str) -> None:
    answer = unreachable(said)
    assert answer.text.startswith(f"not reachable ({words}")
    assert "HTTPSConnectionPool" not in answer.text
