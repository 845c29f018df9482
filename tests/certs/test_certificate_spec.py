"""The spec of a certificate: what it takes, what it refuses, and that render and parse are inverse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from conduit.kind import Context
from conduit.resources.certificate import Certificate, CertificateSpec
from conduit.settings import Settings

LABEL = st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True).filter(lambda label: label[2:4] != "--")
HOST = st.builds(
    lambda star, labels: star + ".".join(labels), st.sampled_from(["", "*."]), st.lists(LABEL, min_size=2, max_size=4)
)
LIFETIME = st.none() | st.sampled_from(["60s", "90m", "24h", "90d"])
SPECS = st.builds(
    CertificateSpec,
    names=st.lists(HOST, min_size=1, max_size=5),
    consumers=st.lists(st.sampled_from(["caddy", "nginx", "postgres"]), max_size=4),
    lifetime=LIFETIME,
    renew_before=LIFETIME,
)


@given(SPECS)
def test_parse_is_the_inverse_of_render(spec: CertificateSpec) -> None:
    kind = Certificate()
    native = kind.render(spec, Context(Settings(), 0.0))
    assert kind.parse(native) == spec
    assert kind.render(CertificateSpec.model_validate(native), Context(Settings(), 0.0)) == native


@pytest.mark.parametrize(
    "fields",
    [
        {"names": []},
        {"names": ["localhost"]},
        {"names": ["10.0.0.1"]},
        {"names": ["a..b"]},
        {"names": ["*.*.home.arpa"]},
        {"names": ["a.*.home.arpa"]},
        {"names": ["a\nb.home.arpa"]},
        {"names": ["a.home.arpa\x00.evil.test"]},
        {"names": "wiki.home.arpa"},
        {"consumers": ["../etc"]},
        {"lifetime": "59s"},
        {"lifetime": "4000d"},
        {"lifetime": 90},
        {"issuer": "acme"},
        {"key": "rsa"},
    ],
)
def test_what_a_certificate_refuses(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CertificateSpec.model_validate({"names": ["wiki.home.arpa"], **fields})


def test_order_and_spelling_of_names_do_not_matter() -> None:
    one = CertificateSpec.model_validate({"names": ["B.home.arpa", "a.home.arpa.", "a.home.arpa"]})
    assert one.names == ("a.home.arpa", "b.home.arpa")
