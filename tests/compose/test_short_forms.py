"""Short and long forms mean the same: written out side by side, and as properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit.compose import short_forms
from conduit.compose.values import duration, size
from tests.compose.kit import Site

PORTS = st.integers(1, 65535)
PROTOCOLS = st.sampled_from(["tcp", "udp", "sctp"])
ADDRESSES = st.ip_addresses()
PARTS = st.from_regex(r"[a-z0-9_][a-z0-9_.-]{0,10}", fullmatch=True)

SAME = {
    "ports": (
        "ports: ['127.0.0.1:8080:80/udp']",
        "ports: [{target: 80, published: 8080, host_ip: 127.0.0.1, protocol: udp}]",
    ),
    "range": ("ports: ['8000-8001:80-81']", "ports: ['8000:80', '8001:81']"),
    "both forms": ("ports: ['80:80', {target: '80', published: 80}]", "ports: ['80:80']"),
    "extended port": ("extends: d\nports: [{target: 80, published: 80}]", "extends: d"),
    "order": ("ports: ['2:2', '1:1', '2:2']", "ports: ['1:1', '2:2']"),
    "any port": ("ports: ['0:80']", "ports: [80]"),
    "volume": ("volumes: ['v:/data:ro']", "volumes: [{type: volume, source: v, target: /data/, read_only: true}]"),
    "bind": ("volumes: ['./x:/x:z']", "volumes: [{type: bind, source: ./y/../x, target: /x, bind: {selinux: z}}]"),
    "anonymous": ("volumes: [/data]", "volumes: [{type: volume, target: /data}]"),
    "consistency": ("volumes: ['./x:/x:cached']", "volumes: ['./x:/x']"),
    "nocopy": ("volumes: ['v:/x:nocopy']", "volumes: [{type: volume, source: v, target: /x, volume: {nocopy: true}}]"),
    "environment": ("environment: [A=1, B=]", "environment: {A: 1, B: ''}"),
    "labels": ("labels: [a=1, b]", "labels: {a: '1', b: }"),
    "depends_on": ("depends_on: [b]", "depends_on: {b: {condition: service_started, required: true}}"),
    "networks": ("networks: [default]", ""),
    "expose": ("expose: ['80-81', 80]", "expose: ['80/tcp', '81']"),
    "devices": ("devices: ['/dev/a']", "devices: [{source: /dev/a, target: /dev/a, permissions: rwm}]"),
    "secrets": ("secrets: [s]", "secrets: [{source: s, target: /run/secrets/s}]"),
    "configs": ("configs: [c]", "configs: [{source: c, target: /c}]"),
    "mode": ("secrets: [{source: s, mode: 0440}]", "secrets: [{source: s, mode: '0440'}]"),
    "ulimits": ("ulimits: {nofile: 10}", "ulimits: {nofile: {soft: 10, hard: '10'}}"),
    "sysctls": ("sysctls: [net.core.somaxconn=1]", "sysctls: {net.core.somaxconn: 1}"),
    "extra_hosts": ("extra_hosts: ['a:1.1.1.1', 'b=::1']", "extra_hosts: {a: 1.1.1.1, b: '[::1]'}"),
    "dns": ("dns: 1.1.1.1", "dns: [1.1.1.1]"),
    "tmpfs": ("tmpfs: /run", "tmpfs: [/run]"),
    "command": ("command: a 'b c'", "command: [a, b c]"),
    "check": ("healthcheck: {test: curl x}", "healthcheck: {test: [CMD-SHELL, curl x]}"),
    "no check": ("healthcheck: {disable: true, interval: 3s}", "healthcheck: {test: [NONE]}"),
    "build": ("build: .", "build: {context: ./, dockerfile: Dockerfile}"),
    "env_file": ("env_file: e.env", "env_file: [{path: ./e.env, required: true}]"),
    "capabilities": ("cap_add: [cap_net_admin, SYS_NICE]", "cap_add: [SYS_NICE, NET_ADMIN, NET_ADMIN]"),
    "memory": ("mem_limit: 1g", "deploy: {resources: {limits: {memory: 1024M}}}"),
    "pull_policy": ("pull_policy: if_not_present", "pull_policy: missing"),
    "restart": ("restart: on-failure:0", "restart: on-failure"),
    "nothing": ("command: null\nports: []\ndeploy: {}", ""),
    "extends": ("extends: b", "extends: {service: b}"),
}


@pytest.mark.parametrize("case", SAME)
def test_two_spellings_are_one_value(case: str, site: Site) -> None:
    site.write("e.env", "E=1\n")
    services = '  b: {image: x, extends: c}\n  c: {image: x}\n  d: {image: x, ports: ["80:80"]}'
    shared = f"{services}\nsecrets: {{s: {{file: s}}}}\nconfigs: {{c: {{file: c}}}}\nvolumes: {{v: }}"
    first, second = (site.service(fields, shared=shared) for fields in SAME[case])
    assert first == second


@given(PORTS, PORTS, ADDRESSES, PROTOCOLS)
def test_a_published_port_keeps_all_its_parts(target: int, host: int, address: Any, protocol: str) -> None:
    written = f"[{address}]" if address.version == 6 else str(address)
    (made,) = short_forms.ports(f"{written}:{host}:{target}/{protocol}")
    assert made == {"target": target, "published": str(host), "protocol": protocol, "host_ip": str(address)}


@given(PORTS, st.integers(0, 50))
def test_a_range_of_ports_is_each_of_them(first: int, more: int) -> None:
    last = min(first + more, 65535)
    made = short_forms.ports(f"{first}-{last}:{first}-{last}")
    assert [(port["target"], port["published"]) for port in made] == [(n, str(n)) for n in range(first, last + 1)]


@given(PARTS, PARTS, st.booleans())
def test_a_short_volume_keeps_name_and_target(name: str, target: str, read_only: bool) -> None:
    made = short_forms.volume(f"{name}:/{target}{':ro' if read_only else ''}")
    assert (made["type"], made["source"], made["target"]) == (
        "bind" if name[0] == "." else "volume",
        name,
        f"/{target}",
    )
    assert made.get("read_only", False) is read_only


@given(st.text(max_size=40))
@pytest.mark.parametrize("read", ["ports", "volume", "device", "exposed", "extra_host", "pair", "published"])
def test_any_text_has_a_long_form_or_is_refused_without_being_shown(read: str, text: str) -> None:
    try:
        getattr(short_forms, read)(text)
    except ValueError as error:
        assert len(text) < 12 or text not in str(error)  # noqa: PT017


@given(st.integers(0, 10**9))
def test_durations_add_their_parts(milliseconds: int) -> None:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    assert duration(f"{minutes}m{seconds}s{rest}ms") == milliseconds


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1m30s", 90_000), ("1.5h", 5_400_000), ("500ms", 500), ("1h0m0.5s", 3_600_500), ("2000us", 2), ("0", 0)],
)
def test_a_duration_is_read_as_go_reads_it(text: str, wanted: int) -> None:
    assert duration(text) == wanted


@pytest.mark.parametrize("text", ["", "1", "m", "1d", "-1s", "1s ", "1e3s", "٣s", "9999999h", 5, None])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1", 1), (1, 1), ("1b", 1), ("1k", 1024), ("1KB", 1024), ("1.5gb", 1610612736), ("64 MiB", 2**26), ("2T", 2**41)],
)
def test_a_size_counts_in_powers_of_1024(text: Any, wanted: int) -> None:
    assert size(text) == wanted


@pytest.mark.parametrize("text", ["", "k", "-1", "1x", "1 0", "9999999999g", True, 1.5])
def test_what_is_no_size_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="size"):
        size(text)
