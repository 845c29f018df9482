"""What the tests of users share: a site that declares some, and what self.db says to the sqlite3 program."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from tests.conftest import Ran, Site

ADA = "users:\n  ada: {role: admin, email: ada@home.arpa}\n"
BOB = "  bob: {role: viewer}\n"
PASSWORD = "correct horse battery"
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$made-up"


def sql(site: Site, query: str) -> list[Any]:
    """Ask self.db, or meddle with it, as any other program would."""
    with closing(sqlite3.connect(site.directory / "keys" / "self.db")) as connection, connection:
        return connection.execute(query).fetchall()


def apply(site: Site, *words: str, **options: Any) -> Ran:
    return site.conduit("apply", "--yes", *words, **options)


def declare(site: Site, text: str, *words: str) -> Ran:
    """Declare something and make it true."""
    site.write("users.yaml", text)
    done = apply(site, *words)
    assert done.code == 0, done.stdout + done.stderr
    return done


def log_in(site: Site, user: str) -> None:
    """Let a user have a session and a key, as logging in leaves them."""
    sql(site, f"INSERT INTO sessions VALUES ('s-{user}', '{user}', '', 'cookie', 1, 1, 9e9, '', '', 0)")
    sql(site, f"INSERT INTO keys VALUES ('k-{user}','h','{user}','','','','','[]','{{}}','[]',NULL,NULL,'',1,1)")
