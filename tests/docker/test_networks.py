"""Networks of containers, as Docker's own CLI sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from conduit.change import Action, Result
from conduit.model import Key
from conduit.providers.docker_marks import KEY, MARK, SITE
from conduit.providers.docker_network_form import build, fields
from conduit.resources.network_spec import NetworkSpec, own_network
from tests.conftest import Ran
from tests.engine.conftest import World

Docker = Callable[..., Ran]
FRONT = "networks:\n  front: {%s}\n"
OURS = Key("network", "front")


def range_of(world: World, number: int) -> str:
    """One of the /24 of this worker's own range, without its last number: `10.64.3`."""
    own = ip_network(world.site.settings["docker"]["subnet"])
    return str(list(own.subnets(new_prefix=24))[number]).rpartition(".")[0]


def inspect(docker: Docker, name: str) -> Any:
    return json.loads(docker("network", "inspect", name).stdout)[0]


def declare(world: World, what: str) -> None:
    world.site.write("front.yaml", FRONT % what)


def declare_web(world: World, how: str) -> None:
    """Declare a container in the network; `how` says with which address and names."""
    world.site.write(
        "web.yaml",
        "images:\n  base: {reference: 'sandbox/busybox:1', pull_policy: never}\n"
        "containers:\n  web:\n    image: base\n    command: [sleep, '600']\n    stop_grace_period: 0s\n"
        f"    needs: [network/front]\n    networks: {{front: {{{how}}}}}\n",
    )


def address_of(docker: Docker) -> str:
    """The address that the container was given in the network."""
    return docker("inspect", "--format", "{{.NetworkSettings.Networks.front.IPAMConfig.IPv4Address}}", "web").stdout


def test_a_network_is_made_as_declared(world: World, docker: Docker) -> None:
    declare(world, "internal: true, attachable: true, labels: {team: web}, driver_opts: {com.example: '1'}")
    assert world.apply().exit_code == 0
    made = inspect(docker, "front")
    assert (made["Internal"], made["Attachable"], made["Driver"]) == (True, True, "bridge")
    assert made["Options"] == {"com.example": "1"}
    assert made["Labels"]["team"] == "web"
    assert world.plan().empty


def test_addresses_left_to_docker_are_no_difference(world: World, docker: Docker) -> None:
    declare(world, "")
    assert world.apply().exit_code == 0
    assert inspect(docker, "front")["IPAM"]["Config"]
    assert world.plan().empty


def test_addresses_asked_for_are_had_and_drift_when_they_are_not(world: World, docker: Docker) -> None:
    mine = range_of(world, 0)
    other = range_of(world, 1)
    pool = f"{{subnet: {mine}.0/24, ip_range: {mine}.128/25, gateway: {mine}.1, aux_addresses: {{a: {mine}.9}}}}"
    declare(world, f"ipam: {{config: [{pool}]}}")
    assert world.apply().exit_code == 0
    (had,) = inspect(docker, "front")["IPAM"]["Config"]
    assert had.pop("AuxiliaryAddresses") == {"a": f"{mine}.9"}
    assert had == {"Subnet": f"{mine}.0/24", "IPRange": f"{mine}.128/25", "Gateway": f"{mine}.1"}
    assert world.plan().empty
    labels = inspect(docker, "front")["Labels"]
    assert docker("network", "rm", "front").code == 0
    options = [word for name, text in labels.items() for word in ("--label", f"{name}={text}")]
    assert docker("network", "create", "--subnet", f"{other}.0/24", *options, "front").code == 0
    (drift,) = world.plan().drift
    assert {each.path.split(".")[0] for each in drift.diff.fields} == {"ipam"}
    assert world.apply().exit_code == 0
    assert inspect(docker, "front")["IPAM"]["Config"][0].items() >= had.items()


def test_a_replaced_network_keeps_its_containers_names_and_addresses(
    world: World, docker: Docker, wait_for: Callable[..., Any]
) -> None:
    mine = range_of(world, 0)
    declare(world, f"ipam: {{config: [{{subnet: {mine}.0/24}}]}}")
    declare_web(world, f"ipv4_address: {mine}.7, aliases: [www]")
    assert world.apply().exit_code == 0
    declare(world, f"ipam: {{config: [{{subnet: {mine}.0/24}}]}}, labels: {{a: b}}")
    (change,) = world.changes()
    assert change.action is Action.REPLACE
    assert "web" in change.impact.note
    assert world.apply().exit_code == 0
    joined = json.loads(docker("inspect", "web").stdout)[0]["NetworkSettings"]["Networks"]["front"]
    assert (joined["IPAddress"], joined["NetworkID"]) == (f"{mine}.7", inspect(docker, "front")["Id"])
    look = docker("run", "--rm", "--network", "front", "sandbox/busybox:1", "nslookup", "www")
    assert f"{mine}.7" in look.stdout
    assert world.plan().empty


def test_a_network_that_cannot_be_made_anew_is_put_back(world: World, docker: Docker) -> None:
    mine = range_of(world, 0)
    other = range_of(world, 1)
    declare(world, f"ipam: {{config: [{{subnet: {mine}.0/24}}]}}")
    declare_web(world, f"ipv4_address: {mine}.7")
    assert world.apply().exit_code == 0
    before = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "web").stdout
    assert docker("network", "create", "--subnet", f"{other}.0/24", "theirs").code == 0
    declare(world, f"ipam: {{config: [{{subnet: {other}.0/24}}]}}")
    report = world.apply()
    assert report.exit_code == 4
    assert "overlaps" in report.outcomes[0].reason
    assert [pool["Subnet"] for pool in inspect(docker, "front")["IPAM"]["Config"]] == [f"{mine}.0/24"]
    assert address_of(docker) == f"{mine}.7\n"
    assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", "web").stdout == before
    declare(world, f"ipam: {{config: [{{subnet: {mine}.0/24}}]}}")
    assert world.plan().empty


def test_a_foreign_container_stands_in_the_way_of_a_change(world: World, docker: Docker) -> None:
    declare(world, "")
    assert world.apply().exit_code == 0
    before = inspect(docker, "front")["Id"]
    assert docker("run", "-d", "--name", "theirs", "--network", "front", "sandbox/busybox:1", "sleep", "600").code == 0
    declare(world, "internal: true")
    report = world.apply()
    assert report.exit_code == 4
    assert "theirs" in report.outcomes[0].reason
    assert "docker network disconnect front theirs" in report.outcomes[0].reason
    assert inspect(docker, "front")["Id"] == before
    assert "theirs" in [each["Name"] for each in inspect(docker, "front")["Containers"].values()]


def test_an_undeclared_network_goes_when_it_is_empty(world: World, docker: Docker) -> None:
    declare(world, "")
    assert world.apply().exit_code == 0
    assert docker("create", "--name", "theirs", "--network", "front", "sandbox/busybox:1").code == 0
    (world.site.desired / "front.yaml").unlink()
    report = world.apply(allow_deletes=1)
    assert [each.result for each in report.outcomes] == [Result.SKIPPED]
    assert "theirs" in report.outcomes[0].reason
    assert docker("rm", "theirs").code == 0
    assert world.apply(allow_deletes=1).exit_code == 0
    assert docker("network", "inspect", "front").code != 0


def test_networks_of_others_and_copied_labels_are_left_alone(world: World, docker: Docker) -> None:
    declare(world, "")
    assert world.apply().exit_code == 0
    labels = inspect(docker, "front")["Labels"]
    copied = [word for name in (SITE, KEY, MARK) for word in ("--label", f"{name}={labels[name]}")]
    assert docker("network", "create", *copied, "copied").code == 0
    assert docker("network", "create", "theirs").code == 0
    plan = world.plan()
    assert plan.empty
    assert [live.key.name for live in plan.unmanaged] == ["copied", "theirs"]
    (world.site.desired / "front.yaml").unlink()
    assert world.apply(allow_deletes=1).exit_code == 0
    assert set(docker("network", "ls", "--format", "{{.Name}}").stdout.split()) >= {"copied", "theirs"}


def test_a_foreign_network_of_the_name_is_an_error_that_says_so(world: World, docker: Docker) -> None:
    assert docker("network", "create", "front").code == 0
    declare(world, "")
    report = world.apply()
    assert report.exit_code == 4
    assert "front already exists" in report.outcomes[0].reason
    assert SITE not in inspect(docker, "front")["Labels"]


def test_conduits_own_network_is_split_between_conduit_and_docker(world: World, docker: Docker) -> None:
    own = own_network(world.engine().settings)
    assert own == own_network(world.engine().settings)
    (pool,) = own.spec.ipam.config if own.spec.ipam else ()
    assert pool.subnet == world.site.settings["docker"]["subnet"]


@pytest.mark.parametrize(
    "spec",
    [
        NetworkSpec(),
        NetworkSpec(driver="macvlan", driver_opts={"parent": "eth0"}, internal=True, attachable=True, enable_ipv6=True),
        NetworkSpec(labels={"b": "2", "a": "1"}, project="wiki", alias="front"),
        NetworkSpec.model_validate(
            {"ipam": {"config": [{"subnet": "10.0.0.0/24", "aux_addresses": {"x": "10.0.0.9"}}]}}
        ),
        NetworkSpec.model_validate({"ipam": {"driver": "other", "options": {"a": "b"}}}),
    ],
)
def test_a_spec_comes_back_from_its_form(spec: NetworkSpec) -> None:
    native = build(spec.model_dump())
    assert NetworkSpec.model_validate(fields(native)) == spec


@pytest.mark.parametrize("labels", ["{io.conduit.site: x}", "{com.docker.compose.project: x}", "{'': x}"])
def test_labels_of_conduit_and_compose_cannot_be_declared(world: World, labels: str) -> None:
    declare(world, f"labels: {labels}")
    refused = world.site.conduit("validate")
    assert refused.code == 1
    assert "front.yaml:2" in refused.stderr
