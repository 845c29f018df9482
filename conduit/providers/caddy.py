"""Caddy, by its admin API: one read of the whole configuration, one conditional write, read back.

Writes go to `/config/` with `If-Match`, never to `/load`, which ignores it. Nothing is written when nothing differs:
a changed write costs a reload, an identical one costs a needless risk.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

from pydantic_core import to_json

from conduit.change import Change, Disturbance, Impact
from conduit.dialect.collector import collector_paused
from conduit.errors import Refused, RollbackFailed, Stale, Unreadable
from conduit.evidence import Evidence, of_inode
from conduit.model import Key, Live, Native
from conduit.providers import caddy_checks
from conduit.providers.base import DocumentProvider, Reading, Site
from conduit.providers.caddy_admin import Admin, AdminError
from conduit.providers.caddy_compose import Composer, Document
from conduit.providers.caddy_config import Config as Config
from conduit.providers.caddy_document import Content, Keyring
from conduit.providers.caddy_marks import FALLBACK
from conduit.providers.caddy_reader import Reader
from conduit.providers.caddy_refusal import explain_refusal, moved, not_restored
from conduit.providers.caddy_upstreams import NAMED_ROUTES, shares
from conduit.settings import Settings

NOBODY_THERE: Final = {"handle": [{"handler": "static_response", "status_code": 404}]}
"""The last route of each server of ours: without it, Caddy answers 200 for a host or path nobody declared."""

LOST_REPLY_SECONDS = 3.0
"""How long a write whose reply was lost may still take effect."""


class Caddy(DocumentProvider[Document]):
    """The routes, servers and certificate entries of one Caddy."""

    name = "caddy"
    order = 40

    def __init__(self, config: Config, settings: Settings, site: Site) -> None:
        super().__init__(config, settings, site)
        self.admin = Admin(config.admin)
        self.program = settings.path(config.program) if config.program else None
        self.keys = Keyring(site.mark, site.fingerprint)
        self._reader = Reader(self.admin, self.keys, lambda: caddy_checks.version(self.program, self.settings))

    def read(self) -> Reading:
        """Read the whole configuration with one GET. Raises `Unreadable`."""
        return self._reader.read()

    def evidence(self, reading: Reading) -> tuple[Evidence, ...] | None:
        """The whole configuration as it came, and the binary while it still has the features the plan counted on."""
        found = Evidence("caddy", self.config.admin, reading.version)
        if not self.program:
            return (found,)
        program = of_inode(self.program)
        version = self._reader.version()
        same = caddy_checks.features(version) == reading.features and not caddy_checks.version_warnings(version)
        return (found, program) if same and self.program.is_absolute() else None

    def frame(self, blocks: Mapping[Key, Native]) -> Native:
        """Return our servers' settings, each only while a block needs it; None without any."""
        common: dict[str, Any] = {"automatic_https": {"disable": True}, FALLBACK: NOBODY_THERE}
        servers: dict[str, Any] = {}
        if any("https" in native for native in blocks.values()):
            servers["https"] = {"listen": list(self.config.https), **common, "tls_connection_policies": [{}]}
        if any("http" in native for native in blocks.values()):
            servers["http"] = {"listen": list(self.config.http), **common}
        for part, server in servers.items():
            if any(part in native and shares(native[part]) for native in blocks.values()):
                server["named_routes"] = NAMED_ROUTES
        return {**servers, "disorder": []} if servers else None

    def explain_frame(self, live: Native, want: Native) -> tuple[tuple[str, Any, Any], ...]:
        """Return the differing server settings, and what is out of order."""
        return tuple(_differences("", live or {}, want or {}))

    def compose(self, reading: Reading, blocks: Mapping[Key, Native], protected: Collection[Key] = ()) -> Document:
        """Return the configuration with these blocks, everything foreign as it was read. Raises `Refused`."""
        composer = Composer(self.keys, self.site.secret, self.config.admin, self.frame)
        with collector_paused():
            return composer.compose(reading.raw.config, reading.raw.content, blocks, protected)

    def validate(self, document: Document) -> None:
        """Check that Caddy could open every certificate file and every new listener. Raises `Refused`."""
        caddy_checks.check_files(document, self.config.user)
        caddy_checks.check_listeners(document)

    def trial(self, document: Document) -> None:
        """Let the Caddy binary check the document, when settings name one. Raises `Refused`."""
        self.validate(document)
        if self.program:
            caddy_checks.dry_run(document, self.program)

    def proven(self, document: Document) -> Mapping[str, tuple[Live, ...]]:
        """What the sent configuration was found to hold is what is read when the same comes back."""
        return document.content.objects

    def commit(self, document: Document, reading: Reading) -> Reading:
        """Send the document over the configuration that was read, and return what Caddy then has."""
        if document.config == reading.raw.config:
            return reading
        return self._write(document, reading)

    def restore(self, earlier: Reading, reading: Reading) -> Reading:
        """Put back an earlier configuration."""
        config = self._guarded(earlier)
        content: Content = earlier.raw.content
        return self.commit(Document(config, to_json(config), earlier.owned(), lambda: content), reading)

    def _guarded(self, reading: Reading) -> dict[str, Any]:
        """Return a configuration as it was read, with the admin block that keeps the endpoint where it is."""
        return {"admin": {"listen": self.config.admin}, **(reading.raw.config or {})}

    def impact(self, change: Change, reading: Reading) -> Impact:
        """A changed configuration is one reload, however many routes change."""
        return _reload(sum(map(len, reading.objects.values())), "stream_close_delay" in reading.features)

    def check(self) -> Iterable[str]:
        """Yield what `conduit doctor` should say about this Caddy."""
        return caddy_checks.findings(self.config.admin, self._reader.version(), self.admin)

    def _write(self, document: Document, reading: Reading) -> Reading:
        self._require_unmoved(reading)
        self.site.fail("caddy.commit.before")
        if any(True for _ in reading.ours()):
            time.sleep(self.breath)
        try:
            reply = self.admin.post(document.body, reading.raw.etag, lambda: self._sent(document))
        except AdminError as error:
            return self._resolve(document, reading, str(error))
        if reply.status == 412:
            raise Stale(moved())
        if reply.status != 200:
            self._require_old(reading)
            raise explain_refusal(reply.body, document, self.keys.sign)
        self._require_wanted(document, reading)
        after = self._reader.read(document)
        if after.raw.config != document.config:
            self._put_back(reading, after)
            raise explain_refusal(b"it loaded something else than was sent", document, self.keys.sign)
        self.site.fail("caddy.commit.after")
        return after

    def _sent(self, document: Document) -> None:
        """Find out what a document holds, while Caddy loads it."""
        self.site.fail("caddy.commit.sent")
        with suppress(Refused), collector_paused():
            _ = document.content

    def _require_wanted(self, document: Document, reading: Reading) -> None:
        """Put back what was before a loaded document that does not hold what was wanted. Raises `Refused` then."""
        try:
            _ = document.content
        except Refused:
            self._put_back(reading, self.read())
            raise

    def _require_unmoved(self, reading: Reading) -> None:
        """Caddy before 2.7 sends its tag where it cannot be read; there the state itself is compared, just before."""
        if not reading.raw.etag and self.read().version != reading.version:
            raise Stale(moved())

    def _resolve(self, document: Document, reading: Reading, why: str) -> Reading:
        """Find out by reading what became of a write whose reply was lost; Caddy may still be at it."""
        deadline = time.monotonic() + LOST_REPLY_SECONDS
        while True:
            after = self.read()
            if after.raw.config == document.config:
                self._require_wanted(document, reading)
                return after
            if after.version != reading.version:
                raise Stale(moved())
            if time.monotonic() > deadline:
                raise self._reader.unreadable(f"it did not take the new configuration: {why}")
            time.sleep(0.05)

    def _require_old(self, reading: Reading) -> None:
        """After a refusal the admin endpoint must answer where it did, with the configuration from before."""
        try:
            after = self.read()
        except Unreadable as error:
            raise RollbackFailed(not_restored(f"after a refusal {error.diagnostics[0].summary}")) from error
        if after.version != reading.version:
            self._put_back(reading, after)

    def _put_back(self, reading: Reading, after: Reading) -> None:
        """Restore the configuration from before a write, unless somebody wrote once more since. Raises otherwise."""
        config = self._guarded(reading)
        try:
            reply = self.admin.post(to_json(config), after.raw.etag)
        except AdminError as error:
            raise RollbackFailed(not_restored(str(error))) from error
        if reply.status == 412:
            raise Stale(moved())
        if reply.status != 200 or self.read().raw.config != config:
            raise RollbackFailed(not_restored(f"Caddy answers {reply.status}"))


@lru_cache(maxsize=1)
def _reload(routes: int, streams_stay: bool) -> Impact:
    note = "closes idle connections" + ", websockets stay" * streams_stay
    return Impact(Disturbance.RELOAD, "caddy", round(0.02 + 6e-5 * routes, 2), note)


def _differences(path: str, live: Any, want: Any) -> Iterator[tuple[str, Any, Any]]:
    if live == want:
        return
    if isinstance(live, dict) and isinstance(want, dict):
        for name in [*live, *(name for name in want if name not in live)]:
            yield from _differences(f"{path}.{name}".lstrip("."), live.get(name), want.get(name))
    else:
        yield path, live, want


PROVIDER = Caddy
