"""What a change of dnsmasq interrupts: the hosts file is read again on SIGHUP, the conf file costs a restart. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from conduit.change import Action, Change, Disturbance, Impact
from conduit.model import FRAME, Native
from conduit.providers.dnsmasq_files import Record, is_host

_RELOAD: Final = Impact(Disturbance.RELOAD, "dnsmasq", note="no interruption")
_RESTART: Final = Impact(Disturbance.RESTART, "dnsmasq", 0.05)


def impact_of(change: Change, hosts_file: Path, *, conf_served: bool) -> Impact:
    """Return what a change interrupts; `conf_served` is whether dnsmasq serves the conf file as it lies there."""
    live, want = change.live, change.native
    if change.key.kind == FRAME:
        return _of_frame(live and live.native, want, hosts_file, conf_served)
    ours = live is not None and change.action is not Action.ADOPT
    before = _conf_part(live.native, live.protected) if live and ours else None
    after = _conf_part(want, bool(change.want and change.want.protect)) if want else None
    return _RELOAD if before == after else _RESTART


def _of_frame(live: Native, want: Native, hosts_file: Path, conf_served: bool) -> Impact:
    if live is None or not conf_served:
        return _RESTART
    same = all(live[name] == want[name] for name in ("addn_hosts", "local"))
    hosts_only = all(text.startswith(f"{hosts_file}:") for text in live["unknown"])
    return _RELOAD if same and hosts_only else _RESTART


def _conf_part(record: Record, protected: bool) -> Native:
    """Return what a record contributes to the conf file; None for nothing."""
    if is_host(record):
        return record["name"] if record["local"] else None
    return record, protected
