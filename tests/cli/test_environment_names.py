"""Settings from the environment: each variable takes effect, and none is forgotten by the quick answer of diff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conduit.errors import LoadError
from conduit.manifests.settings_file import read_settings
from conduit.settings import Settings
from conduit.upstreams import addresses, rules_of
from conduit.variables import VARIABLES

CADDY = "caddy: {admin: 'localhost:2019'}\n"
GIVEN = {
    "CONDUIT_DIR": ("/srv/conduit", lambda s: str(s.state_dir), "/srv/conduit"),
    "CONDUIT_APP_NAME": ("attic", lambda s: s.site, "attic"),
    "CONDUIT_DOMAIN": ("lan.example", lambda s: s.internal_domain, "lan.example"),
    "CONDUIT_CADDY_ADMIN": ("localhost:2020", lambda s: s.sections["caddy"]["admin"], "localhost:2020"),
    "CONDUIT_BIND_HOST": ("127.0.0.2", lambda s: s.api.host, "127.0.0.2"),
    "CONDUIT_BIND_PORT": ("8090", lambda s: s.api.port, 8090),
    "CONDUIT_RATE_LIMIT": ("30", lambda s: (s.api.reads_per_minute, s.api.writes_per_minute), (30, 30)),
    "CONDUIT_ALLOWED_UPSTREAMS": ("10.0.0.0/8, nas.lan", lambda s: s.upstreams.allow, ("10.0.0.0/8", "nas.lan")),
}


def settings(directory: Path, text: str = CADDY) -> Settings:
    file = directory / "conduit.yaml"
    file.write_text(text)
    return read_settings(file)


def test_every_variable_is_tried_here() -> None:
    assert set(GIVEN) == set(VARIABLES)


@pytest.mark.parametrize("name", GIVEN)
def test_a_variable_wins_over_the_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value, read, wanted = GIVEN[name]
    before = read(settings(tmp_path))
    monkeypatch.setenv(name, value)
    found = settings(tmp_path)
    assert read(found) == wanted != before
    assert found.evidence is None, "the quick answer of diff would not see it change"


def test_a_wrong_value_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_BIND_PORT", "eighty")
    with pytest.raises(LoadError, match="port"):
        settings(tmp_path)


def test_only_allowed_upstreams_are_proxied_to(tmp_path: Path) -> None:
    rules = rules_of(settings(tmp_path, "upstreams: {allow: [10.0.0.0/8, nas.lan]}\n"))

    def resolve(name: str) -> list[str]:
        return {"nas.lan": ["192.168.1.5"], "other.lan": ["192.168.1.6"], "near.lan": ["10.1.1.1"]}[name]

    assert addresses("10.2.3.4:80", rules, resolve) == ["10.2.3.4:80"]
    assert addresses("nas.lan:80", rules, resolve) == ["192.168.1.5:80"]
    assert addresses("near.lan:80", rules, resolve) == ["10.1.1.1:80"]
    for refused in ("192.168.1.5:80", "other.lan:80"):
        with pytest.raises(ValueError, match="allow"):
            addresses(refused, rules, resolve)


def test_the_settings_may_lie_in_a_directory_of_their_own(site: Any) -> None:
    away = {"CONDUIT_CONFIG": "", "CONDUIT_CONFIG_DIR": str(site.directory)}
    found = site.conduit("--chdir", "/", "validate", env=away)
    assert found.code == 0, found
