"""From nodes to models, with everything wrong told at its place. Pure."""

from __future__ import annotations

from typing import Final, TypeVar

from pydantic import ValidationError

from conduit.compose.nodes import Node, Problems
from conduit.dialect.complaints import UNKNOWN_KEY, Complaint, complaints
from conduit.dialect.words import shown
from conduit.errors import Code
from conduit.spec import Spec

UNSUPPORTED = Code(
    "CND-1407",
    "a part of the Compose Specification that conduit does not support",
    "The Compose Specification has this key, conduit does not: it would have no effect, or one that is not compared "
    "and kept. Such keys are errors, because ignoring one would leave a wish without effect. Remove the key, or "
    "declare the application without it; keys that begin with x- are for your own use.",
)
TOO_MANY = Code(
    "CND-1420",
    "too many problems in one application",
    "More than 500 keys or values of the application are wrong, so it was hardly meant to be a Compose file, or what "
    "generated it is broken. They are not listed one by one.",
)
_SWARM: Final = "mode placement update_config rollback_config restart_policy endpoint_mode labels generic_resources"
SWARM: Final = frozenset(_SWARM.split())
"""Keys below `deploy` that only Docker Swarm reads."""
_OTHERS: Final = (
    "additional_contexts annotations app_protocol attach blkio_config cache_from cache_to cgroup cgroup_parent"
    " consistency cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpuset"
    " credential_spec develop device_cgroup_rules devices dockerfile_inline domainname driver driver_opts entitlements"
    " external external_links extra_hosts format gpus gw_priority image interface_name isolation label_file labels"
    " link_local_ips links mac_address mem_swappiness models name network no_cache oom_kill_disable oom_score_adj"
    " options platforms post_start pre_stop priority privileged provider pull pull_refresh_after recursive runtime"
    " scale secrets shm_size ssh stdin_open storage_opt tags template_driver tty ulimits use_api_socket userns_mode"
    " uts volumes_from"
)
OTHERS: Final = frozenset(_OTHERS.split())
"""Keys that some object of the Compose JSON schema has and conduit's model of it does not."""

MAX_PROBLEMS: Final = 500
"""More of them help nobody, and each takes a search for the key that was meant."""

M = TypeVar("M", bound=Spec)


def checked(model: type[M], node: Node, what: str, problems: Problems) -> M | None:
    """Return `node` as a `model`; None after telling what is wrong. `what` names it to people."""
    data = node.plain()
    try:
        return model.model_validate(data)
    except ValidationError as error:
        if error.error_count() > MAX_PROBLEMS:
            hint = "correct what generated it"
            problems.add(TOO_MANY, f"{error.error_count():,} things are wrong with this {what}", node, hint)
            return None
        for complaint in complaints(error, model, data, what):
            _tell(complaint, node, problems)
        return None


def _tell(complaint: Complaint, node: Node, problems: Problems) -> None:
    code, summary, path, hint, at_key, _ = complaint
    key = str(path[-1]) if path else ""
    if code is UNKNOWN_KEY and key in SWARM and "deploy" in path:
        code, hint = UNSUPPORTED, "only Docker Swarm reads it; remove it"
        summary = f"{shown(key)} below deploy is for Docker Swarm"
    elif code is UNKNOWN_KEY and key in OTHERS:
        code, hint = UNSUPPORTED, "remove it"
        summary = f"{shown('.'.join(map(str, path)))} is not supported here"
    place = node.find(path)
    if at_key or not problems.told_at(place):
        problems.add(code, summary, place, hint, at_key=at_key)
