"""One private dockerd for all tests of a worker, with its own CLI beside it; fixtures for every directory of tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from conduit.sandbox import docker as private_docker
from conduit.sandbox import image, machine
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import SandboxError, wait_for
from tests.conftest import Ran, Site, missing, run_program

CLI = "/usr/bin/docker"


@pytest.fixture(scope="session")
def private_dockerd() -> Iterator[Daemon]:
    """The dockerd of this worker; `dockerd` sees to what is in it."""
    directory = Path(tempfile.mkdtemp(prefix="cdt-"))
    try:
        daemon = private_docker.start(directory)
    except SandboxError as error:
        if error.diagnostics[0].code in (machine.NO_PROGRAM, private_docker.NEEDS_ROOT):
            missing(error.diagnostics[0].summary)
        raise
    yield daemon
    daemon.stop()
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def shared_dockerd(private_dockerd: Daemon) -> Iterator[Daemon]:
    """A dockerd that holds nothing but `sandbox/busybox:1`; what the tests of a module make in it goes after them."""
    image.load(Path(private_dockerd.section["socket"]))
    yield private_dockerd
    _empty(private_dockerd)


@pytest.fixture
def dockerd(private_dockerd: Daemon) -> Iterator[Daemon]:
    """A dockerd that runs and holds nothing but `sandbox/busybox:1`; whatever a test makes in it goes afterwards.

    A test may have taken that image away, so every test is given it anew: asking whether it is there costs little.
    """
    image.load(Path(private_dockerd.section["socket"]))
    yield private_dockerd
    private_dockerd.resume()
    private_dockerd.start()
    _empty(private_dockerd)


@pytest.fixture
def docker(dockerd: Daemon) -> Callable[..., Ran]:
    """`docker("ps", ...)` runs Docker's own CLI on the private dockerd."""
    return cli_of(dockerd)


@pytest.fixture
def docker_settings(dockerd: Daemon) -> dict[str, Any]:
    """The settings of a site that manages the private dockerd; a module overrides `settings` with it."""
    return {"docker": dockerd.section}


@pytest.fixture
def docker_site(directory: Path, proxies: tuple[str, ...], docker_settings: dict[str, Any]) -> Iterator[Site]:
    """A private site, up, whose settings name the private dockerd."""
    site = Site(directory / "site", proxies=proxies, settings=docker_settings)
    try:
        site.up()
        yield site
    finally:
        site.down()


def cli_of(daemon: Daemon) -> Callable[..., Ran]:
    """Return a function that runs Docker's CLI on a private dockerd."""

    def run(*words: str, **options: object) -> Ran:
        return run_program(CLI, "--host", f"unix://{daemon.section['socket']}", *words, **options)

    return run


def _empty(daemon: Daemon) -> None:
    """Remove every container, network, volume and image but the one all tests use.

    What there is to remove is asked of dockerd itself: most often it is nothing, and starting the CLI costs more.
    """
    docker = cli_of(daemon)
    transport = httpx.HTTPTransport(uds=daemon.section["socket"], verify=False)
    with httpx.Client(transport=transport, base_url="http://docker", timeout=30) as dockerd:
        for listed, removal in (
            (_containers, ("rm", "--force", "--volumes")),
            (_networks, ("network", "rm")),
            (_volumes, ("volume", "rm", "--force")),
        ):
            told: list[Ran] = []
            try:
                wait_for(
                    partial(_removed, docker, partial(listed, dockerd), removal, told), f"{removal[0]} removes all"
                )
            except TimeoutError as error:
                raise AssertionError(f"a test leaves something behind in Docker: {told[-1].stderr}") from error
        if unwanted := _images(dockerd):
            docker("image", "rm", "--force", *unwanted)


def _containers(dockerd: httpx.Client) -> list[str]:
    return [each["Id"] for each in dockerd.get("/containers/json?all=true").json()]


def _networks(dockerd: httpx.Client) -> list[str]:
    return [each["Id"] for each in dockerd.get("/networks", params={"filters": '{"type": ["custom"]}'}).json()]


def _volumes(dockerd: httpx.Client) -> list[str]:
    return [each["Name"] for each in dockerd.get("/volumes").json()["Volumes"] or ()]


def _images(dockerd: httpx.Client) -> list[str]:
    """Return the other names of the image `image.NAME`, and the ids of all other images."""
    found = {each["Id"]: each["RepoTags"] or [] for each in dockerd.get("/images/json?all=true").json()}
    names = [name for own in found.values() if image.NAME in own for name in own if name != image.NAME]
    return names + [number for number, own in found.items() if image.NAME not in own]


def _removed(
    docker: Callable[..., Ran], listed: Callable[[], list[str]], removal: Sequence[str], told: list[Ran]
) -> bool:
    """Remove what is listed, and return whether nothing was.

    A container whose start was cut short can leave its end of a network behind, which is taken out by name.
    """
    found = listed()
    if found:
        told.append(docker(*removal, *found))
    for network in found if "active endpoints" in (told[-1].stderr if told else "") else ():
        ends = docker(
            "network", "inspect", "--format", "{{range .Containers}}{{.Name}} {{end}}", network
        ).stdout.split()
        for end in ends:
            docker("network", "disconnect", "--force", network, end)
    return not found
