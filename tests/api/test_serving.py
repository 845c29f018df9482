"""Where the server listens, what stops it from starting, and the files of the dashboard."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from api_world import make_served
from litestar import get

from conduit.api import app
from conduit.api.desk import Desk
from conduit.errors import ConduitError
from conduit.settings import Settings


def serve(site: Any, **api: Any) -> Any:
    """Run `conduit serve` on a site with other settings; it is expected to end by itself."""
    document = yaml.safe_load(site.settings_file.read_text())
    document["api"] = api
    other = site.directory / "other.yaml"
    other.write_text(yaml.safe_dump(document))
    return site.conduit("--config", str(other), "serve", env={"CONDUIT_API_KEY": "k"})


def test_it_does_not_listen_beyond_loopback_without_tls(site: Any) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        ended = serve(site, host=host)
        assert ended.code == 1, ended
        assert "CND-2030" in ended.stderr


def test_a_port_that_is_taken_is_told(site: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = serve(site, port=taken.getsockname()[1])
    assert ended.code == 1, ended
    assert "CND-2031" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_route_without_a_permission_stops_the_server_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    @get("/api/open", sync_to_thread=False)
    def bare() -> None:
        """Forget to say who may."""

    monkeypatch.setattr(app, "handlers", lambda: [bare])
    with pytest.raises(ConduitError, match=r"GET /api/open .*CND-2020"):
        app.build(Desk(Settings()))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A site served over TLS, with a dashboard of two files."""
    place = tmp_path_factory.mktemp("secure")
    dashboard = place / "ui"
    (dashboard / "assets").mkdir(parents=True)
    (dashboard / "index.html").write_text("<!doctype html><title>conduit</title>")
    (dashboard / "assets" / "app.js").write_text("console.log(1)")
    (place / "secret.txt").write_text("not for the web")
    (dashboard / "assets" / "out.txt").symlink_to(place / "secret.txt")
    with make_served(dashboard=str(dashboard), tls=certificate(place)) as site:
        yield site


def certificate(place: Path) -> dict[str, str]:
    """Make a certificate for 127.0.0.1 that signs itself."""
    from tests.conftest import run_program

    key, pem = place / "key.pem", place / "cert.pem"
    made = run_program(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-keyout", str(key), "-out", str(pem), "-days", "2", "-subj", "/CN=conduit"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
    )
    assert made.code == 0, made
    return {"certificate": str(pem), "key": str(key)}


def test_it_serves_over_tls(secure: Any) -> None:
    answer = secure.api("GET", "/api/services")
    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{secure.port}/api/ping")


def test_the_dashboard_is_served_with_its_own_paths(secure: Any) -> None:
    for path in ("/", "/services/wiki", "/deep/er/path"):
        page = secure.client.get(path, headers={"X-API-Key": ""})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8"), path
        assert "<title>conduit</title>" in page.text
        assert page.headers["cache-control"] == "no-store", "it names the files of one build"
    script = secure.client.get("/assets/app.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert secure.client.get("/assets/gone.js").status_code == 404


def test_a_dashboard_that_is_not_built_is_told(secure: Any) -> None:
    place = Path(secure.settings["api"]["dashboard"])
    page = (place / "index.html").rename(place / "elsewhere.html")
    try:
        for path in ("/", "/services/wiki", "/assets/app.js"):
            answer = secure.client.get(path)
            assert (answer.status_code, answer.json()) == (503, {"error": "UI not built. Run: make ui-build"}), path
    finally:
        page.rename(place / "index.html")


def test_nothing_outside_the_dashboard_is_served(secure: Any) -> None:
    for path in ("/assets/out.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"):
        assert "not for the web" not in secure.client.get(path).text
