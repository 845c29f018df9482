"""The contract rows: one for each endpoint, and how a row is tried on a served site.

`before` prepares; `request` and `at` are what is sent, with the admin key or `as` somebody; `reply` are the keys of the
answer, `says` their values, `contains` parts of them; `manifest` is what stands in desired/ afterwards; `effect` what
other programs then see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import people_world
import yaml

from conduit.sandbox.machine import wait_for

RECORD = "dns_records:\n  {0}:\n    name: {0}.home.arpa\n    value: 10.0.0.7\n"
DIRECTORY = Path(__file__).parent / "contract"
TIME = re.compile(r'"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[^"]*)"')
SUSPENDING = {"suspend", "move_record", "forget_route"}
"""The steps that suspend the loop, most of them so that it does not put back what they change."""


def sections() -> dict[str, list[dict[str, Any]]]:
    """Return every row by the title of its section."""
    found = [yaml.safe_load(path.read_text()) for path in sorted(DIRECTORY.glob("*.yaml"))]
    return {section["section"]: section["rows"] for section in found}


def rows() -> list[dict[str, Any]]:
    """Return every row."""
    return [row for section in sections().values() for row in section]


def name_of(row: dict[str, Any]) -> str:
    """Return how a test of a row is called."""
    return f"{row['method']} {row['path']}"


def check(row: dict[str, Any], served: Any, prepared: Callable[[], Any] = lambda: None) -> None:
    """Try a row and raise AssertionError where the site does not do what it says; `prepared` is called in between."""
    row = json.loads(json.dumps(row).replace("$echo", served.echo))
    try:
        _tried(row, served, prepared)
    finally:
        if any(step.keys() & SUSPENDING for step in row.get("before", ())):
            served.conduit("resume")


def _tried(row: dict[str, Any], served: Any, prepared: Callable[[], Any]) -> None:
    for step in row.get("before", ()):
        _prepare(step, served)
    earlier = {e["openssl"]: serial(served, e["openssl"]) for e in row.get("effect", ()) if "openssl" in e}
    prepared()
    _ask(row, served)
    if wanted := row.get("manifest"):
        _check_manifest(wanted, served)
    for effect in row.get("effect", ()):
        _check_effect(effect, served, earlier)


def _ask(row: dict[str, Any], served: Any) -> None:
    path = row.get("at", row["path"])
    if "$digest" in path:
        path = path.replace("$digest", served.api("GET", "/api/diff").json()["plan_digest"])
    if "stream" in row:
        with served.client.stream(row["method"], path) as stream:
            assert stream.headers["content-type"].startswith(row["stream"])
        return
    path = people_world.spelled(path, served)
    headers = {"If-Match": served.api("GET", path).headers["etag"]} if row.get("seen") else {}
    if "as" in row:
        headers |= {"X-API-Key": "", "Authorization": f"Bearer {people_world.minted(served, row['as'])}"}
    answer = served.api(row["method"], path, people_world.filled(row, served), headers=headers)
    assert answer.status_code == row["status"], answer.text
    if "text" in row:
        assert row["text"] in answer.text
    else:
        _check_reply(row, answer.json())


def _prepare(step: dict[str, Any], served: Any) -> None:
    if people_world.prepare(step, served):
        return
    if "register" in step:
        assert served.register(step["register"], overwrite=True)["ok"]
    elif "cache" in step:
        assert served.dig(step["cache"]) == ["10.7.7.7"]
        assert cached(served) > 0
    elif "record" in step:
        served.write(f"dns_records/{step['record']}.yaml", RECORD.format(step["record"]))
        assert served.api("POST", "/api/apply").json()["ok"]
    elif "move_record" in step:
        assert served.conduit("suspend").code == 0, "else the loop puts it back"
        served.move_record("10.0.0.7", "10.0.0.8")
    elif "suspend" in step:
        assert served.conduit("suspend", "--reason", step["suspend"]).code == 0
    elif "forget_route" in step:
        assert served.conduit("suspend").code == 0, "else the loop may put it back first"
        served.forget_route(step["forget_route"])
        assert not answered(served, f"https://{step['forget_route']}/")


def _check_reply(row: dict[str, Any], body: Any) -> None:
    assert set(row.get("reply", ())) <= body.keys()
    assert not [each for each in TIME.findall(json.dumps(body)) if not each.endswith("Z")], "one form for all times"
    for key, value in row.get("says", {}).items():
        assert body[key] == value, body
    for key, part in row.get("contains", {}).items():
        assert part in body[key]
    if item := row.get("item"):
        assert body[item], f"no {item}"
        assert all(set(row["item_keys"]) <= each.keys() for each in body[item])


def _check_manifest(wanted: dict[str, Any], served: Any) -> None:
    file = served.desired / wanted["file"]
    if wanted.get("gone"):
        assert not file.exists()
    else:
        text = file.read_text()
        assert text == wanted["holds"], text


def _check_effect(effect: dict[str, Any], served: Any, earlier: dict[str, str]) -> None:
    if "dig" in effect:
        assert served.dig(effect["dig"]) == effect["is"]
    elif "curl" in effect:
        assert answered(served, effect["curl"]) == effect["answers"]
    elif "openssl" in effect:
        assert serial(served, effect["openssl"]) != earlier[effect["openssl"]]
    elif "cached" in effect:
        assert cached(served) == effect["cached"]
    elif "sql" in effect:
        assert [list(each) for each in people_world.rows(served, effect["sql"])] == effect["is"]
    elif "password" in effect:
        assert people_world.fits(served, effect["of"], effect["password"])
    elif "held" in effect:
        told = served.conduit("status").stderr
        assert effect["held"] in told if effect["held"] else "suspended" not in told, told
    elif "trusts" in effect:
        bundle = served.trust / "store" / "ca-certificates.crt"
        assert answered(served, f"https://{effect['trusts']}/", trust=bundle)
    else:
        raise AssertionError(f"nobody checks {effect}")


def answered(served: Any, url: str, **options: Any) -> bool:
    """Whether the upstream answers a visitor of a URL; a proxy without a route answers 200 and nothing."""
    return '"name": "echo"' in served.curl(url, **options).stdout


def serial(served: Any, host: str) -> str:
    """Return the serial of the certificate the proxy serves, as openssl reads it."""
    listener = served.daemons["caddy"].section["https"][0]
    shown = served.program("openssl", "s_client", "-connect", listener, "-servername", host, input="")
    found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", shown.stdout, re.DOTALL)
    assert found, shown
    return str(served.program("openssl", "x509", "-noout", "-serial", input=found[0]).stdout)


def cached(served: Any) -> int:
    """Return how much dnsmasq says it has put into its cache since it was emptied."""
    host, port = served.daemons["dnsmasq"].address.split(":")
    told = served.program("dig", f"@{host}", "-p", port, "+short", "chaos", "txt", "insertions.bind")
    return int(told.stdout.strip().strip('"'))


def until_checked(served: Any, name: str) -> dict[str, Any]:
    """Wait until a service was checked and return it."""

    def found() -> dict[str, Any] | None:
        services = served.api("GET", "/api/services").json()["services"]
        return next((each for each in services if each["name"] == name and each["last_check"]), None)

    result: dict[str, Any] = wait_for(found, f"{name} is checked")
    return result
