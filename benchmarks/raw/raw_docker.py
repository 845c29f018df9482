"""Docker by hand: one list, compared by image, labels and state; what differs is made anew, some at a time."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

AT_A_TIME = 8
"""More threads gain nothing: dockerd takes turns by itself."""


class Part:
    """The containers of the site."""

    def __init__(self, site: dict[str, Any], declared: dict[str, Any]) -> None:
        self.network = site["docker_network"]
        self.want = {name: fields["compose"]["services"]["app"] for name, fields in declared["deployments"].items()}
        limits = httpx.Limits(max_connections=AT_A_TIME)
        transport = httpx.HTTPTransport(uds=site["docker_socket"], limits=limits)
        self.client = httpx.Client(transport=transport, base_url=f"http://docker/{site['docker_api']}", timeout=120)

    def differs(self) -> bool:
        """List our containers and compare them with the wish."""
        filters = json.dumps({"label": ["bench.app"]})
        answer = self.client.get("/containers/json", params={"all": "1", "filters": filters})
        self.live = {each["Names"][0].removeprefix("/"): each for each in answer.raise_for_status().json()}
        wrong = [name for name, app in self.want.items() if not _holds(self.live.get(name), app)]
        self.remove = [name for name in self.live if name in wrong or name not in self.want]
        self.create = wrong
        return bool(self.remove or self.create)

    def write(self) -> None:
        """Remove what is wrong or too much, then create and start what is missing."""
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(self._remove, self.remove))
            list(pool.map(self._create, self.create))

    def _remove(self, name: str) -> None:
        self.client.delete(f"/containers/{name}", params={"force": "1"}).raise_for_status()

    def _create(self, name: str) -> None:
        app = self.want[name]
        body = {
            "Image": app["image"],
            "Cmd": app["command"],
            "Labels": app["labels"],
            "Env": [f"{key}={value}" for key, value in app["environment"].items()],
            "StopSignal": app["stop_signal"],
            "HostConfig": {"NetworkMode": self.network},
        }
        created = self.client.post("/containers/create", params={"name": name}, json=body).raise_for_status()
        self.client.post(f"/containers/{created.json()['Id']}/start").raise_for_status()


def _holds(live: dict[str, Any] | None, app: dict[str, Any]) -> bool:
    found = live and (live["Image"], live["State"], app["labels"].items() <= live["Labels"].items())
    return found == (app["image"], "running", True)
