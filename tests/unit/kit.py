"""Two small kinds and a hand-made observation, to test planning without any daemon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from conduit.canonical import canonical
from conduit.change import Impact
from conduit.decide import Observed
from conduit.expand import DeclaredLook, Desired, expand
from conduit.kind import KINDS, Context, Kind
from conduit.look import Written
from conduit.model import Claim, Key, Live, Native, Reading, Ref, Source
from conduit.plan import Plan, Selection, make_plan
from conduit.providers.site_files import SiteFiles
from conduit.settings import Settings
from conduit.spec import Marker, RefTo, Resource, Spec
from conduit.upstreams import rules_of

SETTINGS = Settings.model_validate({"desk": {}, "shop": {}})


class LampSpec(Spec):
    """A leaf of the document `desk`."""

    colour: str = "white"
    watts: int = 5
    labels: dict[str, str] = {}
    room: Annotated[str, Marker.IMMUTABLE] = "study"
    bulb: Annotated[Ref | None, RefTo("bulb", "serial")] = None


class Lamp(Kind[LampSpec]):
    name, plural, spec, provider, adopt = "lamp", "lamps", LampSpec, "desk", "mark"

    def render(self, spec: LampSpec, ctx: Context) -> Native:
        bulb = {"bulb": spec.bulb.value} if spec.bulb else {}
        return {"c": spec.colour, "w": spec.watts, "r": spec.room, **({"l": spec.labels} if spec.labels else {})} | bulb

    def parse(self, native: Native) -> LampSpec | None:
        if set(native) - {"c", "w", "r", "l"}:
            return None
        return LampSpec(colour=native["c"], watts=native["w"], room=native["r"], labels=native.get("l", {}))

    def claims(self, spec: LampSpec) -> Iterable[Claim]:
        return (Claim("spot", (spec.room, spec.colour)),)


class BulbSpec(Spec):
    """A leaf of the store `shop`."""

    size: int = 1


class Bulb(Kind[BulbSpec]):
    name, plural, spec, provider = "bulb", "bulbs", BulbSpec, "shop"

    def render(self, spec: BulbSpec, ctx: Context) -> Native:
        return {"size": spec.size}

    def parse(self, native: Native) -> BulbSpec | None:
        return BulbSpec(size=native["size"])


class RoomSpec(Spec):
    """A composite of one lamp and one bulb."""

    colour: str = "white"


class Room(Kind[RoomSpec]):
    name, plural, spec = "room", "rooms", RoomSpec

    def expand(self, resource: Resource[RoomSpec], look: Any) -> Iterable[Resource[Any]]:
        name, parent = resource.key.name, resource.key
        common = {"source": resource.source, "parent": parent, "needs": resource.needs, "ignore": resource.ignore}
        bulb = Ref(Key("bulb", name), "serial")
        yield Resource(Key("bulb", name), BulbSpec(), **common)
        spec = LampSpec(colour=resource.spec.colour, room=name, bulb=bulb)
        yield Resource(Key("lamp", name), spec, from_={"colour": "colour"}, **common)


TEST_KINDS = {name: KINDS.pop(name) for name in ("lamp", "bulb", "room")}


def resource(text: str, spec: Spec | None = None, line: int = 1, **fields: Any) -> Resource[Any]:
    """A declared resource of `kind/name`."""
    key = Key.parse(text)
    return Resource(key, spec or TEST_KINDS[key.kind].spec(), Source("desired/a.yaml", line, 3), **fields)


def desired(*resources: Resource[Any]) -> Desired:
    declared = {r.key: r for r in resources}
    look = DeclaredLook(SETTINGS, declared, rules_of(SETTINGS), lambda host: (), SiteFiles(), _unwritten)
    return expand(look, TEST_KINDS)


def _unwritten(key: Key) -> Written:
    raise KeyError(key)


def live(text: str, native: Native, **fields: Any) -> Live:
    return Live(Key.parse(text), fields.pop("id", text), native, fields.pop("owned", True), **fields)


def lamp(**fields: Any) -> Native:
    return TEST_KINDS["lamp"].render(LampSpec(**fields), Context(SETTINGS, 0))


def observed(*lives: Live, unreadable: Mapping[str, str] | None = None, **reading: Any) -> dict[str, Observed]:
    """Both providers with these live objects; `unreadable` maps a provider to the reason."""
    reasons = unreadable or {}
    found: dict[str, Observed] = {}
    for name, kind, order in (("desk", "lamp", 40), ("shop", "bulb", 20)):
        own = tuple(each for each in lives if each.key.kind == kind)
        frame = {"frame": {"lamps": len([each for each in own if each.owned])}} if name == "desk" and own else {}
        read = Reading({kind: own}, canonical([list(each.native) for each in own]), **(frame | reading))
        document: dict[str, Any] = {"frame": _frame, "explain_frame": _explain} if name == "desk" else {}
        context = Context(SETTINGS, 0, reading=None if name in reasons else read)
        found[name] = Observed(name, order, context, lambda change: Impact(), reasons.get(name, ""), **document)
    return found


def _frame(blocks: Mapping[Key, Native]) -> Native:
    return {"lamps": len(blocks)}


def _explain(old: Native, new: Native) -> tuple[tuple[str, Any, Any], ...]:
    return (("lamps", (old or {}).get("lamps"), new["lamps"]),)


def plan(
    wish: Desired,
    seen: Mapping[str, Observed],
    applied: Mapping[str, Native] | None = None,
    selection: Selection = Selection(),
    now: float = 0,
) -> Plan:
    """Plan with these last applied natives, None for no records at all."""
    records = None if applied is None else {Key.parse(k): canonical(v) for k, v in applied.items()}
    return make_plan(wish, TEST_KINDS, seen, lambda keys: records, now, selection=selection)
