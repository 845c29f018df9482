"""What gets through the validators is harmless as it is served (I3, I5, I9, I12, P1): bytes, names, placeholders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attack_world import CANARY, HOST, Attacked, Visited, problems_in, quoted

from tests.conftest import ROOT, Ran, run_program
from tests.faults import oracle

METADATA = "http://169.254.169.254/latest/meta-data/"
HASH = "$2b$10$abcdefghijklmnopqrstuuJ8u3v1zvCq1kD2Zl0x7QzqJ0s9m1Y3K"
LITERAL = ["{{7*7}}", "{% for %}", "{{cycler.__init__.__globals__}}", "${jndi:ldap://x}", "<%= 7*7 %>", "{env.HOME}"]

NAMES_OF_THE_SYSTEM = """
import os, socket
ask = socket.getaddrinfo
def answer(name, *words, **options):
    if name != "rebind.example":
        return ask(name, *words, **options)
    with open(os.environ["ANSWERS_ASKED"], "a") as asked:
        asked.write("x")
    given = os.environ["ANSWERS"].split()
    return ask(given[min(os.path.getsize(os.environ["ANSWERS_ASKED"]), len(given)) - 1], *words, **options)
socket.getaddrinfo = answer
"""
"""Python reads this before it runs conduit: `rebind.example` has another address each time the system is asked."""


def applied(attacked: Attacked, *words: str, **options: Any) -> Ran:
    done = attacked.run("apply", "--yes", *words, **options)
    assert done.code == 0, oracle.told(done)
    return done


def test_i3_an_accepted_health_path_reaches_the_upstream_as_it_was_written(
    attacked: Attacked, visited: Callable[..., Visited], wait_for: Callable[..., Any]
) -> None:
    server = visited()
    path = "/a%20b/c+d,e:f@g~h%22?x=%26y&z=%3B"
    body = f'upstream: "{server.address}", health: {{path: {quoted(path)}, interval: 100ms}}'
    attacked.write({"checked.yaml": f"services:\n  checked: {{{body}}}\n"})
    applied(attacked)
    seen = wait_for(lambda: [r for r in server.requests if r.startswith(b"GET /a")], "a health check")[0]
    line, *headers = seen.split(b"\r\n")
    assert line == f"GET {path} HTTP/1.1".encode()
    assert {header.partition(b":")[0].lower() for header in headers if header} <= {
        b"host", b"user-agent", b"accept-encoding", b"connection", b"accept",
    }  # fmt: skip


def rebinding(attacked: Attacked, directory: Path, *answers: str) -> dict[str, str]:
    """The environment in which `rebind.example` resolves to these addresses in turn."""
    (directory / "sitecustomize.py").write_text(NAMES_OF_THE_SYSTEM)
    asked = directory / "asked"
    asked.write_text("")
    return {"ANSWERS": " ".join(answers), "ANSWERS_ASKED": str(asked), "PYTHONPATH": f"{directory}:{ROOT}"}


def test_i5_a_name_that_turns_to_the_metadata_service(attacked: Attacked, tmp_path: Path) -> None:
    """The proxy is given the address that was checked; when the answer changes, the next plan is refused whole."""
    port = attacked.upstream.rpartition(":")[2]
    attacked.write({"rebind.yaml": f"services:\n  rebind: {{upstream: rebind.example:{port}}}\n"})
    env = rebinding(attacked, tmp_path, "127.0.0.1", "169.254.169.254")
    applied(attacked, env=env)
    assert (tmp_path / "asked").read_text() == "x", "a name is resolved once in a run"
    assert "rebind.example" not in attacked.config()
    before = attacked.look()
    for address in ("169.254.169.254", "::ffff:169.254.169.254"):
        env = rebinding(attacked, tmp_path, address)
        told = attacked.run("apply", "--yes", "--json", env=env)
        assert told.code == 1, oracle.told(told)
        assert [problem.code for problem in problems_in(told)] == ["CND-0321"]
    assert oracle.changed(before, attacked.look()) == []
    assert oracle.visit(attacked.site, "rebind.home.arpa") == oracle.works("echo")


def test_i5_no_check_follows_where_a_name_or_a_redirect_leads(
    attacked: Attacked, visited: Callable[..., Visited], tmp_path: Path
) -> None:
    """The whole of an apply and a status, as the kernel saw it, never turns to the metadata service."""
    moved = f"HTTP/1.1 302 Found\r\nLocation: {METADATA}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    server = visited(answer=moved.encode())
    dead = "127.0.0.1:1"
    text = f"""services:
  moved: {{upstream: "{server.address}", health: {{path: /, status: 302}}}}
  moved_too: {{upstream: "{server.address}"}}
  turned: {{upstream: "rebind.example:1"}}
  dead: {{upstream: "{dead}"}}
"""
    attacked.write({"moved.yaml": text})
    env = rebinding(attacked, tmp_path, "127.0.0.1", "169.254.169.254")
    trace = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o"]
    ran = attacked.run("apply", "--yes", env=env, before=[*trace, str(tmp_path / "apply")])
    assert ran.code == 0, oracle.told(ran)
    assert "UNPROVEN" in ran.stdout.upper()
    assert "127.0.0.1:1 the connection is refused" in ran.stdout, "what was checked is what is asked"
    assert (tmp_path / "asked").read_text() == "x", "a name is resolved once in a run"
    env = rebinding(attacked, tmp_path, "127.0.0.1", "169.254.169.254")
    ran = attacked.run("status", env=env, before=[*trace, str(tmp_path / "status")])
    traced = (tmp_path / "apply").read_text() + (tmp_path / "status").read_text()
    assert "connect(" in traced
    assert "169.254." not in traced
    assert METADATA not in ran.stdout


def test_i9_nothing_that_is_served_is_expanded(attacked: Attacked) -> None:
    """What visitors send, what upstreams answer and what a manifest may say; the canary is within Caddy's reach."""
    up = f'upstream: "{attacked.upstream}"'
    text = f"""services:
  plain: {{{up}, tls: off}}
  stripped: {{{up}, tls: off, path: /app, strip_prefix: true}}
  moved: {{tls: off, redirect: {{to: "http://plain.home.arpa/%7Benv.CONDUIT_CANARY%7D", keep_path: true}}}}
  away: {{tls: off, maintenance: {{message: "&lbrace;env.CONDUIT_CANARY&rbrace; &#123;env.CONDUIT_CANARY&#125;"}}}}
  guarded: {{{up}, tls: off, basic_auth: {{a: "{HASH}"}}, response_headers: {{X-A: "%7Benv.CONDUIT_CANARY%7D"}}}}
  secure: {{{up}}}
"""
    attacked.write({"served.yaml": text})
    applied(attacked, "--no-prove")
    for hidden in ("{env.CONDUIT_CANARY}", attacked.inside):
        for host, path in (("plain", "/"), ("stripped", "/app/"), ("moved", "/"), ("away", "/"), ("guarded", "/")):
            sent = [
                "--globoff",
                "--path-as-is",
                "-H",
                f"X-A: {hidden}",
                "-H",
                f"Cookie: a={hidden}",
                "-u",
                f"{hidden}:x",
            ]
            got = attacked.site.curl(f"http://{host}.home.arpa{path}{hidden}?q={hidden}", *sent)
            assert got.stdout.startswith("HTTP/1.1 "), oracle.told(got)
            assert CANARY not in got.stdout, got.stdout
        got = attacked.site.curl(f"http://secure.home.arpa/{hidden}", "--globoff")
        assert got.stdout.startswith("HTTP/1.1 308")
        assert CANARY not in got.stdout
    assert CANARY not in attacked.config()


def test_i9_the_canary_is_served_to_whom_writes_to_caddy_directly(alone: Attacked) -> None:
    """Shows that the other tests look for something that would be found."""
    config = json.loads(alone.config())
    body = f"{{env.CONDUIT_CANARY}} {alone.inside}"
    answer = {"handle": [{"handler": "static_response", "body": body}]}
    name = next(name for name, server in config["apps"]["http"]["servers"].items() if "https" not in name)
    config["apps"]["http"]["servers"][name]["routes"].insert(0, answer)
    admin = alone.site.daemons["caddy"].section["admin"].removeprefix("unix/")
    argv = ["curl", "-sS", "--unix-socket", admin, "-H", "Host;", "-H", "Content-Type: application/json"]
    done = run_program(*argv, "-d", json.dumps(config), "http://x/config/")
    assert (done.code, done.stdout) == (0, "")
    listener = alone.site.daemons["caddy"].section["http"][0]
    got = run_program("curl", "-sS", f"http://{listener}/")
    assert got.stdout == f"{CANARY} {CANARY}"


def test_i12_a_record_holds_text_as_it_was_written(attacked: Attacked) -> None:
    """Through a variable, which is never read as a template again, not even by the passes after the first."""
    variables = "vars:\n" + "".join(f"  v{number}: {quoted(value)}\n" for number, value in enumerate(LITERAL))
    records = "dns_records:\n" + "".join(
        f"  v{number}: {{name: v{number}.home.arpa, type: TXT, value: '{{{{ v{number} }}}}'}}\n"
        for number in range(len(LITERAL))
    )
    attacked.write({"text.yaml": variables + records})
    applied(attacked)
    before = attacked.look()
    again = applied(attacked)
    assert "v0" not in again.stdout, oracle.told(again)
    assert oracle.changed(before, attacked.look()) == []
    for number, value in enumerate(LITERAL):
        assert attacked.site.dig(f"v{number}.home.arpa", "TXT") == [f'"{value}"']


def test_p1_a_protected_site_with_many_hosts_asks_every_visitor(attacked: Attacked) -> None:
    many = ", ".join(f"h{number}.lan" for number in range(105))
    up = f'upstream: "{attacked.upstream}", tls: off, dns: false, aliases: [{many}]'
    guard = f'basic_auth: {{alice: "{HASH}"}}'
    text = f"services:\n  open: {{{up}, domain: app.lan}}\n  admin: {{{up}, domain: app.lan, path: /admin, {guard}}}\n"
    attacked.write({"many.yaml": text})
    applied(attacked, "--no-prove")
    targets = ["/admin", "/ADMIN", "/%61dmin", "//admin", "/x/../admin", "/admin/deep", "/./admin", "/admin%2Fx"]
    for host in ("app.lan", "APP.LAN", "h104.LAN", "H7.lan"):
        assert status(attacked, host, "/free") == 200
        assert {target: status(attacked, host, target) for target in targets} == dict.fromkeys(targets, 401)


def status(attacked: Attacked, host: str, target: str) -> int:
    got = attacked.site.curl(f"http://app.lan{target}", "--path-as-is", "-H", f"Host: {host}")
    return int(got.stdout.split()[1])


def test_a_visitor_of_an_unknown_name_learns_nothing(shared: Attacked) -> None:
    for host in ("169.254.169.254", "localhost:2019", "unknown.lan", HOST + ".evil.lan"):
        got = shared.site.curl("http://app.lan/config/", "-H", f"Host: {host}")
        assert "apps" not in got.stdout
        assert CANARY not in got.stdout
