"""One-off verbs at the command line: done to a real daemon, written down, and told when they cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.conftest import Site

TEXT = """services:
  wiki: {upstream: "%s"}
users:
  ada: {role: admin}
"""


def served_serial(site: Site) -> str:
    """The serial of the certificate that stands live, as conduit get tells it."""
    (found,) = json.loads(site.conduit("get", "certificate/wiki", "--json").stdout)["objects"]
    return str(found["native"]["serial"] if "serial" in found["native"] else found["status"]["serial"])


def test_a_rotated_certificate_is_another_one_after_the_next_apply(site: Site, upstream: Callable[..., Any]) -> None:
    site.write("a.yaml", TEXT % upstream().address)
    assert site.conduit("apply", "--yes").code == 0
    before = served_serial(site)
    done = site.conduit("operate", "rotate", "certificate/wiki")
    assert (done.code, done.stdout.startswith("rotate certificate/wiki ok: revoked ")) == (0, True)
    waiting = site.conduit("diff", "--detailed-exitcode")
    assert (waiting.code, "DRIFT" in waiting.stdout) == (2, False), "nobody moved the host"
    assert site.conduit("apply", "--yes").code == 0
    assert served_serial(site) != before
    assert "rotate" in site.conduit("journal").stdout


def test_the_cache_of_dnsmasq_is_emptied(site: Site, check_document: Callable[[Mapping[str, Any]], None]) -> None:
    site.write("a.yaml", "dns_records:\n  one: {name: one.home.arpa, value: 10.0.0.1}\n")
    assert site.conduit("apply", "--yes").code == 0
    told = json.loads(site.conduit("operate", "flush", "dnsmasq", "--json").stdout)
    check_document(told)
    assert (told["verb"], told["outcome"]["result"]) == ("flush", "ok")


def test_what_cannot_be_done_is_told_before_anything_is(site: Site) -> None:
    site.write("a.yaml", TEXT % "10.0.0.1:80")
    for words, code, said in (
        (("flush", "nginx"), 64, 'conduit.yaml names no "nginx"'),
        (("flush", "nothing/x"), 64, "no daemon of conduit.yaml has a nothing"),
        (("spin", "dnsmasq"), 1, "there are: flush"),
        (("rotate", "certificate/wiki"), 1, "there is no live certificate/wiki"),
    ):
        done = site.conduit("operate", *words)
        assert (done.code, said in done.stderr) == (code, True), done


def test_a_password_is_not_set_by_an_operation(site: Site) -> None:
    site.write("a.yaml", "users:\n  ada: {role: admin}\n")
    assert site.conduit("apply", "--yes").code == 0
    done = site.conduit("operate", "password", "user/ada")
    assert (done.code, "CND-0583" in done.stderr) == (1, True), done
