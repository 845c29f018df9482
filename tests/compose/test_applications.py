"""Applications of real-world shape and what they mean; every expectation is written from the Compose Specification."""

from __future__ import annotations

from typing import Any

import pytest

from conduit.compose.application import Application
from conduit.compose.build import Build
from conduit.compose.load import load_file
from conduit.compose.mounts import Content, Device, FileMount, Mount, Volume
from conduit.compose.networks import Attachment, Ipam, Network, PublishedPort
from conduit.compose.service import Dependency, Service
from conduit.errors import LoadError
from tests.compose.kit import ENVIRONMENT, FILES, of_suite

HERE = str(FILES)


def service(**fields: Any) -> Service:
    """Return a service; it is on the default network unless it says otherwise."""
    return Service.model_validate({"networks": {} if "network_mode" in fields else {"default": {}}} | fields)


def bind(source: str, target: str, **fields: Any) -> Mount:
    return Mount.model_validate({"type": "bind", "source": source, "target": target, "bind": {}} | fields)


def volume(source: str, target: str, **fields: Any) -> Mount:
    return Mount.model_validate({"type": "volume", "source": source, "target": target, "volume": {}} | fields)


def port(target: int, published: str = "", **fields: Any) -> PublishedPort:
    return PublishedPort(target=target, published=published, **fields)


CLOCK = bind("/etc/localtime", "/etc/localtime", read_only=True)


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


def test_nextcloud_shares_a_fragment_between_two_services() -> None:
    app = of_suite("nextcloud")
    web, cron = app.services["app"], app.services["cron"]
    assert web.volumes == cron.volumes
    assert web.volumes == (bind(f"{HERE}/nextcloud/data", "/data"), volume("nextcloud", "/var/www/html"))
    assert web.environment == cron.environment | {"NEXTCLOUD_TRUSTED_DOMAINS": "cloud.home.lan"}
    assert cron.entrypoint == ("/cron.sh",)
    assert web.ports == (port(80, "8081", host_ip="127.0.0.1"),)
    assert app.services["redis"].command == ("redis-server", "--save", "60", "1", "--loglevel", "warning")
    assert app.services["db"].environment["POSTGRES_PASSWORD"] == "p$w#rd"
    assert app.volumes["db"].labels == {"backup": "daily"}


def test_gitea_joins_two_networks() -> None:
    loaded = load_file(FILES / "gitea" / "compose.yaml", ENVIRONMENT)
    git, db = (loaded.application.services[name] for name in ("gitea", "db"))
    assert git.ports == (port(22, "2222"), port(3000, "3000"))
    assert git.networks == {"front": Attachment(), "back": Attachment(aliases=("git",))}
    assert git.depends_on == {"db": Dependency(restart=True)}
    assert git.environment["USER_UID"] == "1000"
    assert db.shm_size == 128 * 2**20
    assert loaded.application.networks == {
        "front": Network(name="gitea_front"),
        "back": Network(name="gitea_back", internal=True),
    }
    assert [(found.code.id, found.source.line) for found in loaded.warnings if found.source] == [("CND-1418", 1)]


def test_traefik_keeps_labels_and_its_external_network() -> None:
    app = of_suite("traefik")
    assert app.services["whoami"].labels == {
        "traefik.enable": "true",
        "traefik.http.routers.whoami.rule": "Host(`whoami.home.lan`)",
        "traefik.http.middlewares.auth.basicauth.users": "admin:$apr1$x$y",
        "traefik.flag": "",
    }
    assert app.services["traefik"].command == (
        "--providers.docker=true",
        "--entrypoints.web.address=:80",
        "--certificatesresolvers.le.acme.email=admin@home.lan",
    )
    assert app.services["traefik"].ports == (port(80, "80"), port(443, "443"), port(443, "443", protocol="udp"))
    assert app.networks == {"proxy": Network(name="proxy", external=True)}


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


def test_immich_extends_a_service_of_another_file() -> None:
    app = of_suite("immich")
    server = app.services["immich-server"]
    assert server.devices == (Device(source="/dev/dri", target="/dev/dri"),)
    assert server.volumes == (
        CLOCK,
        bind(f"{HERE}/immich/profiles", "/profiles", read_only=True),
        bind(f"{HERE}/immich/library", "/usr/src/app/upload"),
    )
    assert server.environment == {
        "UPLOAD_LOCATION": "./library",
        "DB_DATA_LOCATION": "./postgres",
        "DB_PASSWORD": "postgres",
        "HWACCEL": "qsv",
    }
    assert server.logging
    assert server.logging.options == {"max-size": "5m"}
    assert server.depends_on == {"redis": Dependency(), "database": Dependency()}
    redis = app.services["redis"]
    assert redis.healthcheck
    assert redis.healthcheck.test == ("CMD-SHELL", "redis-cli ping || exit 1")
    assert redis.image
    assert redis.image.endswith("83d177")


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


def test_paperless_layers_its_environment() -> None:
    web = of_suite("paperless").services["webserver"]
    assert web.environment == {
        "PAPERLESS_OCR_LANGUAGE": "deu+eng",
        "PAPERLESS_TIME_ZONE": "Europe/Berlin",
        "USERMAP_UID": "1000",
        "PAPERLESS_REDIS": "redis://broker:6379",
        "PAPERLESS_URL": "https://paper.home.lan",
    }


def test_jellyfin_gets_devices_on_the_hosts_network() -> None:
    assert of_suite("jellyfin").services["jellyfin"] == service(
        image="jellyfin/jellyfin",
        user="1000:1000",
        group_add=["109", "render"],
        network_mode="host",
        devices=[
            {"source": "/dev/dri/renderD128", "target": "/dev/dri/renderD128", "permissions": "rwm"},
            {"source": "/dev/video10", "target": "/dev/video10", "permissions": "rw"},
        ],
        volumes=[
            {"type": "tmpfs", "target": "/cache", "tmpfs": {"size": 2 * 2**30, "mode": 0o755}},
            {"type": "bind", "source": f"{HERE}/jellyfin/config", "target": "/config", "bind": {}},
            {
                "type": "bind",
                "source": "/srv/media",
                "target": "/media",
                "read_only": True,
                "bind": {"propagation": "rslave"},
            },
        ],
        restart="unless-stopped",
        extra_hosts={"host.docker.internal": ["host-gateway"]},
        stop_grace_period="90s",
    )


def test_homeassistant_shares_its_network() -> None:
    app = of_suite("homeassistant")
    assert app.services["homeassistant"].privileged
    zigbee = app.services["zigbee"]
    assert zigbee.network_mode == "service:homeassistant"
    assert zigbee.depends_on == {"homeassistant": Dependency(required=False)}
    assert app.networks == {}


def test_pihole_has_fixed_addresses_and_capabilities() -> None:
    app = of_suite("pihole")
    pihole = app.services["pihole"]
    assert pihole.cap_add == ("NET_ADMIN", "SYS_NICE", "SYS_TIME")
    assert pihole.dns == ("127.0.0.1", "1.1.1.1")
    assert pihole.networks == {"lan": Attachment(ipv4_address="192.168.80.53", ipv6_address="fd00:80::53")}
    assert app.networks["lan"] == Network(
        name="pihole_lan",
        driver="macvlan",
        driver_opts={"parent": "eth0"},
        enable_ipv6=True,
        ipam=Ipam.model_validate(
            {
                "driver": "default",
                "config": [
                    {
                        "subnet": "192.168.80.0/24",
                        "gateway": "192.168.80.1",
                        "ip_range": "192.168.80.48/28",
                        "aux_addresses": {"router": "192.168.80.2"},
                    },
                    {"subnet": "fd00:80::/64"},
                ],
            }
        ),
    )


def test_mailserver_reads_quoted_and_multi_line_variables() -> None:
    mail = of_suite("mailserver").services["mailserver"]
    assert mail.environment == {
        "OVERRIDE_HOSTNAME": "",
        "POSTMASTER_ADDRESS": "post@example.com",
        "BANNER": "first line\nsecond line",
        "ESCAPED": 'say "hi"\tnow',
        "RAW": "$HOME stays",
    }
    assert (mail.stop_signal, mail.stop_grace_period) == ("SIGTERM", 60_000)
    assert mail.healthcheck
    assert mail.healthcheck.retries == 0


def test_minio_merges_a_check_into_a_merged_service() -> None:
    app = of_suite("minio")
    first, second = app.services["minio1"].healthcheck, app.services["minio2"].healthcheck
    assert first
    assert second
    assert (first.test, first.interval, second.interval) == (second.test, 5_000, 500)
    assert app.services["minio1"].command == (
        "server",
        "--console-address",
        ":9001",
        "http://minio{1...2}/data{1...2}",
    )
    assert app.services["minio2"].expose == ("9000/tcp", "9001/tcp")


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


def test_keycloak_takes_values_from_the_process() -> None:
    app = of_suite("keycloak")
    assert app.services["keycloak"].command == ("start", "--hostname=id.home.lan")
    assert app.services["keycloak"].environment["KC_DB_PASSWORD"] == "geheim"
    assert app.services["keycloak"].ports == (port(8443, "8443"),)
    db = app.services["db"]
    assert db.environment == {"POSTGRES_PASSWORD": "set", "POSTGRES_DB": "keycloak"}
    assert db.healthcheck
    assert db.healthcheck.test == ("CMD-SHELL", "pg_isready -U $POSTGRES_USER")
    assert db.healthcheck.start_interval == 1_000


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


def test_airflow_merges_anchors_that_are_extensions() -> None:
    app = of_suite("airflow")
    web, init = app.services["airflow-webserver"], app.services["airflow-init"]
    assert web.depends_on == {
        "redis": Dependency(condition="service_healthy"),
        "airflow-init": Dependency(condition="service_completed_successfully"),
    }
    assert web.environment["_PIP_ADDITIONAL_REQUIREMENTS"] == ""
    assert init.environment == web.environment | {"_AIRFLOW_DB_MIGRATE": "true"}
    assert (web.user, init.user) == ("50000:0", "0:0")
    assert init.command == ("-c", 'if [[ -z "${AIRFLOW_UID}" ]]; then\n  exit 1\nfi\n')
    assert init.volumes == (bind(f"{HERE}/airflow/dags", "/opt/airflow/dags"),)


def test_monitoring_includes_two_applications() -> None:
    app = of_suite("monitoring")
    assert set(app.services) == {"uptime", "node", "grafana"}
    assert app.services["node"].image == "prom/node-exporter:v1.8.1"
    assert app.services["node"].volumes == (bind(f"{HERE}/monitoring/exporters/textfile", "/textfile", read_only=True),)
    grafana = app.services["grafana"]
    assert grafana.image == "grafana/grafana:11.1.0"
    assert grafana.environment == {"GF_A": "a", "GF_B": "override"}
    assert grafana.ports == (port(3000, "3000"), port(3001, "3001", host_ip="127.0.0.1"))
    assert grafana.volumes == (bind(f"{HERE}/monitoring/grafana/provisioning", "/etc/grafana/provisioning"),)
    assert app.networks["metrics"] == Network(name="monitoring_metrics")


@pytest.mark.parametrize(
    ("profiles", "services"),
    [
        ([], {"web"}),
        (["debug"], {"web", "debug"}),
        (["full"], {"web", "db", "migrate"}),
        (["*"], {"web", "debug", "db", "migrate"}),
    ],
)
def test_profiles_switch_services_on(profiles: list[str], services: set[str]) -> None:
    app = of_suite("profiles", profiles=profiles)
    assert set(app.services) == services
    assert set(app.volumes) == ({"scratch"} if "debug" in services else set())
    assert ("debug" in app.services["web"].depends_on) == ("debug" in services)


def test_profiles_come_from_the_environment_too() -> None:
    path = FILES / "profiles" / "compose.yaml"
    assert set(load_file(path, {"COMPOSE_PROFILES": "db,debug"}).application.services) == {"web", "db", "debug"}


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


def test_gluetun_lends_its_network() -> None:
    app = of_suite("gluetun")
    vpn, torrent = app.services["gluetun"], app.services["qbittorrent"]
    assert vpn.ports == (
        port(6881, "6881", protocol="udp"),
        port(8888, "8888"),
        *(port(number, str(number)) for number in (9000, 9001, 9002)),
    )
    assert torrent.depends_on == {"gluetun": Dependency(restart=True)}
    assert torrent.environment == {"PUID": "1000", "UMASK": "022"}
    assert torrent.networks == {}


def test_backup_declares_volumes_by_driver_options() -> None:
    app = of_suite("backup")
    assert app.volumes["host"] == Volume(
        name="backup_host", driver="local", driver_opts={"type": "none", "o": "bind", "device": "/"}
    )
    assert app.services["borg"].ipc == "shareable"


def test_unbound_listens_on_chosen_addresses() -> None:
    unbound = of_suite("unbound").services["unbound"]
    assert set(unbound.ports) == {
        port(53, "53", host_ip="::1", protocol="udp"),
        port(53, "53", host_ip="0.0.0.0", protocol="udp"),
        port(5335, "", host_ip="10.0.0.2"),
    }
    assert unbound.extra_hosts == {"router": ("10.0.0.1",), "dual": ("10.0.0.9", "fd00::9")}
    assert (unbound.dns_search, unbound.dns_opt) == (("home.lan",), ("ndots:2",))
    assert unbound.healthcheck
    assert unbound.healthcheck.disable


def test_limits_may_be_said_twice_when_they_agree() -> None:
    app = of_suite("limits")
    same = app.services["same"].deploy.resources
    assert (same.limits.memory, same.limits.pids, same.reservations.cpus) == (64 * 2**20, 10, 0.25)
    assert app.services["plain"].deploy.resources.limits.memory == 64 * 2**20


def test_every_file_of_the_suite_is_expected_somewhere() -> None:
    names = {path.name for path in FILES.iterdir()}
    assert len(names) >= 25
    told = (FILES.parent / "test_applications.py").read_text()
    assert all(f'"{name}"' in told for name in names)


def test_equal_applications_are_equal_values() -> None:
    first = load_file(FILES / "elk" / "compose.yaml", ENVIRONMENT)
    assert first.application == load_file(FILES / "elk" / "compose.yaml", ENVIRONMENT).application
    with pytest.raises(LoadError):
        load_file(FILES / "keycloak" / "compose.yaml", {})
