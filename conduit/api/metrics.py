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


class Site(Collector):
    """What a scrape says of one site."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterable[Metric]:
        """Yield every figure."""
        snapshot, watch = self._desk.worker.snapshot, self._desk.watch
        plan = snapshot.plan
        yield _gauge("conduit_build_info", "The version that runs", "version", {__version__: 1})
        last = GaugeMetricFamily("conduit_last_reconcile_timestamp_seconds", "When the last pass ended")
        last.add_metric([], snapshot.at)
        yield last
        states = Counter((key.kind, str(watch.of(key).state)) for key in snapshot.desired.roots)
        resources = GaugeMetricFamily(
            "conduit_resources", "Declared resources by how they are", labels=["kind", "status"]
        )
        for (kind, state), count in sorted(states.items()):
            resources.add_metric([kind, state], count)
        yield resources
        changes = plan.changes if plan else ()
        drift = Counter(change.key.kind for change in changes if change.origin in (Origin.DRIFT, Origin.BOTH))
        pending = Counter(change.key.kind for change in changes if change.origin in (Origin.PENDING, Origin.BOTH))
        yield _gauge("conduit_drift", "Live objects that moved on the host", "kind", drift)
        yield _gauge("conduit_pending", "Live objects that await a change of the manifests", "kind", pending)
        down = dict.fromkeys(plan.unknown, 0) if plan else {}
        up = dict.fromkeys(self._desk.worker.engine.providers, 1) | down
        yield _gauge("conduit_provider_up", "Whether a daemon could be read", "provider", up)
        ends = {key.name: facts["not_after"] for key, facts in snapshot.facts.items() if "not_after" in facts}
        yield _gauge("conduit_certificate_expiry_seconds", "When a certificate ends, since the epoch", "name", ends)
        streams = GaugeMetricFamily("conduit_event_streams", "Open streams of events")
        streams.add_metric([], self._desk.bus.readers)
        yield streams
        results = self._desk.worker.results
        passes = CounterMetricFamily("conduit_apply", "Applies by how they ended", labels=["result"])
        for result, count in sorted(results.items()):
            passes.add_metric([result], count)
        yield passes


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
