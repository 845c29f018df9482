"""Several domains of one deployment on a real Docker, each for a container port of its own, through each proxy."""

from __future__ import annotations

from tests.conftest import Site

SHOP = """\
deployments:
  shop:
    compose:
      x-page: &page
        image: sandbox/busybox:1
        stop_grace_period: 1s
        configs: [{source: page, target: /srv/index.html}]
      services:
        web: {<<: *page, command: [httpd, -f, -p, "8080", -h, /srv], expose: [8080]}
        api: {<<: *page, command: [httpd, -f, -p, "9000", -h, /srv], expose: [9000]}
      configs: {page: {content: "$TEXT"}}
    env: {TEXT: hello}
domains:
  web: {domain: shop.example.com, deployment: shop, container: web, proxy: PROXY, www: redirect}
  api: {domain: shop.example.com, deployment: shop, container: api, proxy: PROXY, path: /api, strip_prefix: true}
"""


def test_domains_lead_to_the_container_ports_of_one_deployment(docker_site: Site, proxy: str) -> None:
    site, text = docker_site, SHOP.replace("PROXY", proxy)
    site.write("shop.yaml", text)
    done = site.conduit("apply", "--yes")
    assert done.code == 0, done.stdout
    assert "UNPROVEN" not in done.stdout.upper()

    def answer(url: str) -> tuple[str, str]:
        lines = site.curl(url, proxy=proxy).stdout.splitlines()
        return lines[0].split()[1], lines[-1]

    for path in ("/", "/api/", "/api/index.html"):
        assert answer(f"https://shop.example.com{path}") == ("200", "hello")
    assert answer("https://www.shop.example.com/x")[0] == "308"
    assert site.conduit("diff", "--detailed-exitcode").code == 0

    site.write("shop.yaml", text.replace("TEXT: hello", "TEXT: goodbye"))
    changed = site.conduit("apply", "--yes")
    assert changed.code == 0, changed
    assert [answer(f"https://shop.example.com{path}")[1] for path in ("/", "/api/")] == ["goodbye"] * 2

    site.write("shop.yaml", text.replace("    env:", "    state: stopped\n    env:"))
    assert site.conduit("apply", "--yes").code == 0
    assert answer("https://shop.example.com/")[0] == answer("https://shop.example.com/api/")[0] == "503"
