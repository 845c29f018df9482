"""A container behind a proxy is replaced while visitors come: every request is answered."""

from __future__ import annotations

import threading

import pytest

from tests.conftest import Ran
from tests.docker.container_world import Containers, website

SECTION = {"caddy": "routes", "nginx": "vhosts"}
CUT_BY_CADDY = {52, 56}
"""How curl ends when Caddy, which reloads, closes a connection it has just accepted."""


@pytest.fixture
def proxies(proxy: str) -> tuple[str, ...]:
    """The proxy before the container."""
    return (proxy,)


class Visitor(threading.Thread):
    """Asks for the page over new connections until it is told to end, and keeps what it was told."""

    def __init__(self, containers: Containers, proxy: str) -> None:
        super().__init__(daemon=True)
        self.told: list[Ran] = []
        self._containers, self._proxy, self._end = containers, proxy, threading.Event()

    def ask(self) -> Ran:
        """Ask once."""
        return self._containers.site.curl("http://web.home.arpa/", "--no-include", "--fail", proxy=self._proxy)

    def run(self) -> None:
        """Ask again and again."""
        while not self._end.is_set():
            self.told.append(self.ask())

    def stop(self) -> list[Ran]:
        """End, and return everything that was told."""
        self._end.set()
        self.join()
        return self.told


def test_every_visitor_is_answered_while_containers_follow_each_other(containers: Containers, proxy: str) -> None:
    upstream = "upstreams: [{container: web, port: 8080}]"
    route = f"{SECTION[proxy]}:\n  web: {{names: [web.home.arpa], tls: false, {upstream}}}\n"
    visitor, texts, ended = Visitor(containers, proxy), ["one", "two", "three", "four"], {}
    for text in texts:
        containers.declare(containers.own_network, route, web=website(text, delay=0.3))
        containers.apply()
        ended[text] = len(visitor.told)
        assert visitor.ask().stdout.strip() == text
        assert containers.settled()
        if text == "one":
            visitor.start()
    told = visitor.stop()
    failed = [each for each in told if each.code and not (proxy == "caddy" and each.code in CUT_BY_CADDY)]
    assert failed == []
    answers = [each.stdout.strip() for each in told if not each.code]
    assert sorted(set(answers), key=answers.index) == texts
    for number, text in enumerate(texts):
        later = told[ended[text] + 1 :]  # asked after the apply; during it nginx's old workers answer beside the new
        assert {each.stdout.strip() for each in later if not each.code} <= set(texts[number:]), "the old one is gone"
    assert containers.names() == ["web-b"]
