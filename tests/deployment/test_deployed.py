"""Deployments on a real Docker, reached by name through a real proxy, as an outside program sees them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.conftest import Ran, Site

WIKI = """\
deployments:
  wiki:
    env: {TITLE: first}
    compose:
      services:
        web:
          image: sandbox/busybox:1
          command: [httpd, -f, -p, "8080", -h, /srv]
          expose: [8080]
          stop_grace_period: 1s
          configs: [{source: page, target: /srv/index.html}]
          depends_on: [db]
        db:
          image: sandbox/busybox:1
          command: [sleep, "100000"]
          stop_grace_period: 1s
          volumes: ["data:/data"]
      configs: {page: {content: "wiki ${TITLE}"}}
      volumes: {data: }
services:
  wiki: {deployment: wiki, proxy: PROXY}
"""
URL = "https://wiki.home.arpa/"


@pytest.fixture
def wiki(docker_site: Site, proxy: str) -> Site:
    """A site with the deployment wiki behind a proxy, applied."""
    declare(docker_site, proxy)
    applied = docker_site.conduit("apply", "--yes")
    assert applied.code == 0, applied
    return docker_site


def declare(site: Site, proxy: str, *changes: tuple[str, str]) -> None:
    text = WIKI.replace("PROXY", proxy)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    site.write("wiki.yaml", text)


def names(docker: Callable[..., Ran], *words: str) -> set[str]:
    return set(docker("ps", "--format", "{{.Names}}", *words).stdout.split())


def test_a_site_reaches_its_deployment_and_then_nothing_is_left(
    wiki: Site, proxy: str, docker: Callable[..., Ran]
) -> None:
    assert wiki.page(URL, proxy) == (200, "wiki first")
    assert names(docker) == {"wiki-web-1", "wiki-db-1"}
    assert wiki.conduit("diff", "--detailed-exitcode").code == 0
    status = wiki.conduit("status").stdout
    assert [line.split()[:2] for line in status.splitlines()[1:]] == [
        ["deployment/wiki", "passed"],
        ["service/wiki", "passed"],
    ]


def test_a_site_that_is_taken_back_keeps_the_container_it_leads_to(
    wiki: Site, proxy: str, docker: Callable[..., Ran]
) -> None:
    checked = (f"proxy: {proxy}", f"proxy: {proxy}, health: {{path: /}}")
    declare(wiki, proxy, checked)
    assert wiki.conduit("apply", "--yes").code == 0
    declare(wiki, proxy, checked, ("target: /srv/index.html", "target: /srv/other.html"))
    applied = wiki.conduit("apply", "--yes")
    assert (applied.code, "REVERTED" in applied.stdout) == (4, True), applied
    assert wiki.page(URL, proxy) == (200, "wiki first")
    assert names(docker) == {"wiki-web-1", "wiki-db-1"}


def test_a_change_of_one_line_replaces_one_container(wiki: Site, proxy: str, docker: Callable[..., Ran]) -> None:
    db = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "wiki-db-1").stdout
    declare(wiki, proxy, ("TITLE: first", "TITLE: second"))
    plan = wiki.conduit("diff", "--json")
    changed = [change["address"] for change in json.loads(plan.stdout)["resource_changes"]]
    assert changed == ["container/wiki-web-1", {"caddy": "route/wiki", "nginx": "vhost/wiki"}[proxy]]
    assert "desired/wiki.yaml:6" in wiki.conduit("diff").stdout
    assert wiki.conduit("apply", "--yes").code == 0
    assert wiki.page(URL, proxy) == (200, "wiki second")
    assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "wiki-db-1").stdout == db
    assert len(names(docker, "--all")) == 2
    assert wiki.conduit("diff", "--detailed-exitcode").code == 0


def test_stopped_and_running_again(wiki: Site, proxy: str, docker: Callable[..., Ran]) -> None:
    declare(wiki, proxy, ("    env:", "    state: stopped\n    env:"))
    stopped = wiki.conduit("apply", "--yes")
    assert stopped.code == 0, stopped
    assert names(docker) == set()
    assert names(docker, "--all") == {"wiki-web-1", "wiki-db-1"}
    answer = wiki.curl(URL, proxy=proxy).stdout
    assert (answer.split()[1], "wiki is stopped." in answer) == ("503", True)
    assert wiki.conduit("diff", "--detailed-exitcode").code == 0
    assert "passed" in wiki.conduit("status", "deployment/wiki").stdout
    declare(wiki, proxy)
    assert wiki.conduit("apply", "--yes").code == 0
    assert wiki.page(URL, proxy) == (200, "wiki first")


def test_what_is_undeclared_goes_but_its_data_stays(wiki: Site, proxy: str, docker: Callable[..., Ran]) -> None:
    docker("exec", "wiki-db-1", "sh", "-c", "echo kept > /data/file")
    wiki.write("wiki.yaml", "{}")
    gone = wiki.conduit("apply", "--yes", "--allow-deletes", deletions(wiki))
    assert gone.code == 0, gone
    assert names(docker, "--all") == set()
    assert "wiki_default" not in docker("network", "ls").stdout
    assert docker("volume", "ls", "--quiet").stdout.split() == ["wiki_data"]
    declare(wiki, proxy)
    assert wiki.conduit("apply", "--yes").code == 0
    assert docker("exec", "wiki-db-1", "cat", "/data/file").stdout == "kept\n"


def deletions(site: Site) -> str:
    """Return how many deletions a plan holds."""
    changes = json.loads(site.conduit("diff", "--json").stdout)["resource_changes"]
    return str(sum(change["actions"] == ["delete"] for change in changes))


@pytest.mark.parametrize("proxy", ["caddy"])
def test_a_stopped_container_is_drift_and_the_proof_tells(wiki: Site, docker: Callable[..., Ran]) -> None:
    docker("stop", "--time", "0", "wiki-web-1")
    shown = wiki.conduit("status", "deployment/wiki").stdout
    assert "wiki-web-1 is exited" in shown
    assert wiki.conduit("diff", "--detailed-exitcode").code == 3
    assert wiki.conduit("apply", "--yes").code == 0
    assert wiki.conduit("diff", "--detailed-exitcode").code == 0


SECRET = """deployments:
  a:
    env: {PW: {secret: db}}
    compose:
      services:
        a:
          image: sandbox/busybox:1
          command: [sleep, "100000"]
          environment: {URL: "pg://app:${PW}@db/app"}
          secrets: [pw]
          stop_grace_period: 1s
      secrets: {pw: {environment: PW}}
"""


def test_a_secret_reaches_its_container_and_nothing_else(docker_site: Site, docker: Callable[..., Ran]) -> None:
    site, found = docker_site, []
    site.write("a.yaml", SECRET)
    for value in ("opensesame", "letmein"):
        assert site.conduit("secret", "set", "db", input=value).code == 0
        told = [site.conduit(*words) for words in (("diff", "-vv"), ("diff", "--json"), ("apply", "--yes", "-vv"))]
        assert [ran.code for ran in told] == [0, 0, 0], told
        told += [site.conduit(*words) for words in (("journal", "--json"), ("get", "container", "-o", "yaml"))]
        assert not [ran for ran in told if value in ran.stdout + ran.stderr]
        (name,) = names(docker)
        found.append(docker("exec", name, "sh", "-c", "echo $URL; cat /run/secrets/pw").stdout)
        assert site.conduit("diff", "--detailed-exitcode").code == 0
    assert found == [f"pg://app:{value}@db/app\n{value}" for value in ("opensesame", "letmein")]


APPLICATION = """\
services:
  a: {image: "sandbox/busybox:1", command: [sleep, "100000"], env_file: a.env, labels: {v: "${V}"}}
"""


def test_files_beside_a_compose_file_are_evidence(docker_site: Site) -> None:
    site = docker_site
    apps = site.directory / "apps"
    apps.mkdir()
    (apps / "compose.yaml").write_text(APPLICATION)
    (apps / "a.env").write_text("A=1\n")
    (apps / ".env").write_text("V=1\n")
    site.write("a.yaml", "deployments: {a: {file: ../apps/compose.yaml}}\n")
    assert site.conduit("apply", "--yes").code == 0
    for name, text in (("a.env", "A=2\n"), (".env", "V=2\n"), ("compose.yaml", None)):
        assert site.conduit("diff", "--detailed-exitcode").code == 0
        assert site.conduit("diff", "--detailed-exitcode").code == 0
        path = apps / name
        path.write_text(text or path.read_text().replace("100000", "100001"))
        plan = site.conduit("diff", "--detailed-exitcode")
        assert (plan.code, "apps/compose.yaml:2" in plan.stdout) == (2, True), plan
        assert site.conduit("apply", "--yes").code == 0
