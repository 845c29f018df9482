"""The figures of a site for Prometheus, made anew at each scrape of the snapshot and of what is counted elsewhere.

Names, units and types follow https://prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress

from msgspec import Struct
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from conduit import __version__
from conduit.api.desk import Desk
from conduit.change import Origin
from conduit.errors import ConduitError
from conduit.manifests.pulling import behind
from conduit.reconcile.asks import Snapshot
from conduit.reconcile.tally import Tally

Family = CounterMetricFamily | GaugeMetricFamily
Values = Mapping[str, float] | Mapping[tuple[str, str], float] | Mapping[tuple[()], float]
"""Numbers by the value of the label, or by the values of several."""


class Life(Struct, frozen=True):
    """From when to when (epoch) a certificate is good."""

    begun: float
    end: float


class Site(Collector):
    """What a scrape says of one site; `lives` are those of the certificates that are served, by service."""

    def __init__(self, desk: Desk, lives: Mapping[str, Life]) -> None:
        self._desk, self._lives = desk, lives

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        snapshot = self._desk.passes.snapshot
        yield _gauge("conduit_build_info", "The version that runs", {__version__: 1}, "version")
        yield _single("conduit_last_reconcile_timestamp_seconds", "When the last pass ended", snapshot.at)
        yield _single("conduit_suspended", "Whether the loop is suspended", snapshot.suspended is not None)
        yield from self._of_health(snapshot)
        yield from self._of_plan(snapshot)
        yield from self._of_certificates()
        yield from _of_tally(self._desk.passes.tally)
        yield from self._of_git()
        yield from self._of_people()

    def _of_health(self, snapshot: Snapshot) -> Iterator[Metric]:
        states = Counter((key.kind, str(self._desk.watch.of(key).state)) for key in snapshot.desired.roots)
        yield _gauge("conduit_resources", "Declared resources by state", states, "kind", "status")

    def _of_plan(self, snapshot: Snapshot) -> Iterator[Metric]:
        changes, unknown = (snapshot.plan.changes, snapshot.plan.unknown) if snapshot.plan else ((), {})
        none = dict.fromkeys((key.kind for key in snapshot.desired.leaves), 0)
        drift = none | Counter(change.key.kind for change in changes if change.origin in (Origin.DRIFT, Origin.BOTH))
        pending = none | Counter(
            change.key.kind for change in changes if change.origin in (Origin.PENDING, Origin.BOTH)
        )
        yield _gauge("conduit_drift", "Live objects that moved on the host", drift, "kind")
        yield _gauge("conduit_pending", "Live objects that await a change of the manifests", pending, "kind")
        up = dict.fromkeys(self._desk.passes.engine.providers, 1) | dict.fromkeys(unknown, 0)
        yield _gauge("conduit_provider_up", "Whether a daemon could be read", up, "provider")

    def _of_certificates(self) -> Iterator[Metric]:
        begun = {name: life.begun for name, life in self._lives.items()}
        ends = {name: life.end for name, life in self._lives.items()}
        yield _gauge("conduit_certificate_start_seconds", "When what is served began, since 1970", begun, "name")
        yield _gauge("conduit_certificate_expiry_seconds", "When what is served ends, since 1970", ends, "name")

    def _of_git(self) -> Iterator[Metric]:
        """Tell how far the remote is ahead, where manifests are pulled; nothing while that cannot be read."""
        settings = self._desk.settings
        if rules := settings.reconcile.pull:
            with suppress(ConduitError):
                commits = behind(settings.path(settings.desired), rules)
                yield _single("conduit_git_behind_commits", "Fetched commits that are not checked out", commits)

    def _of_people(self) -> Iterator[Metric]:
        desk = self._desk
        yield _single("conduit_event_streams", "Open streams of events", desk.bus.readers)
        checks = {(): desk.door.passwords.checks}
        yield _counter("conduit_password_checks", "Passwords that were checked, right or wrong", checks)
        if sender := desk.notifier.sender:
            unsent = {name: sender.failures[name] for name in desk.settings.notify.channels}
            yield _counter("conduit_notify_failures", "Messages that were not sent", unsent, "channel")


def exposition(desk: Desk, lives: Mapping[str, Life]) -> bytes:
    """Return all figures in the text format; `lives` are those of the certificates that are served, by service."""
    registry = CollectorRegistry()
    registry.register(Site(desk, lives))
    return generate_latest(registry)


def _of_tally(tally: Tally) -> Iterator[Metric]:
    yield _counter("conduit_reconcile", "Passes by how they ended", tally.passes, "result")
    count = tally.passes.total()
    yield SummaryMetricFamily("conduit_reconcile_duration_seconds", "How long passes took", count, tally.seconds)
    yield _counter("conduit_apply", "Applies by how they ended", tally.applies, "result")
    yield _counter("conduit_apply_changes", "Changes that were tried", tally.changes, "kind", "action")


def _counter(name: str, help_text: str, values: Values, *labels: str) -> Metric:
    return _filled(CounterMetricFamily(name, help_text, labels=labels), values)


def _gauge(name: str, help_text: str, values: Values, *labels: str) -> Metric:
    return _filled(GaugeMetricFamily(name, help_text, labels=labels), values)


def _single(name: str, help_text: str, value: float) -> Metric:
    return _gauge(name, help_text, {(): value})


def _filled(family: Family, values: Values) -> Metric:
    for key, number in sorted(values.items()):
        family.add_metric([key] if isinstance(key, str) else list(key), number)
    return family
