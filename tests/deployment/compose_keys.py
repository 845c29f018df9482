"""One application with every key of a Compose file that conduit reads, and what `docker inspect` tells of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IMAGE = "sandbox/busybox:1"
SLEEP = "command: [sleep, '600'], stop_signal: SIGKILL"
SECOND = 1_000_000_000

MANIFEST = f"""\
deployments:
  keys:
    dangerous: true
    profiles: [chosen]
    file: ../app/compose.yaml
  rights:
    state: stopped
    dangerous: true
    compose:
      services:
        root: {{image: {IMAGE}, {SLEEP}, privileged: true, pid: host, network_mode: host}}
  single:
    compose:
      services:
        one: {{image: {IMAGE}, {SLEEP}, networks: [theirs], volumes: ["kept:/kept"]}}
      networks: {{theirs: {{external: true}}}}
      volumes: {{kept: {{external: true}}}}
"""

COMPOSE = f"""\
name: keys
include: [more/compose.yaml]
services:
  all:
    image: {IMAGE}
    pull_policy: never
    entrypoint: [/bin/sh, -c]
    command: [exec sleep 600]
    environment: [MOOD=calm, "EMPTY="]
    env_file: [vars.env]
    working_dir: /tmp
    user: "12:34"
    group_add: ["56"]
    hostname: box
    container_name: fixed
    labels: {{team: web}}
    init: true
    stop_signal: SIGKILL
    stop_grace_period: 1m30s
    healthcheck: {{test: [CMD, "true"], interval: 1s, timeout: 3s, retries: 4, start_period: 5s}}
    restart: on-failure:3
    ports: ["127.0.0.1:0:8080", {{target: 5353, published: "0", protocol: udp, host_ip: 127.0.0.1}}]
    expose: ["81"]
    networks: {{front: {{aliases: [www], ipv4_address: 10.211.7.9}}}}
    dns: [1.1.1.1]
    dns_search: [home.arpa]
    dns_opt: ["ndots:1"]
    extra_hosts: ["db:10.0.0.1"]
    volumes:
      - data:/data:ro
      - ./bound:/bound
      - {{type: tmpfs, target: /fast, tmpfs: {{size: 1m, mode: 0o700}}}}
    tmpfs: ["/scratch:size=2m"]
    secrets: [{{source: word, target: /run/word, uid: "12", mode: 0o400}}]
    configs: [{{source: page, target: /srv/page}}]
    devices: ["/dev/null:/dev/nothing:r"]
    read_only: true
    mem_limit: 64m
    mem_reservation: 32m
    memswap_limit: 96m
    shm_size: 16m
    cpus: 0.5
    pids_limit: 50
    ulimits: {{nofile: {{soft: 100, hard: 200}}, nproc: 99}}
    sysctls: {{net.ipv4.ip_unprivileged_port_start: "0"}}
    logging: {{driver: json-file, options: {{max-size: 1m}}}}
    cap_add: [NET_ADMIN]
    cap_drop: [CHOWN]
    security_opt: ["no-new-privileges:true"]
    ipc: shareable
    depends_on: {{job: {{condition: service_completed_successfully}}}}
  job: {{image: {IMAGE}, command: ["true"], network_mode: none}}
  beside: {{image: {IMAGE}, {SLEEP}, network_mode: "service:all", ipc: "service:all", pid: "service:all"}}
  limited:
    extends: {{file: base.yaml, service: base}}
    deploy:
      replicas: 2
      resources: {{limits: {{memory: 48m, cpus: "0.25", pids: 20}}, reservations: {{memory: 24m}}}}
    platform: linux/PLATFORM
  never: {{image: {IMAGE}, {SLEEP}, profiles: [other]}}
  maybe: {{image: {IMAGE}, {SLEEP}, profiles: [chosen]}}
  made:
    build: {{context: ./made, dockerfile: Recipe, args: {{SAYS: hello}}, target: first}}
    command: [sleep, "600"]
    stop_signal: SIGKILL
networks:
  front:
    name: keys-front
    driver: bridge
    driver_opts: {{com.docker.network.bridge.enable_icc: "false"}}
    ipam: {{config: [{{subnet: 10.211.7.0/24, ip_range: 10.211.7.128/25, gateway: 10.211.7.1}}]}}
    internal: true
    attachable: true
    labels: {{tier: edge}}
volumes:
  data:
    name: keys-data
    driver: local
    driver_opts: {{type: tmpfs, device: tmpfs, o: size=1m}}
    labels: {{tier: store}}
secrets: {{word: {{file: ./word}}}}
configs: {{page: {{content: hello}}}}
"""

FILES = {
    "more/compose.yaml": f"services: {{added: {{image: {IMAGE}, {SLEEP}, env_file: vars.env}}}}\n",
    "base.yaml": f"services: {{base: {{image: {IMAGE}, {SLEEP}, labels: {{from: base}}}}}}\n",
    "more/vars.env": "WHERE=more\n",
    "vars.env": "FROM_FILE='as it is $HOME'\n",
    "word": "secret word",
    "bound/here": "",
    "made/Recipe": f"FROM {IMAGE} AS first\nARG SAYS\nLABEL says=$SAYS\nFROM first\nLABEL says=too-far\n",
}

LIMIT = 2**20

TOLD: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("container", "fixed"): {
        "Config.Entrypoint": ["/bin/sh", "-c"],
        "Config.Cmd": ["exec sleep 600"],
        "Config.WorkingDir": "/tmp",
        "Config.User": "12:34",
        "HostConfig.GroupAdd": ["56"],
        "Config.Hostname": "box",
        "Config.Labels.team": "web",
        "HostConfig.Init": True,
        "Config.StopSignal": "SIGKILL",
        "Config.StopTimeout": 90,
        "Config.Healthcheck": {
            "Test": ["CMD", "true"],
            "Interval": SECOND,
            "Timeout": 3 * SECOND,
            "StartPeriod": 5 * SECOND,
            "Retries": 4,
        },
        "State.Health.Status": "healthy",
        "HostConfig.RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3},
        "HostConfig.PortBindings": {
            "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}],
            "5353/udp": [{"HostIp": "127.0.0.1", "HostPort": ""}],
        },
        "Config.ExposedPorts": {"81/tcp": {}, "8080/tcp": {}, "5353/udp": {}},
        "NetworkSettings.Networks.keys-front.IPAddress": "10.211.7.9",
        "HostConfig.Dns": ["1.1.1.1"],
        "HostConfig.DnsSearch": ["home.arpa"],
        "HostConfig.DnsOptions": ["ndots:1"],
        "HostConfig.ExtraHosts": ["db:10.0.0.1"],
        "HostConfig.Tmpfs": {"/scratch": "size=2m"},
        "HostConfig.Devices": [
            {"PathOnHost": "/dev/null", "PathInContainer": "/dev/nothing", "CgroupPermissions": "r"}
        ],
        "HostConfig.ReadonlyRootfs": True,
        "HostConfig.Memory": 64 * LIMIT,
        "HostConfig.MemoryReservation": 32 * LIMIT,
        "HostConfig.MemorySwap": 96 * LIMIT,
        "HostConfig.ShmSize": 16 * LIMIT,
        "HostConfig.NanoCpus": SECOND // 2,
        "HostConfig.PidsLimit": 50,
        "HostConfig.Ulimits": [
            {"Name": "nofile", "Hard": 200, "Soft": 100},
            {"Name": "nproc", "Hard": 99, "Soft": 99},
        ],
        "HostConfig.Sysctls": {"net.ipv4.ip_unprivileged_port_start": "0"},
        "HostConfig.LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}},
        "HostConfig.CapAdd": ["NET_ADMIN"],
        "HostConfig.CapDrop": ["CHOWN"],
        "HostConfig.SecurityOpt": ["no-new-privileges:true"],
        "HostConfig.IpcMode": "shareable",
    },
    ("container", "keys-job-1"): {"State.Status": "exited", "State.ExitCode": 0, "HostConfig.NetworkMode": "none"},
    ("container", "rights-root-1"): {
        "State.Status": "created",
        "HostConfig.Privileged": True,
        "HostConfig.PidMode": "host",
        "HostConfig.NetworkMode": "host",
    },
    ("container", "keys-limited-2"): {
        "Config.Labels.from": "base",
        "HostConfig.Memory": 48 * LIMIT,
        "HostConfig.MemoryReservation": 24 * LIMIT,
        "HostConfig.NanoCpus": SECOND // 4,
        "HostConfig.PidsLimit": 20,
    },
    ("container", "keys-maybe-1"): {"State.Running": True},
    ("container", "keys-added-1"): {"Config.Env": ["WHERE=more"]},
    ("container", "single-one-1"): {"State.Running": True},
    ("network", "keys-front"): {
        "Driver": "bridge",
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
        "IPAM.Config": [{"Subnet": "10.211.7.0/24", "IPRange": "10.211.7.128/25", "Gateway": "10.211.7.1"}],
        "Internal": True,
        "Attachable": True,
        "Labels.tier": "edge",
    },
    ("volume", "keys-data"): {
        "Driver": "local",
        "Options": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"},
        "Labels.tier": "store",
    },
}
"""What `docker inspect --type` tells of each, by its dotted path. A port that Docker may choose has no number there."""
