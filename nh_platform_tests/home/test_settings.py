"""A mistake in sources.yaml is said by file, line and dotted key, with what was found and what is allowed there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.assets.registry import session_assets
from nh_platform.cli.app import app
from nh_platform.home.platform import Platform, source_config
from nh_platform.home.settings import load_settings
from nh_platform.session import ConfigError
from nh_platform.sources.ibl import IblSource

SECRET = "hunter2"
DOCUMENTATION = "See docs/configuration.md."
SETTINGS = (
    "Allowed here: also_assets, also_rulebooks, kind, on_release, presets, published, read, reference_window, "
    "rulebook, stimulus_modes."
)
TEXT_EXPECTED = "text is expected (in quotes, where it looks like a number)"

WRONG = {
    "unknown source": ("ebl: {}", "1, ebl", "there is no source 'ebl'", "Use one of: ibl, allen_vc, allen_vbn"),
    "unknown key": ("ibl:\n  reed: {}", "2, ibl.reed", "unknown key 'reed'", SETTINGS),
    "misspelt key": ("ibl:\n  ruelbook: x", "2, ibl.ruelbook", "unknown key", "Did you mean rulebook"),
    "unknown key of the source": (
        "allen_vc:\n  read:\n    root: x\n    reefresh: true",
        "4, allen_vc.read.reefresh",
        "unknown key 'reefresh'",
        "Allowed here: address, attempts, bucket, cache_dir, freeze, keep_raw, mode, prefix, ranges, refresh, release, "
        "retry_wait_s, root, "
        "stall_s. "
        "Did you mean refresh",
    ),
    "text where keys belong": ("ibl: yes please", "1, ibl", "it is text, and keys and values are expected", ""),
    "text for read": ("ibl:\n  read: here", "2, ibl.read", "it is text, and keys and values are expected", ""),
    "list for a name": ("ibl:\n  rulebook: [a]", "2, ibl.rulebook", f"it is a list, and {TEXT_EXPECTED}", ""),
    "number for a name": ("ibl:\n  rulebook: 2022", "2, ibl.rulebook", f"it is 2022, and {TEXT_EXPECTED}", ""),
    "name for a list": (
        "ibl:\n  presets: a",
        "2, ibl.presets",
        "it is 'a', and a list is expected",
        "for example [a, b]",
    ),
    "number in a list": ("ibl:\n  presets: [5]", "2, ibl.presets.0", f"it is 5, and {TEXT_EXPECTED}", ""),
    "unknown rulebook": (
        "ibl:\n  read: {}\n  rulebook: ibl-2022-1",
        "3, ibl.rulebook",
        "there is no rulebook 'ibl-2022-1'",
        "or a YAML file by its path from the home folder. Did you mean ibl-2022-10",
    ),
    "rulebook file that is not there": (
        "ibl:\n  also_rulebooks:\n    - nh-common\n    - mine.yaml",
        "4, ibl.also_rulebooks.1",
        "there is no rulebook 'mine.yaml'",
        "ibl-2022-10",
    ),
    "unknown preset": (
        "ibl:\n  presets: [continous-1s-20ms]",
        "2, ibl.presets.0",
        "there is no window preset 'continous-1s-20ms'",
        "or a YAML file by its path from the home folder. Did you mean continuous-1s",
    ),
    "preset file that is not there": (
        "ibl:\n  presets:\n    - presets/mine.yaml",
        "3, ibl.presets.0",
        "there is no window preset 'presets/mine.yaml'",
        "stim-halves-500ms",
    ),
    "unknown release": (
        "ibl:\n  published: ibl-bwm-2024",
        "2, ibl.published",
        "there is no release with published counts 'ibl-bwm-2024'",
        "Did you mean ibl-bwm-2024-05",
    ),
    "release of another source": (
        "allen_vbn:\n  published: ibl-bwm-2024-05",
        "2, allen_vbn.published",
        "there is no release with published counts 'ibl-bwm-2024-05'",
        "Use one of: ",
    ),
    "unknown mode of tensors": (
        "allen_vc:\n  stimulus_modes: [exakt]",
        "2, allen_vc.stimulus_modes.0",
        "there is no way to make stimulus tensors 'exakt'",
        "Use one of: exact, mlynarski-compat.",
    ),
    "unknown reference window": (
        "ibl:\n  reference_window: first-blocks",
        "2, ibl.reference_window",
        "reference window 'first-blocks' is not known",
        "Use one of whole-session; start-10s … start-30s; ",
    ),
    "reference window that is too long": (
        "ibl:\n  reference_window: start-31s",
        "2, ibl.reference_window",
        "reference window 'start-31s' lasts 31 s",
        "State start-10s to start-30s.",
    ),
    "unknown asset on request": (
        "ibl:\n  also_assets: [mean_waveform]",
        "2, ibl.also_assets.0",
        "there is no asset on request 'mean_waveform'",
        "Use one of: pose, mean_waveforms, noise, spike_events, window_embeddings. Did you mean mean_waveforms",
    ),
    "asset on request of another source": (
        "allen_vc:\n  also_assets: [pose]",
        "2, allen_vc.also_assets.0",
        "there is no asset on request 'pose'",
        "Use one of: mean_waveforms, spike_events, window_embeddings.",
    ),
    "unknown choice": (
        "ibl:\n  read: {mode: nearby}",
        "2, ibl.read.mode",
        "it is 'nearby', and it should be 'local', 'public' or 'remote'",
        DOCUMENTATION,
    ),
    "number out of range": (
        "ibl:\n  read:\n    parallel_downloads: 99",
        "3, ibl.read.parallel_downloads",
        "it is 99, and it should be less than or equal to 32",
        DOCUMENTATION,
    ),
    "text for a number": (
        "allen_vc:\n  read: {attempts: many}",
        "2, allen_vc.read.attempts",
        "it is 'many', and a whole number is expected",
        DOCUMENTATION,
    ),
    "text for a choice of two": (
        "ibl:\n  read: {keep_raw: perhaps}",
        "2, ibl.read.keep_raw",
        "it is 'perhaps', and true or false is expected",
        DOCUMENTATION,
    ),
    "number for a folder": (
        "ibl:\n  read: {root: 5}",
        "2, ibl.read.root",
        "it is 5, and the path of a folder or file is expected",
        DOCUMENTATION,
    ),
    "empty value": ("ibl:\n  read: {sorter: x, mode: }", "2, ibl.read.mode", "it is empty, and it should be", ""),
    "what a mode needs": ("ibl:\n  read: {mode: local}", "2, ibl.read", "local mode needs `root`", DOCUMENTATION),
    "no date": ("ibl:\n  read: {revision: May}", "2, ibl.read.revision", "revision 'May' is neither", DOCUMENTATION),
    "not an address": ("allen_vc:\n  read: {address: x}", "2, allen_vc.read.address", "it is 'x', and it should", ""),
    "tab": ("ibl:\n\tread: {}", "2", "not valid YAML", "Correct the indentation or quoting of that line."),
    "open bracket": ("ibl:\n  presets: [a\nallen_vc: {}", "3", "not valid YAML", "Correct the indentation"),
    "key twice": ("ibl: {}\nallen_vc: {}\nibl: {}", "3", "the key 'ibl' stands twice", "Remove one of the two."),
    "list of sources": ("- ibl", "1", "it holds a list, and it must map the names of sources", DOCUMENTATION),
    "key that is a number": ("5: {}", "1", "the key 5 is not text", "Put it in quotes"),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty home, with nothing of a source in the environment."""
    monkeypatch.setenv("NH_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    for name in ("URL", "USERNAME", "PASSWORD", "TOKEN", "DATA_SERVER"):
        monkeypatch.delenv(f"NH_ONE_{name}", raising=False)
    return tmp_path


def write(home: Path, text: str) -> Path:
    path = home / "sources.yaml"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def open_source(home: Path) -> None:
    """Use the settings as `nh sync` does: read, check the names, open the source that the file is about."""
    platform = Platform(load_settings(home))
    for source in platform.settings.sources:
        platform.source(source)


@pytest.mark.parametrize(("text", "where", "found", "action"), WRONG.values(), ids=WRONG)
def test_a_mistake_names_the_file_the_key_what_was_found_and_what_is_allowed(
    home: Path, text: str, where: str, found: str, action: str
) -> None:
    path = write(home, text)
    with pytest.raises(ConfigError) as caught:
        open_source(home)
    assert caught.value.thing == f"{path}:{where}"
    assert caught.value.found.startswith(found)
    assert action in f"{caught.value.found} {caught.value.action}"
    assert "pydantic" not in str(caught.value)


@pytest.mark.parametrize(
    "wrong", ["unknown source", "unknown key of the source", "unknown rulebook", "unknown choice", "tab"]
)
def test_the_command_shows_one_clean_error_and_makes_nothing(home: Path, wrong: str) -> None:
    text, where, found, _ = WRONG[wrong]
    path = write(home, text)
    source = text.partition(":")[0] if wrong != "unknown source" else "ibl"
    result = CliRunner().invoke(app, ["sync", source])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"error {path}:{where}: {found}")
    assert len(lines) == 2
    assert result.stdout == ""
    assert sorted(entry.name for entry in home.iterdir()) == ["sources.yaml"]


def test_the_doctor_reports_a_mistake_in_the_settings(home: Path) -> None:
    write(home, "ibl:\n  rulebook: nope")
    rows = json.loads(CliRunner().invoke(app, ["doctor", "--offline", "--format", "json"]).stdout)
    (found,) = [row["found"] for row in rows if row["about"] == "settings"]
    assert "sources.yaml:2, ibl.rulebook: there is no rulebook 'nope'" in found


@pytest.mark.parametrize(
    ("text", "where", "action"),
    [
        (f"ibl:\n  read: {{mode: public, password: {SECRET}}}", "2, ibl.read.password", "set NH_ONE_PASSWORD"),
        (f"ibl:\n  read:\n    username: {SECRET}", "3, ibl.read.username", "set NH_ONE_USERNAME"),
        (f"ibl:\n  read:\n    token: {SECRET}", "3, ibl.read.token", "set NH_ONE_TOKEN"),
        (f"ibl:\n  password: {SECRET}", "2, ibl.password", "NH_ONE_PASSWORD"),
        (f"allen_vc:\n  read: {{root: x, apiKey: {SECRET}}}", "2, allen_vc.read.apiKey", "environment"),
        (
            f"allen_vbn:\n  read:\n    s3: [{{secret-key: {SECRET}}}]",
            "3, allen_vbn.read.s3.0.secret-key",
            "environment",
        ),
        (f"ibl:\n  read: {{url: 'https://ada:{SECRET}@alyx.example.org'}}", "2, ibl.read.url", "without them"),
        (f"ibl:\n  read: {{aws_access_key_id: {SECRET}}}", "2, ibl.read.aws_access_key_id", "environment"),
    ],
)
def test_credentials_in_the_file_are_refused_and_never_shown(home: Path, text: str, where: str, action: str) -> None:
    path = write(home, text)
    with pytest.raises(ConfigError, match="credentials are not read from files") as caught:
        load_settings(home)
    assert caught.value.thing == f"{path}:{where}"
    assert action in caught.value.action
    result = CliRunner().invoke(app, ["sync", "ibl"])
    assert result.exit_code == 1
    assert SECRET not in result.output + result.stderr + str(caught.value)


@pytest.mark.parametrize("text", [f"ibl: {SECRET}", f"ibl:\n  read: {SECRET}", f"ibl:\n  {SECRET}: [", f"{SECRET}"])
def test_what_may_be_a_secret_in_the_wrong_place_is_not_shown(home: Path, text: str) -> None:
    write(home, text)
    with pytest.raises(ConfigError) as caught:
        open_source(home)
    assert SECRET not in str(caught.value)


def test_a_name_that_only_sounds_like_a_credential_is_a_setting_like_any_other(home: Path) -> None:
    write(home, "ibl:\n  read: {tokenizer: x, userland: y}")
    with pytest.raises(ConfigError, match=r"ibl\.read\.tokenizer: unknown key"):
        open_source(home)


def test_a_wrong_address_in_the_environment_names_the_variable_and_not_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_ONE_URL", "alyx.example.org")
    monkeypatch.setenv("NH_ONE_PASSWORD", SECRET)
    with pytest.raises(ConfigError, match=r"environment variable NH_ONE_URL.*not an http") as caught:
        Platform(load_settings(home)).source("ibl")
    assert "sources.yaml" not in str(caught.value)
    monkeypatch.setenv("NH_ONE_URL", "https://alyx.example.org")
    with pytest.raises(ConfigError, match=r"setting ibl\.read: remote mode needs NH_ONE_TOKEN, or") as caught:
        Platform(load_settings(home)).source("ibl")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ibl:\n  rulebook: \xff\xfe", "byte 18 is no UTF-8 text"),
        (b"ibl: {}\x00", "not text"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_text_is_named(home: Path, content: bytes | None, says: str) -> None:
    path = home / "sources.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"{re.escape(str(path))}.*{says}"):
        load_settings(home)


def test_keys_without_a_value_leave_the_defaults(home: Path) -> None:
    write(home, "ibl:\n  # rulebook: ibl-strict\n  read:\nallen_vc:")
    settings = load_settings(home)
    assert source_config(settings, "ibl") == source_config(load_settings(home / "elsewhere"), "ibl")
    assert settings.source("ibl").read == {}
    write(home, "# nothing")
    assert load_settings(home).sources == {}


def test_a_date_needs_no_quotes_and_a_rulebook_of_ones_own_lies_in_the_home(home: Path) -> None:
    (home / "mine.yaml").write_text("id: mine\n", encoding="utf-8")
    write(home, "ibl:\n  rulebook: mine.yaml\n  read: {root: here, revision: 2024-05-06}")
    platform = Platform(load_settings(home))
    assert platform.config("ibl").rulebook == str(home / "mine.yaml")
    source = platform.source("ibl")
    assert isinstance(source, IblSource)
    assert source.settings.revision == "2024-05-06"
    assert source.settings.root == home / "here"


PRESET = """\
id: mine
version: 1
kind: aligned
bin_us: 20_000
event: go cue
start_us: 0
stop_us: 40_000
description: d
why: w
"""


def configured(platform: Platform) -> str:
    """Return the parameter of `windows` that names the presets, with their identity."""
    return session_assets("ibl")["windows"].parameters(platform, "ibl")["presets"]


def test_a_preset_of_your_own_lies_in_the_home_and_a_broken_one_is_refused_by_its_line(home: Path) -> None:
    path = home / "presets" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(PRESET, encoding="utf-8")
    write(home, "ibl:\n  read: {root: here}\n  presets: [continuous-1s, presets/mine.yaml]")
    platform = Platform(load_settings(home))
    assert platform.config("ibl").presets == ("continuous-1s", str(path))
    first = configured(platform)
    assert [part.partition("=")[0] for part in first.split(";")] == ["continuous-1s", "mine"]
    path.write_text(PRESET.replace("40_000", "60_000"), encoding="utf-8")
    assert configured(platform).split(";")[0] == first.split(";")[0]
    assert configured(platform) != first
    path.write_text(PRESET.replace("40_000", "50_000"), encoding="utf-8")
    with pytest.raises(ConfigError, match="50000 us is not a whole number of bins of 20000 us") as caught:
        configured(platform)
    assert caught.value.thing == f"{path}:7, preset mine, stop_us"
    write(home, "ibl:\n  presets: [continuous-1s, continuous-1s]")
    with pytest.raises(ConfigError, match="its id 'continuous-1s' is named twice"):
        configured(Platform(load_settings(home)))
