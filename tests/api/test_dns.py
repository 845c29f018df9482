"""What dnsmasq knows and by whom, as the API tells it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any


def sources(served: Any) -> dict[str, str]:
    return {each["domain"]: each["source"] for each in served.api("GET", "/api/dns").json()["entries"]}


def test_names_are_told_apart_by_who_wrote_them(served: Any) -> None:
    assert served.register("ours")["ok"]
    assert "localhost" not in sources(served), "dnsmasq does not read /etc/hosts here"
    conf = served.directory / "dnsmasq" / "conf.d"
    (conf / "hand.conf").write_text("host-record=hand.home.arpa,10.0.0.77\n")
    (conf / "system.conf").write_text("addn-hosts=/etc/hosts\n")
    daemon = served.daemons["dnsmasq"]
    daemon.stop()
    daemon.start()
    found = sources(served)
    assert (found["ours.home.arpa"], found["hand.home.arpa"], found["localhost"]) == ("conduit", "static", "system")
    table = served.api("GET", "/api/dns").json()["output"]
    assert any(line.split() == ["hand.home.arpa", "10.0.0.77"] for line in table.splitlines())


def test_a_name_nobody_knows_is_told_and_a_wrong_one_refused(served: Any) -> None:
    unknown = served.api("GET", "/api/dns/resolve?domain=nobody.home.arpa").json()
    assert (unknown["ok"], unknown["ip"]) == (False, None)
    refused = served.api("POST", "/api/dns/resolve", {"domain": "a b;c"})
    assert refused.status_code == 422
    assert refused.json()["field"] == "domain"


def test_a_question_without_a_name_is_refused_by_the_field(served: Any) -> None:
    """Regression: a parameter that is missing was 400, as if the request could not be read."""
    for refused in (served.api("GET", "/api/dns/resolve"), served.api("POST", "/api/dns/resolve", {})):
        assert (refused.status_code, refused.json()["field"]) == (422, "domain"), refused.text


def test_a_silent_dnsmasq_is_told_and_not_taken_for_an_empty_one(served: Any) -> None:
    assert served.register("answered")["ok"]
    served.daemons["dnsmasq"].pause()
    try:
        answer = served.api("GET", "/api/dns")
        asked = served.api("POST", "/api/dns/resolve", {"domain": "answered"})
        status = served.api("GET", "/api/status").json()
    finally:
        served.daemons["dnsmasq"].resume()
    assert [each.status_code for each in (answer, asked)] == [503, 503]
    assert [each.json()["code"] for each in (answer, asked)] == ["CND-0701", "CND-0701"]
    assert asked.json()["error"] == "dnsmasq does not answer"
    assert status["dns"] is False


def test_a_name_has_the_time_at_which_it_was_made(served: Any) -> None:
    def entry(name: str) -> Any:
        entries = served.api("GET", "/api/dns").json()["entries"]
        return next(each["created_at"] for each in entries if each["domain"] == name)

    begun = datetime.now(UTC)
    assert served.register("dated")["ok"]
    made = datetime.fromisoformat(entry("dated.home.arpa"))
    assert begun - timedelta(seconds=1) < made < datetime.now(UTC)
    assert served.register("dated", overwrite=True, health_path="/other")["ok"]
    assert datetime.fromisoformat(entry("dated.home.arpa")) == made, "a change makes nothing new"
    assert served.api("DELETE", "/api/services/dated").json()["ok"]
    assert served.register("dated")["ok"]
    assert datetime.fromisoformat(entry("dated.home.arpa")) > made
    conf = served.directory / "dnsmasq" / "conf.d" / "dated.conf"
    conf.write_text("host-record=byhand.home.arpa,10.0.0.78\n")
    assert entry("byhand.home.arpa") is None
    conf.unlink()
