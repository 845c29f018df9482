"""self: the users, roles, grants and tasks that conduit itself has, in self.db beside the keys of the site.

What is done at once is one transaction. A row that is there is changed in place, so a user who is declared later keeps
password, second factor and keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar, Final

from conduit.change import Action, Change, Impact, Outcome, Result
from conduit.errors import ConduitError
from conduit.evidence import GONE, Evidence
from conduit.model import Key, Live
from conduit.providers.base import ObjectProvider, Reading
from conduit.providers.self_place import place_of
from conduit.settings import Section

if TYPE_CHECKING:
    from conduit.providers.self_store import SelfStore
    from conduit.providers.self_tables import Tables

    Step = tuple[Key, Action, Callable[[Tables], None]]
    """What is done for one object."""

RELIED_ON: Final = frozenset(("role", "permissions", "active", "password"))
"""The fields that sessions rely on: a change of one ends them."""
NOBODY: Final = Impact()
AGAIN: Final = Impact(note="whoever is logged in logs in again")


class Config(Section):
    """The section `self`: the users of conduit itself, kept in self.db in keys_dir. It has no settings."""


class Self(ObjectProvider):
    """The users, roles, grants and tasks of this conduit. Every site has this provider, with a section or without."""

    name: ClassVar[str] = "self"
    order: ClassVar[int] = 5

    @cached_property
    def store(self) -> SelfStore:
        """The database."""
        from conduit.providers.self_store import open_store

        return open_store(self.settings)

    def read(self) -> Reading:
        """Read everything that can be declared. Raises `Unreadable`."""
        if not place_of(self.settings).exists():
            return Reading({}, GONE, raw={})
        from conduit.providers.self_look import look, version_of
        from conduit.providers.self_objects import live_of

        rows = look(self.store)
        mark, fingerprint = self.site.mark, self.site.fingerprint
        lives = {kind: tuple(live_of(kind, row, mark, fingerprint) for row in found) for kind, found in rows.items()}
        if tasks := rows.get("task"):
            from conduit.providers.self_rows import Beat
            from conduit.providers.self_tasks import SCHEDULER, with_status

            beat = self.store.find(Beat, name=SCHEDULER)
            lives["task"] = with_status(lives["task"], tasks, beat, self.site.now())
        raw = {Key(kind, row.name): row for kind, found in rows.items() for row in found}
        return Reading(lives, version_of(rows), raw=raw)

    def evidence(self, reading: Reading) -> tuple[Evidence, ...]:
        """What was read; logins do not change it."""
        return (Evidence("self", str(place_of(self.settings)), reading.version),)

    def impact(self, change: Change, reading: Reading) -> Impact:
        """Nobody is interrupted, except whose rights change."""
        heads = {field.path.partition(".")[0] for field in change.diff.fields}
        return AGAIN if change.live and heads & RELIED_ON else NOBODY

    def apply(self, changes: Iterable[Change], reading: Reading) -> dict[Key, Outcome]:
        """Make the changes; passwords are hashed before the others have to wait for that."""
        from conduit.providers.self_changes import hash_of, put

        steps: list[Step] = []
        outcomes = {}
        for change in changes:
            try:
                hashed = hash_of(change, self.site)
            except ConduitError as error:
                outcomes[change.key] = Outcome(change.key, change.action, Result.FAILED, _told(error))
            else:
                steps.append((change.key, change.action, partial(put, change, hashed, self.site)))
        return outcomes | self._together(steps)

    def remove(self, lives: Iterable[Live]) -> dict[Key, Outcome]:
        """Delete rows, those of users with their sessions and keys."""
        from conduit.providers.self_changes import delete

        return self._together([(live.key, Action.DELETE, partial(delete, live.key, live.id)) for live in lives])

    def undo(self, changes: Iterable[Change], earlier: Reading) -> dict[Key, Outcome]:
        """Put rows back as they were read before; sessions that ended meanwhile do not come back."""
        from conduit.providers.self_changes import restore

        before = earlier.raw
        return self._together(
            [(each.key, each.action, partial(restore, each.key, before.get(each.key), self.site)) for each in changes]
        )

    def set_password(self, name: str, hashed: str) -> None:
        """Give a user another password, by its hash; every session of before ends. Raises `Unreadable`."""
        from conduit.providers.self_changes import set_password

        with self.store.writing() as tables:
            set_password(name, hashed, self.site, tables)

    def end_sessions(self, name: str) -> int:
        """End every session of a user and return how many there were. Raises `Unreadable`."""
        from conduit.providers.self_changes import end_sessions

        with self.store.writing() as tables:
            return end_sessions(name, tables)

    def _together(self, steps: list[Step]) -> dict[Key, Outcome]:
        """Do everything in one transaction: when that fails, all of it did."""
        if not steps:
            return {}
        result, reason = Result.OK, ""
        try:
            with self.store.writing() as tables:
                for _, _, do in steps:
                    do(tables)
                self.site.fail("self.staged")
            self.site.fail("self.committed")
        except ConduitError as error:
            result, reason = Result.FAILED, _told(error)
        except OSError as error:
            result, reason = Result.FAILED, str(error)
        return {key: Outcome(key, action, result, reason) for key, action, _ in steps}


PROVIDER = Self


def _told(error: ConduitError) -> str:
    first = error.diagnostics[0]
    return f"{first.summary}; {first.hint}" if first.hint else first.summary
