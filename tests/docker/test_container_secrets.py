"""Variables, stored secrets and files of a container: what it is given, and what is shown of it elsewhere."""

from __future__ import annotations

from tests.docker.container_world import SLEEP, Containers


def test_values_of_variables_are_told_apart_and_never_shown(containers: Containers) -> None:
    containers.declare(web=f"{SLEEP}, environment: {{PASSWORD: tr0ub4dor, MODE: fast}}")
    created = containers.site.conduit("apply", "--yes")
    assert created.code == 0, created.stdout
    containers.declare(web=f"{SLEEP}, environment: {{PASSWORD: correct-horse, MODE: fast}}")
    plan = containers.site.conduit("diff")
    assert "environment.PASSWORD" in plan.stdout
    assert "environment.MODE" not in plan.stdout
    told = created.stdout + plan.stdout + containers.site.conduit("diff", "--json").stdout
    assert containers.site.conduit("apply", "--yes").code == 0
    state = [path for path in containers.site.directory.rglob("*") if path.is_file() and "docker" not in path.parts]
    for secret in ("tr0ub4dor", "correct-horse"):
        assert secret not in told
        holding = {path.name for path in state if secret.encode() in path.read_bytes()}
        assert holding <= {"site.yaml", "manifests.json"}  # where it was written, and the copy that is parsed only once


def test_a_stored_secret_reaches_the_container(containers: Containers) -> None:
    assert containers.site.conduit("secret", "set", "db", input="tr0ub4dor").code == 0
    containers.declare(web=f"{SLEEP}, environment: {{URL: ['db://app:', {{secret: db}}, '@db']}}")
    containers.apply()
    assert "URL=db://app:tr0ub4dor@db" in containers.inspect("web")["Config"]["Env"]
    assert containers.settled()
    assert containers.site.conduit("secret", "set", "db", input="changed").code == 0
    assert [each.path for each in containers.change().diff.fields] == ["environment.URL"]


def test_files_are_there_as_asked_for_and_gone_when_unused(containers: Containers) -> None:
    secret = "{target: /run/secrets/key, content: tr0ub4dor, uid: '7', gid: '8', mode: '0400'}"
    containers.declare(web=f"{SLEEP}, files: [{secret}, {{target: /etc/app.conf, content: 'a=1'}}]")
    containers.apply()
    shown = containers.hand(
        "exec", "web", "sh", "-c", "stat -c '%a %u %g' /run/secrets/key /etc/app.conf; cat /etc/app.conf"
    )
    assert shown.splitlines() == ["400 7 8", "444 0 0", "a=1"]
    files = containers.files()
    assert len(files) == 2
    assert "tr0ub4dor" not in containers.hand("inspect", "web")
    assert containers.settled()

    changed = next(path for path in files if path.read_text() == "a=1")
    changed.write_text("a=2")
    assert [each.path for each in containers.change().diff.fields] == ["files.0.content"]
    containers.apply()
    assert containers.hand("exec", "web-b", "cat", "/etc/app.conf") == "a=1"
    assert containers.settled()

    containers.declare()
    containers.apply(allow_deletes=1)
    assert containers.files() == []
