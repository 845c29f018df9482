"""A site with one certificate store, driven the way the engine drives it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.change import Action, Change, Diff, Origin, Outcome
from conduit.kind import KINDS, Context
from conduit.model import Key, Live, Source
from conduit.providers.base import Reading, Site, open_provider
from conduit.providers.keys import open_keys
from conduit.resources.certificate import CertificateSpec
from conduit.sandbox.machine import wait_for
from conduit.settings import Settings
from conduit.spec import Resource
from conduit.stamps import FRESH_NS

KIND = KINDS["certificate"]
HERE = Source("desired/certificates.yaml", 1, 1)


class Store:
    """One site on disk: read, compare, apply and remove certificates at a time the test sets."""

    def __init__(self, base: Path, **config: Any) -> None:
        self.base, self.now = base, time.time()
        self.masters, self.ca = base / "certs", base / "certs" / "ca"
        self.config = {"dir": str(self.masters), "copies": {n: {"dir": str(base / n)} for n in ("caddy", "nginx")}}
        self.config |= config
        self.settings = Settings(keys_dir=str(base / "keys"), state_dir=str(base / "state"), certs=self.config)
        self.failpoint: Callable[[str], None] = lambda point: None
        self.reopen()

    def reopen(self) -> None:
        """Start anew, as the next run of the program does."""
        keys = open_keys(self.settings)
        site = Site(keys.mark, keys.fingerprint, str, lambda: self.now, lambda point: self.failpoint(point))
        self.provider: Any = open_provider("certs", self.settings, site)

    def read(self) -> Reading:
        return self.provider.read()

    def remember(self) -> None:
        """Read all files, when they are old enough to be known again by what they look like."""
        newest = max(path.stat().st_ctime_ns for path in self.base.rglob("*.pem"))
        wait_for(lambda: time.time_ns() - newest > FRESH_NS, "the files are old enough")
        self.read()

    def lives(self, name: str = "wiki") -> list[Live]:
        return [live for live in self.read().objects["certificate"] if live.key.name == name]

    def live(self, name: str = "wiki") -> Live:
        return self.lives(name)[0]

    def want(self, name: str = "wiki", **fields: Any) -> Resource[CertificateSpec]:
        spec = CertificateSpec.model_validate({"names": [f"{name}.home.arpa"], **fields})
        return Resource(Key("certificate", name), spec, HERE)

    def change(self, want: Resource[CertificateSpec]) -> Change | None:
        """Return what a plan would do about one certificate; None when it is as wished."""
        native, context = KIND.render(want.spec, self.context), self.context
        lives = [live for live in self.lives(want.key.name) if live.owned]
        diffs = [KIND.same(want, native, live, context) for live in lives]
        if None in diffs:
            return None
        action = Action.UPDATE if lives else Action.CREATE
        diff, live = (diffs[0], lives[0]) if lives else (Diff(), None)
        return Change(
            action, want.key, "certs", diff, Origin.UNKNOWN, HERE, want.key, want=want, native=native, live=live
        )

    def apply(self, *wants: Resource[CertificateSpec]) -> dict[Key, Outcome]:
        changes = [change for want in wants if (change := self.change(want))]
        return self.provider.apply(changes, self.read())

    def ensure(self, want: Resource[CertificateSpec]) -> Outcome | None:
        return self.apply(want).get(want.key)

    def differing(self, want: Resource[CertificateSpec]) -> list[str]:
        change = self.change(want)
        return [] if change is None else [field.path for field in change.diff.fields]

    @property
    def context(self) -> Context:
        return Context(self.settings, self.now)

    def file(self, consumer: str = "caddy", name: str = "wiki") -> Path:
        return Path(self.live(name).facts[consumer]["certificate"])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., Store]:
    return lambda **config: Store(tmp_path, **config)


@pytest.fixture
def openssl() -> Callable[..., str]:
    def run(*arguments: object, ok: bool = True) -> str:
        done = subprocess.run(
            ["/usr/bin/openssl", *map(str, arguments)], capture_output=True, text=True, timeout=20, check=False
        )
        assert (done.returncode == 0) is ok, done.stderr + done.stdout
        return done.stdout

    return run
