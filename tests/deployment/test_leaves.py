"""What an application becomes: each part of it reaches the leaf that stands for it."""

from __future__ import annotations

from typing import Any

import pytest
from deployment_world import Site

from conduit.model import Key, Ref, Secret
from conduit.spec import Resource

SHOP = """\
deployments:
  shop:
    env: {TAG: "1.2"}
    compose:
      services:
        web:
          image: shop/web:${TAG}
          command: [serve]
          environment: {LEVEL: info}
          volumes: [data:/data, ./conf:/conf:ro]
          depends_on:
            db: {condition: service_healthy}
            setup: {condition: service_completed_successfully}
        db:
          image: db
          deploy: {replicas: 2, resources: {limits: {memory: 64m, cpus: "0.5", pids: 50}}}
        setup: {image: setup}
      volumes: {data: }
"""


def only(site: Site, service: str, shared: str = "") -> Resource[Any]:
    """Return the container of an application's only service."""
    text = f"deployments:\n  shop:\n    compose:\n      services:\n        a: {{image: a, {service}}}\n{shared}"
    return site.expand(text)["container/shop-a-1"]


def test_an_application_becomes_images_networks_volumes_and_containers(site: Site) -> None:
    assert list(site.expand(SHOP)) == [
        "network/shop_default",
        "volume/shop_data",
        "image/shop-web",
        "container/shop-web-1",
        "image/shop-db",
        "container/shop-db-1",
        "container/shop-db-2",
        "image/shop-setup",
        "container/shop-setup-1",
    ]


def test_a_container_has_what_its_service_says(site: Site) -> None:
    found = site.expand(SHOP)
    web, db = found["container/shop-web-1"].spec, found["container/shop-db-2"].spec
    assert (web.image, web.command) == (Ref(Key("image", "shop-web"), "id"), ("serve",))
    assert found["image/shop-web"].spec.reference == "shop/web:1.2"
    assert (web.project, web.service, web.number, db.number) == ("shop", "web", 1, 2)
    assert web.environment == {"LEVEL": "info"}
    assert [(mount.type, mount.source) for mount in web.mounts] == [
        ("bind", str(site.directory / "desired/conf")),
        ("volume", "shop_data"),
    ]
    assert web.networks["shop_default"].aliases == ("web",)
    assert (db.memory, db.cpus, db.pids) == (64 * 2**20, 0.5, 50)


def test_leaves_hold_what_was_written_and_no_defaults(site: Site) -> None:
    """A plan shows of a new resource what its spec holds."""
    held = {key: leaf.spec.model_fields_set for key, leaf in site.expand(SHOP).items()}
    about = {"image", "project", "service", "networks"}
    assert held["container/shop-setup-1"] == about | {"state", "number"}
    assert held["container/shop-db-1"] == about | {"memory", "cpus", "pids", "number"}
    assert held["image/shop-db"] == {"reference"}
    assert held["network/shop_default"] == {"project", "alias"}
    assert held["volume/shop_data"] == {"project", "alias"}


def test_dependencies_come_first_under_their_conditions(site: Site) -> None:
    found = site.expand(SHOP)
    web = found["container/shop-web-1"]
    assert web.spec.depends_on == {
        "shop-db-1": "service_healthy",
        "shop-db-2": "service_healthy",
        "shop-setup-1": "service_completed_successfully",
    }
    assert {str(key) for key in web.needs} == {
        "network/shop_default",
        "volume/shop_data",
        "container/shop-db-1",
        "container/shop-db-2",
        "container/shop-setup-1",
    }


def test_what_others_wait_for_to_complete_runs_once(site: Site) -> None:
    states = {key: leaf.spec.state for key, leaf in site.expand(SHOP).items() if leaf.key.kind == "container"}
    assert {key for key, state in states.items() if state == "finished"} == {"container/shop-setup-1"}


def test_a_stopped_deployment_keeps_everything_but_does_not_run(site: Site) -> None:
    found = site.expand(SHOP.replace("    env:", "    state: stopped\n    env:"))
    assert len(found) == len(site.expand(SHOP))
    assert {leaf.spec.state for leaf in found.values() if leaf.key.kind == "container"} == {"stopped"}


def test_each_leaf_tells_the_line_it_was_written_on(site: Site) -> None:
    lines = {key: leaf.source.line for key, leaf in site.expand(SHOP).items()}
    text = SHOP.splitlines()
    assert text[lines["image/shop-web"] - 1].strip() == "image: shop/web:${TAG}"
    assert text[lines["container/shop-db-1"] - 1].strip() == "db:"
    assert lines["volume/shop_data"] == len(text)


def test_what_was_written_around_the_spec_goes_to_every_leaf(site: Site) -> None:
    found = site.expand(SHOP.replace("    env:", "    protect: true\n    needs: [service/x]\n    env:"))
    assert all(leaf.protect and leaf.needs[0] == Key("service", "x") for leaf in found.values())


@pytest.mark.parametrize(
    ("service", "field", "ref"),
    [
        ("network_mode: 'service:b'", "network_of", "shop-b-1"),
        ("pid: 'service:b'", "pid_of", "shop-b-1"),
        ("ipc: 'service:b'", "ipc_of", "shop-b-1"),
    ],
)
def test_a_namespace_of_another_service_is_that_of_its_container(
    site: Site, service: str, field: str, ref: str
) -> None:
    found = only(site, service, "        b: {image: b, ipc: shareable}\n")
    assert getattr(found.spec, field) == Ref(Key("container", ref), "id")
    assert Key("container", ref) in found.needs


def test_external_networks_and_volumes_are_used_by_name_and_not_made(site: Site) -> None:
    found = only(site, "networks: [n], volumes: ['v:/v']", EXTERNAL)
    assert list(found.spec.networks) == ["lan"]
    assert found.spec.mounts[0].source == "archive"
    assert found.needs == ()


EXTERNAL = "      networks: {n: {external: true, name: lan}}\n      volumes: {v: {external: true, name: archive}}\n"


def test_an_external_network_that_another_deployment_makes_comes_first(site: Site) -> None:
    other = "  lan:\n    compose:\n      services: {a: {image: a}}\n      networks: {default: {name: lan}}\n"
    found = only(site, "networks: [n], volumes: ['v:/v']", EXTERNAL + other)
    assert found.needs == (Key("network", "lan"),)


def test_secrets_and_configs_are_files(site: Site) -> None:
    site.write("desired/key.txt", "of a file\n")
    shared = (
        "      secrets: {key: {file: key.txt}, env: {environment: TOKEN}}\n"
        "      configs: {c: {content: 'x=${TOKEN}'}}\n"
        "    env: {TOKEN: {secret: TOKEN}}\n"
    )
    found = only(site, "secrets: [key, env], configs: [{source: c, target: /c, mode: 0400}]", shared).spec.files
    assert {file.target: file.content for file in found} == {
        "/run/secrets/env": Secret("TOKEN"),
        "/run/secrets/key": "of a file\n",
        "/c": ("x=", Secret("TOKEN")),
    }
    assert found[-1].mode == 0o400


def test_a_secret_stays_a_reference_wherever_it_may_be(site: Site) -> None:
    env = "    env: {PW: {secret: DB}}\n"
    found = only(site, "environment: {A: '${PW}', B: 'pg://app:${PW}@db/${NOTHING-app}'}", env)
    assert found.spec.environment == {"A": Secret("DB"), "B": ("pg://app:", Secret("DB"), "@db/app")}


def test_the_deployments_env_comes_before_dotenv(site: Site) -> None:
    site.write("desired/.env", "TAG=old\nPORT=80\n")
    text = 'deployments:\n  a: {env: {TAG: new}, compose: {services: {a: {image: "a:${TAG}", expose: ["${PORT}"]}}}}\n'
    found = site.expand(text)
    assert found["image/a-a"].spec.reference == "a:new"
    assert found["container/a-a-1"].spec.expose == ("80/tcp",)


def test_profiles_switch_services_on(site: Site) -> None:
    text = "deployments:\n  a:\n{}    compose: {{services: {{a: {{image: a}}, b: {{image: b, profiles: [debug]}}}}}}\n"
    assert "container/a-b-1" not in site.expand(text.format(""))
    assert "container/a-b-1" in site.expand(text.format("    profiles: [debug]\n"))


def test_a_file_counts_from_its_manifest(site: Site) -> None:
    site.write("apps/a/compose.yaml", "services: {a: {image: a, volumes: ['./d:/d']}}\n")
    found = site.expand("deployments:\n  a: {file: ../apps/a/compose.yaml}\n")["container/a-a-1"]
    assert found.spec.mounts[0].source == str(site.directory / "apps/a/d")
    assert found.source.file.endswith("apps/a/compose.yaml")


def test_a_restart_that_follows_another_is_a_reference_to_every_replica(site: Site) -> None:
    text = "deployments:\n  a:\n    compose:\n      services:\n        b: {image: b, deploy: {replicas: 2}}\n"
    text += "        a: {image: a, depends_on: {b: {restart: true}, c: {}}}\n        c: {image: c}\n"
    (found, *_) = (leaf for key, leaf in site.expand(text).items() if key == "container/a-a-1")
    assert [followed.container for followed in found.spec.follows] == [
        Ref(Key("container", f"a-b-{number}"), "id") for number in (1, 2)
    ]
    assert site.warnings == []
