"""Applications whose networks, ports and devices are the point; expectations as in test_applications.py."""

from __future__ import annotations

from conduit.compose.load import load_file
from conduit.compose.networks import Attachment, Ipam, Network
from conduit.compose.service import Dependency
from tests.compose.kit import ENVIRONMENT, FILES, HERE, of_suite, port, service


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
