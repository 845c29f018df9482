"""Make a container: its files, the container, its networks, a look at what Docker made of it, and the start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.change import Change
from conduit.errors import ConduitError
from conduit.model import Fingerprint, Key, Native, revealed
from conduit.providers.base import Site
from conduit.providers.docker_addresses import slots
from conduit.providers.docker_api import refused
from conduit.providers.docker_config import Config
from conduit.providers.docker_container_body import body, endpoints, values
from conduit.providers.docker_container_files import InjectedFiles
from conduit.providers.docker_container_form import sealing
from conduit.providers.docker_container_lives import seconds_of
from conduit.providers.docker_container_read import read, variables_of
from conduit.providers.docker_container_steps import Steps
from conduit.providers.docker_marks import Marks

SHORTEST_SECRET: Final = 4
"""Characters from which on a value is hidden in what a container says; shorter ones are part of any text."""


def spec_of(change: Change) -> Any:
    """Return the container spec of a change that has one, as all but deletions do."""
    if change.want is None:
        raise ValueError(f"{change.key} is not wished for")
    return change.want.spec


def name_for(change: Change) -> Any:
    """Return the name the new container of a change gets in Docker."""
    spec = spec_of(change)
    return spec.container_name or slots(change.key.name)[spec.slot or "a"]


class Maker:
    """Makes containers of one site."""

    def __init__(self, steps: Steps, marks: Marks, config: Config, site: Site, files: InjectedFiles) -> None:
        self._steps, self._marks, self._config, self._site, self._files = steps, marks, config, site, files

    def make(self, change: Change) -> str:
        """Make and start the container of a change and return its id.

        Raises `Refused`, `Unreadable` or OSError, and leaves nothing of it then.
        """
        name = name_for(change)
        self.discard(name, change)
        try:
            container = self._create(name, change)
            self._site.fail("docker.container.created")
            if change.native["State"] != "stopped":
                self._steps.start(container)
            self._site.fail("docker.container.started")
        except (ConduitError, OSError):
            self.discard(name, change)
            raise
        return container

    def discard(self, name: str, change: Change) -> None:
        """Remove the container of this name when it is a half made one of ours. Raises `Refused`, `Unreadable`."""
        found = self._steps.find(name)
        kept = change.live.id if change.live else ""
        if found is not None and found["Id"] != kept and self.key_of(found) == change.key:
            self._steps.remove(found["Id"])

    def secrets(self, change: Change) -> list[str]:
        """Return the values that must never be shown, the longest first. Raises `ConduitError`."""
        spec = spec_of(change)
        hidden = [*spec.environment.values(), *(file.content for file in spec.files)]
        written = {revealed(value, self._site.secret) for value in hidden if not isinstance(value, Fingerprint)}
        return sorted((value for value in written if len(value) >= SHORTEST_SECRET), key=len, reverse=True)

    def key_of(self, found: Mapping[str, Any]) -> Key | None:
        """Return the key of an inspected container that is ours."""
        return self._marks.container_key(found["Config"]["Labels"], seconds_of(found["Created"]))

    def _create(self, name: str, change: Change) -> str:
        native, spec = change.native, spec_of(change)
        old = self._steps.find(change.live.id) if change.live else None
        value = values(self._site.secret, variables_of(old) if old else {})
        files = {file.target: (native["Files"][file.target], file.content) for file in spec.files}
        for target, (form, content) in files.items():
            self._put(target, form, content)
        joined = list(endpoints(change.key.name, native, self._config, spec.address).items())
        request = body(
            native,
            self._marks.container_labels(change.key, self._site.now(), bool(change.want and change.want.protect)),
            {variable: value(variable, text) for variable, text in spec.environment.items()},
            {target: str(self._files.path(form)) for target, (form, _) in files.items()},
            change.live.status.get("unnamed", {}) if change.live else {},
            joined[0] if joined else None,
        )
        container = self._steps.create(name, request)
        for network, endpoint in joined[1:]:
            self._steps.connect(container, network, endpoint)
        self._check(container, change)
        return container

    def _put(self, target: str, form: Native, content: Any) -> None:
        """Write an injected file; one that an `ignore` entry leaves as it is has to be there."""
        if not isinstance(content, Fingerprint):
            self._files.put(form, revealed(content, self._site.secret))
        elif self._files.form_at(str(self._files.path(form))) != form:
            raise refused(f"the file for {target} is gone, and its content is ignored", "remove the ignore entry")

    def _check(self, container: str, change: Change) -> None:
        """Raise `Refused` when Docker has made something else: an older one ignores what it does not know."""
        found = self._steps.find(container)
        if found is None:
            raise refused(f"{change.key} is gone right after it was made")
        made = read(
            found,
            change.key.name,
            self._config,
            sealing(self._site.fingerprint, self._site.secret),
            self._files.form_at,
        )
        wrong = [*_differing(made | {"State": change.native["State"]}, change.native)]
        if self.key_of(found) != change.key:
            raise refused(f"Docker did not mark {change.key} as it was asked to", "check the clock of this machine")
        if wrong:
            raise refused(f"this Docker does not do what {change.key} asks for: {', '.join(wrong)}")


def _differing(made: Native, asked: Native, path: str = "") -> list[str]:
    """Return the dotted names of what differs between two forms."""
    if isinstance(made, dict) and isinstance(asked, dict):
        names = sorted({*made, *asked})
        return [each for name in names for each in _differing(made.get(name), asked.get(name), f"{path}.{name}")]
    return [] if made == asked else [path.removeprefix(".")]
