"""Applications put together from fragments, files, variables and profiles; expectations as in test_applications.py."""

from __future__ import annotations

import pytest

from conduit.compose.load import load_file
from conduit.compose.mounts import Device
from conduit.compose.networks import Network
from conduit.compose.service import Dependency
from tests.compose.kit import CLOCK, FILES, HERE, bind, of_suite, port, volume


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


def test_paperless_layers_its_environment() -> None:
    web = of_suite("paperless").services["webserver"]
    assert web.environment == {
        "PAPERLESS_OCR_LANGUAGE": "deu+eng",
        "PAPERLESS_TIME_ZONE": "Europe/Berlin",
        "USERMAP_UID": "1000",
        "PAPERLESS_REDIS": "redis://broker:6379",
        "PAPERLESS_URL": "https://paper.home.lan",
    }


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
