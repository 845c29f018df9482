"""Applications of real-world shape and what they mean; every expectation is written from the Compose Specification."""

from __future__ import annotations

import pytest

from conduit.compose.application import Application
from conduit.compose.build import Build
from conduit.compose.load import load_file
from conduit.compose.mounts import Content, FileMount, Volume
from conduit.compose.networks import Network
from conduit.errors import LoadError
from tests.compose.kit import ENVIRONMENT, FILES, HERE, bind, of_suite, service, volume


def test_wordpress_waits_for_a_healthy_database() -> None:
    assert of_suite("wordpress") == Application(
        name="blog",
        networks={"default": Network(name="blog_default")},
        volumes={"wordpress": Volume(name="blog_wordpress"), "db": Volume(name="blog_db")},
        services={
            "wordpress": service(
                image="wordpress:6.5-php8.2-apache",
                restart="always",
                depends_on={"mariadb": {"condition": "service_healthy"}},
                ports=[{"target": 80, "published": "8080"}],
                environment={
                    "WORDPRESS_DB_HOST": "mariadb",
                    "WORDPRESS_DB_USER": "wordpress",
                    "WORDPRESS_DB_PASSWORD": "correct horse",
                    "WORDPRESS_DEBUG": "false",
                },
                volumes=[
                    bind(
                        f"{HERE}/wordpress/uploads.ini", "/usr/local/etc/php/conf.d/uploads.ini", read_only=True
                    ).model_dump(exclude_none=True),
                    volume("wordpress", "/var/www/html").model_dump(exclude_none=True),
                ],
            ),
            "mariadb": service(
                image="mariadb:11",
                restart="always",
                environment={
                    "MARIADB_DATABASE": "wordpress",
                    "MARIADB_USER": "wordpress",
                    "MARIADB_PASSWORD": "correct horse",
                    "MARIADB_RANDOM_ROOT_PASSWORD": "1",
                },
                healthcheck={
                    "test": ["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"],
                    "interval": "10s",
                    "timeout": "5s",
                    "retries": 6,
                    "start_period": "90s",
                },
                volumes=[{"type": "volume", "source": "db", "target": "/var/lib/mysql", "volume": {}}],
            ),
        },
    )


def test_prometheus_mounts_configs() -> None:
    app = of_suite("prometheus")
    prometheus, exporter = app.services["prometheus"], app.services["node-exporter"]
    assert prometheus.configs == (
        FileMount(source="prometheus", target="/etc/prometheus/prometheus.yml", mode=0o440),
        FileMount(source="rules", target="/rules"),
    )
    assert app.configs == {
        "prometheus": Content(file=f"{HERE}/prometheus/prometheus.yml"),
        "rules": Content(content="groups: []\n# prometheus\n"),
    }
    assert prometheus.deploy.resources.limits.cpus == 0.5
    assert prometheus.deploy.resources.limits.memory == 512 * 2**20
    assert prometheus.deploy.resources.reservations.memory == 128 * 2**20
    assert prometheus.expose == ("9090/tcp",)
    assert exporter.namespaces() == {"network_mode": "host", "pid": "host"}
    assert exporter.volumes == (bind("/", "/host", read_only=True, bind={"propagation": "rslave"}),)
    assert exporter.networks == {}


def test_vaultwarden_takes_a_secret_from_the_environment() -> None:
    app = of_suite("vaultwarden")
    assert app.services["vaultwarden"] == service(
        image="vaultwarden/server:1.31.0-alpine",
        container_name="vaultwarden",
        restart="unless-stopped",
        user="1000:1000",
        read_only=True,
        cap_drop=["ALL"],
        tmpfs={"/tmp": ""},
        environment={
            "DOMAIN": "https://vault.home.lan",
            "SIGNUPS_ALLOWED": "false",
            "ADMIN_TOKEN_FILE": "/run/secrets/admin_token",
        },
        secrets=[{"source": "admin_token", "target": "/run/secrets/admin_token"}],
        volumes=[bind(f"{HERE}/vaultwarden/vw-data", "/data").model_dump(exclude_none=True)],
        ports=[{"target": 80, "published": "8222", "host_ip": "127.0.0.1"}],
    )
    assert app.secrets == {"admin_token": Content(environment="VW_ADMIN_TOKEN")}


def test_elk_limits_memory_and_processes() -> None:
    elastic = of_suite("elk").services["elasticsearch"]
    limits = elastic.deploy.resources.limits
    assert (limits.memory, limits.cpus, limits.pids) == (2**30, 1.5, 4096)
    assert elastic.deploy.resources.reservations.memory == 512 * 2**20
    assert elastic.memswap_limit == 2 * 2**30
    assert {name: (found.soft, found.hard) for name, found in elastic.ulimits.items()} == {
        "memlock": (-1, -1),
        "nofile": (65536, 65536),
    }
    assert elastic.sysctls == {"net.core.somaxconn": "1024"}
    assert elastic.logging
    assert elastic.logging.options == {"max-size": "50m", "max-file": "3"}
    assert elastic.environment["ES_JAVA_OPTS"] == "-Xms512m -Xmx512m"


def test_matrix_mounts_secrets_where_they_are_wanted() -> None:
    app = of_suite("matrix")
    assert app.services["synapse"].secrets == (
        FileMount(source="signing_key", target="/data/signing.key", uid="991", gid="991", mode=0o400),
        FileMount(source="registration", target="/run/secrets/registration"),
    )
    assert app.secrets["registration"] == Content(file=f"{HERE}/matrix/keys/registration")
    assert app.services["postgres"].command == (
        "postgres",
        "-c",
        "max_connections=200",
        "-c",
        "shared_buffers=256MB",
    )
    assert set(app.networks) == {"default", "matrix"}


def test_an_image_is_built_with_arguments_and_a_target() -> None:
    app = of_suite("image-build")
    api = app.services["api"]
    assert api.build == Build(
        context=f"{HERE}/image-build/api",
        dockerfile="docker/Dockerfile",
        target="production",
        args={"VERSION": "1.25", "DEBUG": "false"},
    )
    assert (api.image, api.platform, api.pull_policy) == ("registry.home.lan/api:dev", "linux/arm64", "missing")
    assert api.deploy.replicas == 3
    assert (app.services["worker"].command, app.services["worker"].entrypoint) == ((), ())
    remote = app.services["remote"].build
    assert remote
    assert remote.context == "https://github.com/example/app.git#main"


def test_secrets_and_configs_come_from_files_and_the_environment() -> None:
    app = of_suite("secrets-files")
    assert app.secrets == {
        "db": Content(file=f"{HERE}/secrets-files/secrets/db.txt"),
        "token": Content(environment="API_TOKEN"),
    }
    assert app.configs == {"app": Content(environment="APP_CONFIG")}
    assert app.services["app"].configs == (FileMount(source="app", target="/etc/app.conf", uid="1000", mode=0o644),)
    assert {file.target for file in app.services["app"].secrets} == {"/run/secrets/db_password", "/run/secrets/token"}


def test_backup_declares_volumes_by_driver_options() -> None:
    app = of_suite("backup")
    assert app.volumes["host"] == Volume(
        name="backup_host", driver="local", driver_opts={"type": "none", "o": "bind", "device": "/"}
    )
    assert app.services["borg"].ipc == "shareable"


def test_limits_may_be_said_twice_when_they_agree() -> None:
    app = of_suite("limits")
    same = app.services["same"].deploy.resources
    assert (same.limits.memory, same.limits.pids, same.reservations.cpus) == (64 * 2**20, 10, 0.25)
    assert app.services["plain"].deploy.resources.limits.memory == 64 * 2**20


def test_every_file_of_the_suite_is_expected_somewhere() -> None:
    names = {path.name for path in FILES.iterdir()}
    assert len(names) >= 25
    told = "".join(path.read_text() for path in FILES.parent.glob("test_applications*.py"))
    assert all(f'"{name}"' in told for name in names)


def test_equal_applications_are_equal_values() -> None:
    first = load_file(FILES / "elk" / "compose.yaml", ENVIRONMENT)
    assert first.application == load_file(FILES / "elk" / "compose.yaml", ENVIRONMENT).application
    with pytest.raises(LoadError):
        load_file(FILES / "keycloak" / "compose.yaml", {})
