"""What a container asks of Docker, said in Docker's words and read back: no daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from conduit.change import Action, Change, Diff, FieldChange, Origin
from conduit.compose.process import Process
from conduit.engine import Engine
from conduit.errors import LoadError
from conduit.kind import Context
from conduit.manifests.settings_file import read_settings
from conduit.model import Fingerprint, Key, Late, Live, Ref, Source
from conduit.resources import load_kinds
from conduit.resources.container_spec import ContainerSpec
from conduit.settings import Settings
from conduit.spec import Resource
from tests.docker.container_specs import FIELDS, specs

KIND = load_kinds()["container"]
CTX = Context(Settings.model_validate({"docker": {}}), now=0, fingerprint=lambda text: f"{sum(text.encode()):016x}")
ASIDE = {
    "image",
    "network_mode",
    "network_of",
    "pid_of",
    "ipc_of",
    "depends_on",
    "serves",
    "dangerous",
    "slot",
    "address",
}


def spec(**fields: Any) -> ContainerSpec:
    return ContainerSpec.model_validate({"image": "web"} | fields)


def sealed(made: ContainerSpec) -> ContainerSpec:
    """A spec with fingerprints in the place of secret values."""
    files = tuple(f.model_copy(update={"content": Fingerprint(CTX.fingerprint(f.content))}) for f in made.files)
    values = {name: Fingerprint(CTX.fingerprint(text)) for name, text in made.environment.items()}
    return made.model_copy(update={"environment": values, "files": files})


def test_every_field_is_generated() -> None:
    assert set(FIELDS) == set(ContainerSpec.model_fields) - ASIDE - {"memswap_limit"}
    assert set(Process.model_fields) <= set(ContainerSpec.model_fields)


@given(specs())
def test_what_is_rendered_parses_back(made: ContainerSpec) -> None:
    native = KIND.render(made, CTX)
    assert KIND.parse(native) == sealed(made)
    assert KIND.render(KIND.parse(native), CTX) == native


@given(specs(), specs())
def test_two_specs_that_differ_are_told_in_their_fields(one: ContainerSpec, other: ContainerSpec) -> None:
    natives = KIND.render(one, CTX), KIND.render(other, CTX)
    if natives[0] != natives[1]:
        diff = KIND.explain(other, natives[1], natives[0], CTX)
        assert diff.fields
        assert {field.path.split(".")[0] for field in diff.fields} <= set(ContainerSpec.model_fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"network_of": "other"},
        {"pid_of": "other", "ipc_of": "other"},
        {"network_mode": "host"},
        {"memory": 64 << 20, "memswap_limit": -1},
        {"memory": 64 << 20, "memswap_limit": 96 << 20},
    ],
    ids=str,
)
def test_what_excludes_other_fields_parses_back_too(fields: dict[str, Any]) -> None:
    made = spec(**fields)
    assert KIND.parse(KIND.render(made, CTX)) == made


def test_a_limit_of_nothing_is_none() -> None:
    assert KIND.render(spec(memory=0, cpus=0, pids=-1, restart="no", memswap_limit=0), CTX) == KIND.render(spec(), CTX)


def test_the_order_of_mounts_and_files_is_no_difference() -> None:
    """What Docker has comes in another order than what is declared; a change beside them was told as theirs."""
    mounts = [{"type": "tmpfs", "target": target} for target in ("/z", "/a")]
    files = [{"target": target, "content": target} for target in ("/y", "/b")]
    live = KIND.render(spec(mounts=mounts[::-1], files=files[::-1], memory=64 << 20), CTX)
    wish = spec(mounts=mounts, files=files, memory=96 << 20)
    diff = KIND.explain(wish, KIND.render(wish, CTX), live, CTX)
    assert [field.path for field in diff.fields] == ["memory"]


def test_the_order_of_whom_it_follows_is_no_difference() -> None:
    live = KIND.render(spec(follows=[{"container": "a"}, {"container": "z"}], memory=64 << 20), CTX)
    wish = spec(follows=[{"container": "z"}, {"container": "a"}], memory=96 << 20)
    diff = KIND.explain(wish, KIND.render(wish, CTX), live, CTX)
    assert [field.path for field in diff.fields] == ["memory"]


def test_values_of_variables_and_files_are_in_no_form_and_no_difference() -> None:
    old = spec(environment={"PASSWORD": "tr0ub4dor"}, files=[{"target": "/run/secrets/key", "content": "tr0ub4dor"}])
    new = spec(environment={"PASSWORD": "correct-horse"}, files=[{"target": "/run/secrets/key", "content": "horse"}])
    live = KIND.render(old, CTX)
    diff = KIND.explain(new, KIND.render(new, CTX), live, CTX)
    assert {field.path for field in diff.fields} == {"environment.PASSWORD", "files.0.content"}
    for text in ("tr0ub4dor", "horse"):
        assert text not in repr((live, diff))


def decided(**fields: Any) -> Resource[ContainerSpec]:
    return Resource(Key("container", "web"), spec(**fields), Source("a.yaml"))


LIVE = Live(Key("container", "web"), "1", KIND.render(spec(), CTX), owned=True, place="web")


@pytest.mark.parametrize(
    ("path", "old", "new", "action"),
    [
        ("memory", 1, 2, Action.UPDATE),
        ("memory", None, 2, Action.REPLACE),
        ("memory", 2, None, Action.REPLACE),
        ("pids", None, 2, Action.UPDATE),
        ("restart", "no", "always", Action.UPDATE),
        ("networks.a.aliases", (), ("x",), Action.UPDATE),
        ("name", "x", "its own", Action.UPDATE),
        ("state", "paused", "running", Action.UPDATE),
        ("state", "failed", "finished", Action.REPLACE),
        ("state", "dead", "running", Action.REPLACE),
        ("labels.a", "1", "2", Action.REPLACE),
        ("environment.A", "1", "2", Action.REPLACE),
        ("protect", True, False, Action.REPLACE),
    ],
)
def test_docker_changes_in_place_what_it_can(path: str, old: Any, new: Any, action: Action) -> None:
    assert KIND.action(decided(), LIVE, Diff((FieldChange(path, old, new),))) is action
    assert (
        KIND.action(decided(), LIVE, Diff((FieldChange(path, old, new), FieldChange("user", "a", "b"))))
        is Action.REPLACE
    )


def test_an_image_that_is_not_there_yet_is_late() -> None:
    late = Late(Key("image", "web"), "id")
    native = KIND.render(spec().model_copy(update={"image": Ref(late.key, "id", late)}), CTX)
    assert native["Image"] == {"Name": "web", "Id": late}


@pytest.mark.parametrize("label", ["io.conduit.mark", "com.docker.compose.project"])
def test_labels_of_conduit_and_compose_cannot_be_declared(label: str) -> None:
    with pytest.raises(ValueError, match="conduit sets itself"):
        spec(labels={label: "x"})


DANGERS = {
    "privileged": "privileged: true",
    "a namespace": "network_mode: host",
    "a capability": "cap_add: [SYS_ADMIN]",
    "a device": "devices: [{source: /dev/sda, target: /dev/sda}]",
    "a protection": "security_opt: ['seccomp=unconfined']",
    "the system": "mounts: [{type: bind, source: /etc, target: /host}]",
    "the engine": "mounts: [{type: bind, source: /var/run/docker.sock, target: /docker.sock}]",
    "a link": "mounts: [{type: bind, source: LINK, target: /host}]",
    "our own keys": "mounts: [{type: bind, source: KEYS, target: /host}]",
}


@pytest.mark.parametrize("what", DANGERS)
def test_what_hands_over_the_host_has_to_be_asked_for(what: str, tmp_path: Path) -> None:
    tmp_path.joinpath("link").symlink_to("/usr")
    tmp_path.joinpath("conduit.yaml").write_text("docker: {}\nkeys_dir: keys\n")
    fields = DANGERS[what].replace("LINK", str(tmp_path / "link")).replace("KEYS", str(tmp_path / "keys"))
    manifest = tmp_path / "desired" / "a.yaml"
    manifest.parent.mkdir()
    images = "images:\n  web: {reference: web}\n"
    manifest.write_text(f"{images}containers:\n  web: {{image: web, {fields}}}\n")
    engine = Engine(read_settings(tmp_path / "conduit.yaml"))
    with pytest.raises(LoadError) as caught:
        engine.load()
    (found,) = caught.value.diagnostics
    assert (found.code.id, found.source.line) == ("CND-1511", 4)
    manifest.write_text(f"{images}containers:\n  web: {{image: web, dangerous: true, {fields}}}\n")
    engine.load()


def test_a_name_too_short_for_docker_is_refused(tmp_path: Path) -> None:
    tmp_path.joinpath("conduit.yaml").write_text("docker: {}\n")
    manifest = tmp_path / "desired" / "a.yaml"
    manifest.parent.mkdir()
    manifest.write_text("images:\n  web: {reference: web}\ncontainers:\n  x: {image: web}\n")
    with pytest.raises(LoadError, match="CND-1512"):
        Engine(read_settings(tmp_path / "conduit.yaml")).load()


def live_in(state: str) -> Live:
    return replace(LIVE, native=LIVE.native | {"State": state}, facts={"id": "1"})


@pytest.mark.parametrize(
    ("live", "wish", "words"),
    [
        (None, "running", "new container, no interruption"),
        (live_in("running"), "stopped", "web stop, as declared"),
        (live_in("stopped"), "running", "starts"),
        (live_in("running"), None, "web stop, for good"),
        (live_in("stopped"), None, "no interruption"),
    ],
)
def test_a_plan_tells_what_stops(live: Live | None, wish: str | None, words: str) -> None:
    want = decided(state=wish) if wish else None
    native = KIND.render(want.spec, CTX) if want else None
    action = Action.CREATE if live is None else Action.UPDATE if want else Action.DELETE
    diff = Diff() if want else Diff(reason="no longer declared")
    change = Change(action, LIVE.key, "docker", diff, Origin.PENDING, Source("a.yaml"), LIVE.key)
    assert str(KIND.impact(replace(change, want=want, native=native, live=live), CTX)) == words
