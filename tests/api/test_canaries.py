"""Row L3: a value that is secret is in nothing that conduit puts out, whoever asks, and wherever it looks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from api_world import make_served
from people_world import declare
from test_matrix import FILLED, routes

from conduit.identity.numbers import number_of
from conduit.sandbox.machine import free_port

NAMES = (
    *("auth", "rotated", "user", "ssh", "notify", "anchor", "file"),
    *("made", "login", "plain", "unquoted", "patched", "pem"),
)
CANARIES = {name: f"canary-{name}-{number:02x}5fd1c0" for number, name in enumerate(NAMES)}
ENDLESS = ("/api/events", "/{path}")
COMMANDS = """
diff -vv|diff --json|diff --markdown|validate|validate --json|status|status --json|drift|drift --json|runs|runs --json
runs show 1|runs show 1 --json|journal|journal --json|journal --verify|audit list|audit list --json|audit export
audit export --format csv|audit verify|secret list|secret list --json|user list|user list --json|key list
key list --json|doctor|doctor --json|kinds|schema|failpoints|get service|get route --json|get route|get user
get user --json|get server|get server --json|get certificate --json|get dns_record --json|apply --check -vv
rollback HEAD --check -vv|api routes|suspend --reason x|resume|apply --yes --json|apply --undo --check --json
""".replace("\n", "|").strip("|")


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    """A served site that holds a secret in each place that takes one, in git."""
    gone = free_port()
    sections = {
        "notify": {"calm": 0, "channels": {"phone": {"url": {"secret": "notify"}}}},
        "audit": {"anchor": {"secret": "anchor"}},
    }
    stored = {
        "auth": CANARIES["auth"],
        "user": CANARIES["user"],
        "ssh": CANARIES["ssh"],
        "notify": f"json://joe:{CANARIES['notify']}@127.0.0.1:{gone}/{CANARIES['notify']}",
        "anchor": f"http://joe:{CANARIES['anchor']}@127.0.0.1:{gone}/{CANARIES['anchor']}",
    }
    with make_served(sections=sections) as site:
        for words in (("init", "-q"), ("config", "user.name", "t"), ("config", "user.email", "t@t")):
            assert site.program("git", "-C", str(site.desired), *words).code == 0
        for name, value in stored.items():
            assert site.conduit("secret", "set", name, input=value).code == 0
        (site.directory / "word").write_text(CANARIES["file"])
        (site.directory / "word").chmod(0o600)
        yield site


class Outputs:
    """All that was put out, by where it came from."""

    def __init__(self, served: Any) -> None:
        self.served = served
        self.found: dict[str, bytes] = {}

    def put(self, place: str, content: bytes | str) -> None:
        self.found[place] = self.found.get(place, b"") + (content if isinstance(content, bytes) else content.encode())

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request, and keep its answer."""
        answer = self.served.api(method, path, body, **options)
        self.put(f"{method} {path}", f"{answer.headers}\n{answer.text}")
        return answer

    def run(self, *words: str, **options: Any) -> Any:
        """Run a command, and keep what it prints."""
        done = self.served.conduit(*words, **options)
        self.put(f"conduit {' '.join(words)}", done.stdout + done.stderr)
        return done

    def leaks(self) -> dict[str, list[str]]:
        """Return the canaries that are somewhere, by place."""
        held = {place: [c for c in CANARIES.values() if c.encode() in text] for place, text in self.found.items()}
        return {place: canaries for place, canaries in held.items() if canaries}


@contextmanager
def processes(outputs: Outputs) -> Iterator[None]:
    """Keep what the list of processes shows meanwhile: their words and, but for the test's own, their environments."""
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                if process.name != str(os.getpid()):
                    for file in ("cmdline", "environ"):
                        outputs.put(f"/proc {file}", _content(process / file))
            outputs.found["/proc cmdline"] = b"".join(_kept(outputs.found["/proc cmdline"]))
            outputs.found["/proc environ"] = b"".join(_kept(outputs.found["/proc environ"]))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield
    finally:
        done.set()
        looking.join(30)


def _kept(text: bytes) -> Iterator[bytes]:
    """Yield the canaries in a text: all else of a look is of no use."""
    yield from (canary.encode() for canary in CANARIES.values() if canary.encode() in text)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def declared(served: Any) -> dict[str, dict[str, Any]]:
    """Return a resource for each field that takes a secret."""
    host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnRlcjJodW50"
    return {
        "service/guarded": {"upstream": served.echo, "basic_auth": {"joe": {"secret": "auth"}}},
        "user/sec": {"role": "viewer", "password": {"secret": "user"}},
        "user/filed": {"role": "viewer", "password": {"secret": f"file:{served.directory / 'word'}"}},
        "server/far": {"host": "127.0.0.1", "port": 9, "host_key": host_key, "key": {"secret": "ssh"}},
    }


def lets_in(served: Any, password: str) -> bool:
    """Whether the guarded site takes a password, which no list of processes shows."""
    words = served.directory.parent / "netrc"
    words.write_text(f"machine guarded.home.arpa login joe password {password}\n")
    return bool(served.curl("https://guarded.home.arpa/", "--netrc-file", str(words)).stdout.startswith("HTTP/2 200"))


def act(served: Any, outputs: Outputs) -> None:
    """Use every secret once, rightly and wrongly."""
    new = {"headers": {"If-None-Match": "*"}}
    for key, fields in declared(served).items():
        outputs.ask("PUT", f"/api/resources/{key}", fields, params={"dry_run": "true"}, **new)
        assert outputs.ask("PUT", f"/api/resources/{key}", fields, **new).status_code == 201
    assert lets_in(served, CANARIES["auth"])
    assert outputs.run("secret", "set", "auth", input=CANARIES["rotated"]).code == 0
    for words in (("diff", "-vv"), ("diff", "--json"), ("apply", "--check"), ("diff", "--out", "plan.json")):
        assert outputs.run(*words).code == 0
    assert "route/guarded" in outputs.found["conduit diff -vv"].decode()
    outputs.ask("GET", "/api/diff")
    outputs.ask("POST", "/api/apply")
    assert lets_in(served, CANARIES["rotated"])
    _people(outputs)
    _mistakes(served, outputs)


def _people(outputs: Outputs) -> None:
    """Log in with a password, and with one that is wrong; make a user with one."""
    body = {"username": "made", "password": CANARIES["made"], "role": "viewer"}
    assert outputs.ask("POST", "/api/users", body).status_code == 201
    for name, password, status in (
        ("made", "made", 200),
        ("sec", "user", 200),
        ("filed", "file", 200),
        ("made", "login", 401),
    ):
        credentials = {"username": name, "password": CANARIES[password]}
        assert outputs.served.visitor.post("/api/auth/login", json=credentials).status_code == status


def _mistakes(served: Any, outputs: Outputs) -> None:
    """Write values where only the names of secrets belong."""
    path, guarded = "/api/resources/service/guarded", declared(served)["service/guarded"]
    tag = served.api("GET", path).headers["etag"]
    for wrong in ({"joe": CANARIES["patched"]}, {"joe": {"secret": CANARIES["patched"], "x": 1}}):
        refused = outputs.ask("PUT", path, guarded | {"basic_auth": wrong}, headers={"If-Match": tag})
        assert refused.status_code == 422, refused.text
    pem = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARIES['pem']}\n-----END OPENSSH PRIVATE KEY-----\n"
    fields = declared(served)["server/far"] | {"key": pem}
    assert outputs.ask("PUT", "/api/resources/server/new", fields, headers={"If-None-Match": "*"}).status_code == 422
    for name in ("plain", "unquoted"):
        text = f"services:\n  wrong:\n    upstream: {served.echo}\n    basic_auth: {{joe: {CANARIES[name]}}}\n"
        file = served.write("wrong.yaml", text if name == "plain" else text.replace("}", ""))
        for words in (("validate",), ("diff", "-vv"), ("diff", "--json"), ("apply", "--yes")):
            assert outputs.run(*words).code == 1
        outputs.ask("GET", "/api/diff")
        outputs.ask("GET", "/api/loop")
        file.unlink()


def read(served: Any, outputs: Outputs) -> None:
    """Ask everything that can be asked, over HTTP and at the command line."""
    for method, path, _ in routes():
        if method == "GET" and path not in ENDLESS:
            for name, value in FILLED.items():
                number = str(number_of("user", "sec")) if path.startswith("/api/users/") else value
                path = path.replace(name, number)
            for kind, name in (("user", "sec"), ("service", "guarded"), ("server", "far")):
                outputs.ask("GET", path.replace("{kind}", kind).replace("{name}", name))
    with served.client.stream("GET", "/api/events", headers={"Last-Event-ID": "0"}) as stream:
        for line in stream.iter_lines():
            outputs.put("GET /api/events", line)
            if "report" in line:
                break
    for words in COMMANDS.split("|"):
        outputs.run(*words.split())


def keep_files(served: Any, outputs: Outputs) -> None:
    """Keep every file below the site, those of the daemons too, but not the file that a secret is read from."""
    for path in served.directory.rglob("*"):
        if path.is_file() and path.name != "word":
            outputs.put(f"file {path.relative_to(served.directory)}", path.read_bytes())
    git = served.program("git", "-C", str(served.desired), "log", "--all", "-p", "--format=%H %an %ae %B")
    assert git.code == 0
    outputs.put("git", git.stdout)


def test_l3_no_output_holds_a_secret(served: Any) -> None:
    declare(served, "root", "admin")
    outputs = Outputs(served)
    with processes(outputs):
        act(served, outputs)
        read(served, outputs)
    keep_files(served, outputs)
    for place in ("GET /api/runs", "conduit audit list", "conduit get user", "file serve.log", "/proc cmdline"):
        assert place in outputs.found
    assert outputs.leaks() == {}
