"""Two declarations that cannot both hold (Y10, Y11) are refused with both places, and mass deletions (Y12) at all."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from attack_world import Attacked

from tests.faults import oracle

UP = "upstream: 10.0.0.9:80"

PAIRS: Mapping[str, tuple[str, str]] = {
    "name": (f"services:\n  same: {{{UP}}}\n", f"services:\n  same: {{{UP}, domain: other.lan}}\n"),
    "domain": (f"services:\n  d1: {{{UP}, domain: d.lan}}\n", f"services:\n  d2: {{{UP}, domain: d.lan}}\n"),
    "case": (f"services:\n  c1: {{{UP}, domain: C.LAN}}\n", f"services:\n  c2: {{{UP}, domain: c.lan}}\n"),
    "dot": (f"services:\n  t1: {{{UP}, domain: t.lan}}\n", f"services:\n  t2: {{{UP}, domain: t.lan.}}\n"),
    "idn": (
        f"services:\n  i1: {{{UP}, domain: bücher.lan}}\n",
        f"services:\n  i2: {{{UP}, domain: xn--bcher-kva.lan}}\n",
    ),
    "alias": (f"services:\n  l1: {{{UP}, aliases: [l.lan]}}\n", f"services:\n  l2: {{{UP}, domain: l.lan}}\n"),
    "label": (f"services:\n  u_u: {{{UP}}}\n", f"services:\n  u-u: {{{UP}}}\n"),
    "path": (
        f"services:\n  p1: {{{UP}, domain: p.lan, dns: false, tls: off, path: /a}}\n",
        f"services:\n  p2: {{{UP}, domain: p.lan, dns: false, tls: off, path: /A/}}\n",
    ),
    "record": (
        "dns_records:\n  r1: {name: r.lan, value: 10.0.0.1}\n",
        "dns_records:\n  r2: {name: R.lan., value: 10.0.0.2}\n",
    ),
    "cname": (
        "dns_records:\n  n1: {name: n.lan, type: CNAME, value: good.home.arpa}\n",
        "dns_records:\n  n2: {name: n.lan, type: TXT, value: x}\n",
    ),
    "expanded": (f"services:\n  e1: {{{UP}}}\n", "dns_records:\n  e1: {name: other.lan, value: 10.0.0.1}\n"),
    "cycle": (f"services:\n  y1: {{{UP}, needs: [service/y2]}}\n", f"services:\n  y2: {{{UP}, needs: [service/y1]}}\n"),
    "variable": ("vars:\n  v: 1\n", "vars:\n  v: 2\n"),
}


def test_y11_both_places_are_told(attacked: Attacked) -> None:
    """All at once where loading goes on; what only expansion sees is asked for alone, with its whole text."""
    early = {"name", "variable"}
    for rows in (early, {"cycle"}, PAIRS.keys() - early - {"cycle"}):
        files = {f"{row}-{side}.yaml": text for row in rows for side, text in zip("ab", PAIRS[row], strict=True)}
        attacked.refuse(files)
        told = attacked.run("diff")
        for row in rows:
            for side in "ab":
                assert f"desired/{row}-{side}.yaml:2:3" in told.stderr, (row, side, told.stderr)
        attacked.clear()


def test_y11_a_reference_to_nothing_is_told_with_its_place_and_the_nearest_name(attacked: Attacked) -> None:
    text = f"services:\n  a: {{{UP}, needs: [service/goood]}}\n  b: {{{UP}, needs: [servce/good]}}\n"
    (nothing, unknown_kind) = attacked.refuse({"needs.yaml": text})
    assert unknown_kind.place.startswith("desired/needs.yaml:3:")
    assert (nothing.code, nothing.place) == ("CND-0302", "desired/needs.yaml:2:37")
    assert 'did you mean "service/good"' in attacked.run("diff").stderr


def test_y10_an_international_name_is_compared_and_served_in_one_form(attacked: Attacked) -> None:
    text = f'services:\n  b: {{upstream: "{attacked.upstream}", domain: bücher.lan.}}\n'
    attacked.write({"idn.yaml": text})
    done = attacked.run("apply", "--yes")
    assert done.code == 0, oracle.told(done)
    assert oracle.visit(attacked.site, "xn--bcher-kva.lan") == oracle.works("echo")
    before = attacked.look()
    for same in ("BüCHER.LAN", "xn--bcher-kva.lan", "XN--BCHER-KVA.lan."):
        attacked.write({"idn.yaml": text.replace("bücher.lan.", same)})
        assert attacked.problems() == []
        assert attacked.engine().plan().changes == ()
    assert oracle.changed(before, attacked.look()) == []


def test_y12_a_tree_that_lost_much_is_not_obeyed(attacked: Attacked) -> None:
    names = [f"r{number}" for number in range(12)]
    text = "dns_records:\n" + "".join(f"  {name}: {{name: {name}.lan, value: 10.0.0.1}}\n" for name in names)
    attacked.write({"records.yaml": text})
    done = attacked.run("apply", "--yes")
    assert done.code == 0, oracle.told(done)
    lost = "".join(text.splitlines(keepends=True)[:-5])
    assert [problem.code for problem in attacked.refuse_plan({"records.yaml": lost})] == ["CND-0401"]
    assert attacked.site.dig("r11.lan") == ["10.0.0.1"]
    for wrong in ("4", "6"):
        ran = attacked.run("apply", "--yes", "--allow-deletes", wrong)
        assert (ran.code, f"use --allow-deletes 5, not {wrong}" in ran.stderr) == (1, True)
    done = attacked.run("apply", "--yes", "--allow-deletes", "5")
    assert done.code == 0, oracle.told(done)
    assert attacked.site.dig("r11.lan") == []


@pytest.mark.parametrize("empty", ["", "# nothing\n", "services: {}\n"])
def test_y12_an_empty_tree_is_not_obeyed(attacked: Attacked, empty: str) -> None:
    good = (attacked.site.desired / "good.yaml").read_bytes()
    problems = attacked.refuse_plan({"good.yaml": empty})
    assert [problem.code for problem in problems] == ["CND-0401"]
    attacked.write({"good.yaml": good})


def test_y12_a_missing_tree_is_not_obeyed(attacked: Attacked) -> None:
    aside = attacked.site.desired.with_name("aside")
    attacked.site.desired.rename(aside)
    try:
        before = attacked.look()
        ran = attacked.run("apply", "--yes", "--allow-deletes", "1000")
        assert (ran.code, "[CND-0118]" in ran.stderr) == (1, True)
        assert attacked.look() == before
    finally:
        aside.rename(attacked.site.desired)
