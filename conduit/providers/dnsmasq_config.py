"""The settings of dnsmasq: the section `dnsmasq` of conduit.yaml."""

from pathlib import Path
from typing import Final

from conduit.providers.child import Passing
from conduit.providers.process import PlainProcess, SystemdUnit
from conduit.settings import ConfigPath, Section

INTERFACE_GONE: Final = Passing(5, "failed to find list of interfaces: No such device")
"""dnsmasq takes its list of interfaces and then looks at each: one that goes in between, as those of containers do,
ends its start (status 5 of dnsmasq(8), "other miscellaneous problem"). The next list is without it."""


class Config(Section):
    """The `dnsmasq` section of conduit.yaml: where dnsmasq answers, our two files, and how it is restarted."""

    address: str
    """Where it answers, `address:port`; conduit asks it there."""
    conf_file: ConfigPath
    """Our file of options and records; its directory has to be in dnsmasq's `conf-dir`."""
    hosts_file: ConfigPath
    """Our file of plain addresses; dnsmasq's user must be able to reach it."""
    program: ConfigPath = Path("/usr/sbin/dnsmasq")
    """Checks our file before it is used."""
    user: str | None = None
    """Whom dnsmasq becomes."""
    process: PlainProcess | SystemdUnit
    """How it is told: a systemd unit, or a pid file and a command."""
