"""The order of an apply."""

from __future__ import annotations

from msgspec.structs import replace

from conduit.change import Action, Change, Diff, Disturbance, Impact, Origin
from conduit.model import FRAME, Key, Source
from conduit.schedule import awaited, schedule

DOCUMENTS = {"dns", "proxy"}
ORDER = {"docker": 10, "certs": 20, "dns": 30, "proxy": 40}


def change(text: str, provider: str, action: Action = Action.CREATE) -> Change:
    key = Key.parse(text)
    return Change(action, key, provider, Diff(), Origin.PENDING, Source("f", 1), key)


def graph(edges: dict[str, list[str]]) -> dict[Key, tuple[Key, ...]]:
    return {Key.parse(key): tuple(Key.parse(value) for value in values) for key, values in edges.items()}


def names(changes: list[Change], edges: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    rounds = schedule(changes, graph(edges), DOCUMENTS, ORDER)
    return [(step.provider, [str(c.key) for c in step.changes]) for steps in rounds for step in steps]


def test_objects_come_first_then_each_document_once_in_make_before_break_order() -> None:
    changes = [
        change("route/a", "proxy"),
        change("dns/a", "dns"),
        change("cert/a", "certs"),
        change("route/b", "proxy"),
    ]
    assert names(changes, {"route/a": ["cert/a"]}) == [
        ("certs", ["cert/a"]),
        ("dns", ["dns/a"]),
        ("proxy", ["route/a", "route/b"]),
    ]


def test_edges_inside_a_document_do_not_split_it() -> None:
    changes = [change("route/a", "proxy"), change("route/b", "proxy")]
    assert names(changes, {"route/b": ["route/a"]}) == [("proxy", ["route/a", "route/b"])]


def test_a_path_that_leaves_a_document_and_returns_splits_its_commit() -> None:
    changes = [change("route/a", "proxy"), change("cert/b", "certs"), change("route/b", "proxy")]
    edges = {"cert/b": ["route/a"], "route/b": ["cert/b"]}
    assert names(changes, edges) == [("proxy", ["route/a"]), ("certs", ["cert/b"]), ("proxy", ["route/b"])]


def test_two_documents_that_wait_for_each_other_commit_in_parts() -> None:
    changes = [change("dns/a", "dns"), change("dns/b", "dns"), change("route/a", "proxy"), change("route/b", "proxy")]
    edges = {"route/a": ["dns/a"], "dns/b": ["route/b"]}
    assert names(changes, edges) == [("dns", ["dns/a"]), ("proxy", ["route/a", "route/b"]), ("dns", ["dns/b"])]


def together(changes: list[Change], edges: dict[Key, tuple[Key, ...]]) -> list[list[str]]:
    """The providers of each round."""
    return [[step.provider for step in steps] for steps in schedule(changes, edges, DOCUMENTS, ORDER)]


def test_documents_that_only_add_commit_side_by_side() -> None:
    frame = change("frame/proxy", "proxy", Action.UPDATE)
    adding = [change("dns/a", "dns"), change("route/a", "proxy"), frame]
    assert together(adding, {}) == [["dns", "proxy"]]
    for action in (Action.UPDATE, Action.DELETE, Action.ADOPT):
        assert together([*adding, change("route/b", "proxy", action)], {}) == [["dns"], ["proxy"]]
        assert together([*adding, change("dns/b", "dns", action)], {}) == [["dns"], ["proxy"]]


def test_a_document_that_waits_for_another_does_not_commit_beside_it() -> None:
    adding = [change("dns/a", "dns"), change("route/a", "proxy")]
    assert together(adding, {Key("route", "a"): (Key("dns", "a"),)}) == [["dns"], ["proxy"]]


def test_a_name_is_deleted_before_the_site_it_leads_to() -> None:
    changes = [change("route/a", "proxy", Action.DELETE), change("dns/a", "dns", Action.DELETE)]
    for also in ([], [change("route/b", "proxy")], [change("dns/b", "dns")]):
        assert [provider for provider, _ in names([*changes, *also], {})] == ["dns", "proxy"]


def test_deletions_of_objects_are_left_for_after_the_proof() -> None:
    assert names([change("cert/a", "certs", Action.DELETE)], {}) == []


def test_what_stops_goes_last_and_before_what_it_depends_on() -> None:
    """A database was stopped under its application, and both before the proxy stopped sending visitors there."""
    stop = Impact(Disturbance.STOP)
    stopping = [replace(change(text, "docker", Action.UPDATE), impact=stop) for text in ("box/db", "box/web")]
    changes = [*stopping, change("box/new", "docker"), change("route/a", "proxy")]
    assert names(changes, {"box/web": ["box/db"], "box/new": ["box/db"]}) == [
        ("docker", ["box/new"]),
        ("proxy", ["route/a"]),
        ("docker", ["box/web"]),
        ("docker", ["box/db"]),
    ]


def test_a_frame_rides_with_its_document() -> None:
    changes = [change(f"{FRAME}/proxy", "proxy"), change("route/a", "proxy")]
    assert names(changes, {}) == [("proxy", ["frame/proxy", "route/a"])]


def test_equal_inputs_give_equal_orders() -> None:
    changes = [change(f"route/{n}", "proxy") for n in "dbca"]
    assert names(changes, {}) == names(list(reversed(changes)), {})


def waited_for(changes: list[Change], edges: dict[str, list[str]]) -> set[str]:
    return set(map(str, awaited(schedule(changes, graph(edges), DOCUMENTS, ORDER), graph(edges))))


def test_what_a_later_step_depends_on_is_awaited() -> None:
    changes = [change(text, "docker") for text in ("box/db", "box/web", "box/alone")]
    assert waited_for(changes, {"box/web": ["box/db"]}) == {"box/db"}
    assert waited_for([*changes, change("route/a", "proxy")], {"route/a": ["box/web"]}) == {"box/web"}


def test_the_rest_of_a_root_awaits_what_comes_before_and_beside_it_and_not_what_comes_after() -> None:
    root = Key("service", "a")
    cert, box, late, route = (
        replace(change(text, provider), root=root)
        for text, provider in (("cert/a", "certs"), ("box/a", "docker"), ("box/late", "docker"), ("route/a", "proxy"))
    )
    edges = {"box/late": ["route/a"]}
    assert waited_for([cert, box, late, route], edges) == {"cert/a", "box/a", "route/a"}
    assert waited_for([box, replace(box, key=Key("box", "b"))], {}) == set()
