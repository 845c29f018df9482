"""The figures for Prometheus, and what packaging/ makes of them: alerts and a dashboard."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_world import make_served

from conduit.sandbox.machine import free_port, wait_for
from tests.conftest import ROOT, Ran, run_program

RULES = ROOT / "packaging" / "prometheus" / "conduit.rules.yml"
DASHBOARD = ROOT / "packaging" / "grafana" / "conduit.json"
PROMISED = {
    "conduit_reconcile_total": {"result"},
    "conduit_reconcile_duration_seconds": set(),
    "conduit_last_reconcile_timestamp_seconds": set(),
    "conduit_resources": {"kind", "status"},
    "conduit_drift": {"kind"},
    "conduit_pending": {"kind"},
    "conduit_apply_total": {"result"},
    "conduit_apply_changes_total": {"kind", "action"},
    "conduit_certificate_expiry_seconds": {"name"},
    "conduit_provider_up": {"provider"},
    "conduit_git_behind_commits": set(),
    "conduit_suspended": set(),
    "conduit_notify_failures_total": {"channel"},
    "conduit_build_info": {"version"},
}
"""The names that others build on, with their labels."""
GIT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


@pytest.fixture(scope="module")
def measured() -> Iterator[Any]:
    """A site that pulls what nobody signed, tells a channel that is not there, and serves a certificate."""
    settings = {
        "notify": {"channels": {"nowhere": {"url": f"json://127.0.0.1:{free_port()}/"}}},
        "reconcile": {"interval": 1, "pull": {"interval": 1, "allowed_signers": "signers"}},
    }
    with make_served(sections=settings) as site:
        assert site.register("measured")["ok"]
        follow(site)
        site.move_record("127.0.0.1", "127.0.0.9")
        broken = site.write("broken.yaml", "dns_records: {two: {}}\n")
        wait_for(lambda: value(site, 'conduit_reconcile_total{result="failed"}'), "a pass fails")
        wait_for(lambda: value(site, 'conduit_notify_failures_total{channel="nowhere"}'), "a message is not sent")
        broken.unlink()
        wait_for(lambda: value(site, "conduit_git_behind_commits") == 1, "the unsigned commit stays behind")
        yield site


def follow(site: Any) -> None:
    """Put the manifests under git, with a remote that is one unsigned commit ahead."""
    (site.directory / "signers").write_text("")
    origin = site.directory.parent / "origin.git"

    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@home.arpa")
        assert run_program("git", *who, *words, cwd=site.directory, env=os.environ | GIT).code == 0

    git("init", "--quiet", "--initial-branch", "main")
    git("add", "desired")
    git("commit", "--quiet", "--message", "first")
    git("remote", "add", "origin", str(origin))
    git("commit", "--quiet", "--allow-empty", "--message", "not signed")
    git("clone", "--quiet", "--bare", str(site.directory), str(origin))
    git("reset", "--quiet", "--soft", "HEAD~1")


def exposed(site: Any) -> str:
    return str(site.api("GET", "/metrics").text)


def value(site: Any, sample: str) -> float | None:
    """Return the value of one sample, None when it is not told."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", exposed(site), re.MULTILINE)
    return float(found[1]) if found else None


def samples(text: str) -> dict[str, set[str]]:
    """Return the label names of every sample there is, by its name."""
    found: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.MULTILINE):
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    return found


def asked_for(expression: str) -> dict[str, set[str]]:
    """Return the metrics an expression reads, with the labels it selects by."""
    pairs = re.findall(r"\b(conduit_[a-z_]+)(?:\{([^}]*)\})?", expression)
    return {name: set(re.findall(r"(\w+)\s*[=!]", labels)) for name, labels in pairs}


def promtool(*words: str, **options: Any) -> Ran:
    return run_program("promtool", *words, **options)


def test_every_promised_metric_is_served_with_its_labels(measured: Any) -> None:
    text = exposed(measured)
    found = samples(text)
    assert {name: found.get(name, found.get(f"{name}_count")) for name in PROMISED} == PROMISED
    assert 'conduit_provider_up{provider="caddy"} 1.0' in text


def test_metrics_count_what_happens(measured: Any) -> None:
    created = 'conduit_apply_changes_total{action="create",kind="route"}'
    before, passes = value(measured, created) or 0, value(measured, "conduit_reconcile_duration_seconds_count") or 0
    assert measured.register("counted")["ok"]
    assert value(measured, created) == before + 1
    assert (value(measured, "conduit_reconcile_duration_seconds_count") or 0) > passes
    wait_for(lambda: value(measured, 'conduit_resources{kind="service",status="up"}') == 2, "both are up")


def test_the_end_of_a_certificate_is_that_of_the_one_that_is_served(measured: Any) -> None:
    certificate = next(each for each in measured.api("GET", "/api/tls").json()["certs"] if each["name"] == "measured")
    shown = run_program("openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", input=certificate["pem"])
    told = value(measured, 'conduit_certificate_expiry_seconds{name="measured"}')
    read = run_program("date", "--utc", "--date", shown.stdout.strip().partition("=")[2], "+%s")
    assert told == float(read.stdout)


def test_prometheus_finds_no_fault_with_the_metrics(measured: Any) -> None:
    checked = promtool("check", "metrics", input=exposed(measured))
    assert (checked.code, checked.stdout, checked.stderr) == (0, "", "")


def test_every_alert_and_every_panel_reads_metrics_that_are_served(measured: Any) -> None:
    served = samples(exposed(measured))
    rules = [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    panels = [target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]]
    for expression in (*rules, *panels):
        wanted = asked_for(expression)
        assert wanted, expression
        for name, labels in wanted.items():
            assert name in served, expression
            assert labels <= served[name], expression


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    checked = promtool("check", "rules", str(RULES))
    assert checked.code == 0, checked
    cases = Path(__file__).parent / "alerts.yaml"
    tried = promtool("test", "rules", str(cases), cwd=RULES.parent, timeout=170)
    assert tried.code == 0, tried
    names = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    told = {
        each["alertname"] for case in yaml.safe_load(cases.read_text())["tests"] for each in case["alert_rule_test"]
    }
    assert told == names
