"""Services that are refused, and the words and the place in the manifest that it is told with."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from service_world import Table, declared, leaves

from conduit.errors import ConduitError
from conduit.resources import site_leaves
from tests.conftest import Site


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"upstream": "10.0.1.5:80", "upstreams": ["10.0.1.6:80"]},
        {"upstream": "10.0.1.5:80", "redirect": {"to": "https://example.org/"}},
        {"maintenance": False},
        {"upstream": "10.0.1.5:80", "tls": "acme"},
        {"upstream": "10.0.1.5:80", "color": "blue"},
        {"upstream": "10.0.1.5:80", "basic_auth": {}},
        {"upstream": "10.0.1.5:80", "basic_auth": {"ann": "password"}},
        {"upstream": "10.0.1.5:80", "allow": []},
        {"upstream": "169.254.169.254:80"},
        {"upstreams": ["10.0.1.5:80", {"address": "[fe80::1]:80"}]},
        {"upstream": "http://10.0.1.5:80"},
        {"upstream": "10.0.1.5:80", "domain": "аpple.lan"},
        {"upstream": "10.0.1.5:80", "response_headers": {"X": "{env.CONDUIT_KEY}"}},
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declared(**fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"strip_prefix": True}, "strip_prefix needs a path"),
        ({"aliases": ["wiki.home.arpa"]}, "twice"),
        ({"domain": "wiki"}, "write the full name"),
        ({"deny": ["10.0.0.0/8", "10.0.0.0/8"]}, "twice"),
    ],
)
def test_fields_that_contradict_each_other_are_told_at_the_service(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ConduitError, match=words) as caught:
        leaves(declared(upstream="10.0.1.5:80", **fields))
    (problem,) = caught.value.diagnostics
    assert (str(problem.source), problem.code) == ("desired/a.yaml:7:3", site_leaves.BAD_LEAF)


def test_a_name_that_is_too_long_is_told_at_the_service() -> None:
    domain, name = ".".join(["d" * 60] * 4), "n" * 60
    with pytest.raises(ConduitError) as caught:
        leaves(declared(name, upstream="10.0.1.5:80"), Table(internal_domain=domain))
    (problem,) = caught.value.diagnostics
    words = "its name does not fit its DNS record: a domain name has 1 to 253 characters"
    assert (problem.summary, problem.hint) == (f"service/{name}: {words}", "write domain: yourself")


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"domain": "wiki"}, "domain", '"domain" does not fit its DNS record'),
        ({"aliases": ["ok.example", "wiki"]}, "aliases.1", '"aliases" does not fit its DNS record'),
        ({"strip_prefix": True}, "", "it does not fit its route"),
    ],
)
def test_what_fits_no_part_is_told_in_the_words_of_the_manifest(fields: dict[str, Any], field: str, part: str) -> None:
    """It was told in those of the program: "name of its DnsRecordSpec: Value error, ..."."""
    with pytest.raises(ConduitError) as caught:
        leaves(declared(upstream="10.0.1.5:80", **fields))
    (problem,) = caught.value.diagnostics
    assert problem.field == field
    assert problem.summary.startswith(f"service/wiki: {part}: ")
    assert "Value error" not in problem.summary


@pytest.mark.parametrize("field", ["request_headers", "response_headers"])
def test_what_nginx_would_expand_is_an_error_at_its_service(field: str) -> None:
    with pytest.raises(ConduitError, match=r"service/wiki: .* nginx reads as the name of a variable") as refused:
        leaves(declared(upstream="10.0.1.5:80", proxy="nginx", **{field: {"X-A": "$host"}}))
    assert refused.value.diagnostics[0].source is not None


def test_headers_every_proxy_sets_are_refused() -> None:
    with pytest.raises(ValidationError, match="the proxy itself sets X-Forwarded-For"):
        declared(upstream="10.0.1.5:80", request_headers={"X-Forwarded-For": "10.0.0.1"})


def test_a_secret_that_is_not_stored_is_told_with_how_to_store_it(site: Site) -> None:
    """Regression: the apply said only that it is not stored."""
    site.write("web.yaml", 'services:\n  web: {upstream: "127.0.0.1:9", basic_auth: {anna: {secret: door}}}\n')
    site.up()
    done = site.conduit("apply", "--yes")
    assert (done.code, "store it with conduit secret set door" in done.stdout) == (4, True), done
