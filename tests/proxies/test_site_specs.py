"""What routes and vhosts have in common: the native form says all of a spec and no more, on either proxy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit.model import Claim, Late
from tests.proxies.site_specs import CADDY, NGINX, SPECS, Proxy

SHAPES = [None, {}, 7, {"http": []}, {"http": {}}, {"http": None}, {"http": {"match": 7}}, {"http": ["location / {"]}]
SHAPES += [{"https": []}, {"names": []}]
both = pytest.mark.parametrize("proxy", [CADDY, NGINX], ids=lambda proxy: proxy.name)


@both
@settings(max_examples=40)
@given(
    data=st.data(),
    https=st.sampled_from([":443", "127.0.0.1:8443"]),
    features=st.sets(st.sampled_from(["named_routes", "stream_close_delay"])),
)
def test_parse_of_render_is_the_spec(proxy: Proxy, data: st.DataObject, https: str, features: set[str]) -> None:
    spec, context = data.draw(SPECS[proxy.name]), proxy.context(https, *features)
    native = proxy.kind.render(spec, context)
    assert proxy.kind.parse(native) == spec
    assert proxy.kind.render(spec, context) == native


@both
@settings(max_examples=40)
@given(data=st.data())
def test_different_specs_differ_natively(proxy: Proxy, data: st.DataObject) -> None:
    one, other = data.draw(SPECS[proxy.name]), data.draw(SPECS[proxy.name])
    natives = [proxy.kind.render(spec, proxy.context()) for spec in (one, other)]
    assert (natives[0] == natives[1]) == (one == other)


@both
def test_a_late_certificate_is_rendered_as_late(proxy: Proxy) -> None:
    late = Late(proxy.certificate.key, proxy.name)
    spec = proxy.spec(names=("a.lan",), redirect={"to": "/x"}, certificate=proxy.certificate.resolved(late))
    assert proxy.kind.render(spec, proxy.context())["certificate"]["files"] is late


@both
def test_claims_are_each_host_with_the_path_in_lower_case(proxy: Proxy) -> None:
    fields = {"names": ("b.lan", "*.a.lan"), "path": "/Admin/", "maintenance": True, "tls": False}
    spec = proxy.spec.model_validate(fields)
    assert spec.path == "/Admin"
    assert set(proxy.kind.claims(spec)) == {Claim("route", (host, "/admin")) for host in spec.names}


@both
@pytest.mark.parametrize("native", SHAPES, ids=str)
def test_a_shape_that_is_no_site_parses_to_nothing(proxy: Proxy, native: Any) -> None:
    assert proxy.kind.parse(native) is None
