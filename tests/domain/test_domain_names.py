"""Names that domains share with each other or with what else is declared, and what of that is an error."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from domain_world import BLOG, SERVICE, desired, refusal

from conduit.claims import CLASH
from conduit.errors import LoadError
from conduit.graph import MISSING
from conduit.model import Key
from conduit.resources.domain_names import TWO_ADDRESSES

TWO = SERVICE + (
    "domains:\n"
    "  blog: {domain: b.home.arpa, service: wiki, aliases: [b.example.com]}\n"
    "  docs: {domain: b.home.arpa, service: wiki, path: /docs, protect: true, www: redirect}\n"
)


def test_domains_of_one_name_share_its_record_and_one_certificate_for_all_their_names(directory: Path) -> None:
    found = desired(directory, TWO)
    certificate, record = (found.leaves[Key(kind, "b.home.arpa")] for kind in ("certificate", "dns_record"))
    assert set(certificate.spec.names) == {"b.home.arpa", "b.example.com", "www.b.home.arpa"}
    for leaf in (certificate, record):
        assert (leaf.parent, leaf.protect, leaf.source.line) == (None, True, 6)
        assert all(leaf.key in found.children[Key("domain", name)] for name in ("blog", "docs"))
    routes = [found.leaves[Key("route", name)].spec for name in ("blog.domain", "docs.domain")]
    assert [route.certificate.key for route in routes] == [certificate.key] * 2
    alone = desired(directory, "\n".join(TWO.splitlines()[:-1]) + "\n").leaves[certificate.key]
    assert (alone.parent, alone.protect) == (Key("domain", "blog"), False)


def test_a_name_that_a_service_answers_keeps_the_services_record(directory: Path) -> None:
    text = SERVICE + "domains:\n  docs: {domain: wiki.home.arpa, service: wiki, path: /docs}\n"
    found = desired(directory, text)
    assert [key.name for key in found.leaves if key.kind == "dns_record"] == ["wiki"]
    assert {key.name for key in found.leaves if key.kind == "route"} == {"wiki", "docs.domain"}


@pytest.mark.parametrize(
    "other",
    [
        "services:\n  there: {upstream: 10.0.1.6:80, address: 10.8.8.8, domain: b.home.arpa, path: /x}\n",
        SERVICE + "domains:\n  there: {domain: b.home.arpa, service: wiki, address: 10.8.8.8, path: /x}\n",
    ],
)
def test_one_name_at_two_addresses_is_an_error_that_names_both(directory: Path, other: str) -> None:
    both = yaml.safe_load(other)
    both.setdefault("services", {})["wiki"] = {"upstream": "10.0.1.5:3000"}
    both.setdefault("domains", {})["blog"] = {"domain": "b.home.arpa", "service": "wiki"}
    with pytest.raises(LoadError) as caught:
        desired(directory, yaml.safe_dump(both, sort_keys=False))
    for problem in caught.value.diagnostics:
        assert problem.code is TWO_ADDRESSES
        assert {"10.8.8.8", "10.9.9.9"} <= set(problem.summary.replace(",", "").split())
        assert "site.yaml:" in problem.hint


@pytest.mark.parametrize(
    "other",
    [
        "services:\n  x: {upstream: 10.0.1.6:80, domain: BLOG.example.com, dns: false}\n",
        "routes:\n  x: {names: [blog.example.com.], tls: false, upstreams: [{address: '10.0.1.6:80'}]}\n",
        "vhosts:\n  x: {names: [blog.example.com], tls: false, upstreams: [{address: '10.0.1.6:80'}]}\n",
        "domains:\n  x: {domain: blog.EXAMPLE.com, redirect: {to: 'https://y.example.com'}}\n",
    ],
)
def test_a_name_in_use_elsewhere_is_an_error_that_names_both_places(directory: Path, other: str) -> None:
    (directory / "desired").mkdir()
    (directory / "desired" / "other.yaml").write_text(other)
    problem = refusal(directory, BLOG + "}\n")
    assert (problem.code, "blog.example.com /" in problem.summary) == (CLASH, True)
    places = f"{problem.source} {problem.hint}"
    assert "other.yaml:2" in places
    assert "site.yaml:6" in places


def test_a_record_of_the_same_name_is_a_clash(directory: Path) -> None:
    text = BLOG + ", dns: true}\ndns_records:\n  x: {name: blog.example.com, value: 10.1.1.1}\n"
    problem = refusal(directory, text)
    assert (problem.code, "domain/blog" in problem.summary + problem.hint) == (CLASH, True)


def test_one_host_in_two_spellings_of_unicode_is_one(directory: Path) -> None:
    text = SERVICE + (
        "domains:\n  one: {domain: Bücher.example, service: wiki}\n"
        "  two: {domain: xn--bcher-kva.example., service: wiki}\n"
    )
    assert refusal(directory, text).code is CLASH


def test_a_service_nobody_declared_is_named_with_the_nearest(directory: Path) -> None:
    problem = refusal(directory, SERVICE + "domains:\n  blog: {domain: b.example.com, service: wikki}\n")
    assert (problem.code, problem.source.line) == (MISSING, 6)
    assert "service/wiki" in problem.hint


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("service: wiki, redirect: {to: 'https://x.example.com'}", "exactly one of"),
        ("aliases: [y.example.com]", "exactly one of"),
        ("service: wiki, aliases: [B.example.com]", "named twice"),
        ("service: wiki, www: both, aliases: [www.b.example.com]", "named twice"),
        ("service: wiki, strip_prefix: true", "strip_prefix needs a path"),
        ("redirect: {to: 'https://x.example.com'}, health: {}", "health means nothing"),
    ],
)
def test_what_makes_no_sense_is_told_at_the_domain(directory: Path, fields: str, words: str) -> None:
    problem = refusal(directory, SERVICE + f"domains:\n  blog: {{domain: b.example.com, {fields}}}\n")
    assert words in problem.summary
    assert problem.source.line == 6


@pytest.mark.parametrize("length", [150, 151])
def test_a_domain_is_at_most_as_long_as_a_file_name_bears(directory: Path, length: int) -> None:
    domain = ".".join(["d" * 60, "e" * 60, "f" * (length - 122)])
    text = SERVICE + f"domains:\n  blog: {{domain: {domain}, service: wiki}}\n"
    if length == 150:
        assert Key("certificate", domain) in desired(directory, text).leaves
    else:
        assert "at most 150" in refusal(directory, text).summary
