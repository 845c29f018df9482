"""The figures of a site for Prometheus, made from the snapshot at each scrape: nothing is counted twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from conduit import __version__
from conduit.api.desk import Desk
from conduit.change import Origin
from conduit.reconcile.asks import Snapshot


class Site(Collector):
    """What a scrape says of one site."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterable[Metric]:
        """Yield every figure."""
        desk, snapshot = self._desk, self._desk.worker.snapshot
        yield _gauge("conduit_build_info", "The version that runs", "version", {__version__: 1})
        yield _single("conduit_last_reconcile_timestamp_seconds", "When the last pass ended", snapshot.at)
        yield _single("conduit_suspended", "Whether the loop is suspended", snapshot.suspended is not None)
        yield _single("conduit_event_streams", "Open streams of events", desk.bus.readers)
        states = Counter((key.kind, str(desk.watch.of(key).state)) for key in snapshot.desired.roots)
        resources = GaugeMetricFamily("conduit_resources", "Declared resources by state", labels=["kind", "status"])
        for (kind, state), count in sorted(states.items()):
            resources.add_metric([kind, state], count)
        yield resources
        yield from self._of_plan(snapshot)
        ends = {key.name: facts["not_after"] for key, facts in snapshot.facts.items() if "not_after" in facts}
        yield _gauge("conduit_certificate_expiry_seconds", "When a certificate ends, since the epoch", "name", ends)
        passes = CounterMetricFamily("conduit_apply", "Applies by how they ended", labels=["result"])
        for result, count in sorted(desk.worker.results.items()):
            passes.add_metric([result], count)
        yield passes
        checks = CounterMetricFamily("conduit_password_checks", "Passwords that were checked, right or wrong")
        checks.add_metric([], self._desk.door.passwords.checks)
        yield checks

    def _of_plan(self, snapshot: Snapshot) -> Iterable[Metric]:
        changes, unknown = (snapshot.plan.changes, snapshot.plan.unknown) if snapshot.plan else ((), {})
        drift = Counter(change.key.kind for change in changes if change.origin in (Origin.DRIFT, Origin.BOTH))
        pending = Counter(change.key.kind for change in changes if change.origin in (Origin.PENDING, Origin.BOTH))
        yield _gauge("conduit_drift", "Live objects that moved on the host", "kind", drift)
        yield _gauge("conduit_pending", "Live objects that await a change of the manifests", "kind", pending)
        up = dict.fromkeys(self._desk.worker.engine.providers, 1) | dict.fromkeys(unknown, 0)
        yield _gauge("conduit_provider_up", "Whether a daemon could be read", "provider", up)


def exposition(desk: Desk) -> bytes:
    """Return all figures in the text format."""
    registry = CollectorRegistry()
    registry.register(Site(desk))
    return generate_latest(registry)


def _gauge(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for value, number in sorted(values.items()):
        family.add_metric([value], number)
    return family


def _single(name: str, help_text: str, value: float) -> Metric:
    family = GaugeMetricFamily(name, help_text)
    family.add_metric([], value)
    return family
