"""watch, suspend, resume: the loop that keeps a site true, and how people hold it."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Final

import click

from conduit.cli.app import App, Command, pass_app
from conduit.cli.deed import Deed
from conduit.show.text import counted, escape

if TYPE_CHECKING:
    from conduit.providers.service_manager import ServiceManager
    from conduit.reconcile.loop import Loop, Status

LOOK: Final = 1.0
"""Seconds between two looks at how the loop is doing."""
STOPPED: Final = 3


@click.command(cls=Command)
@pass_app
def watch(app: App) -> int:
    """Keep the live daemons as the manifests say, until a signal ends it. The log is JSON, one line each.

    Saved files, commits, Docker's events, SIGHUP and the interval start a pass; what conduit.yaml says of
    `reconcile` decides what is applied and what is only told.

    \b
    Example:
      conduit watch
    """
    import gc

    from conduit.providers.service_manager import ServiceManager
    from conduit.recall import Recall
    from conduit.reconcile.log import Log
    from conduit.reconcile.loop import Loop
    from conduit.reconcile.notifier import Notifier

    gc.enable()
    app.engine.recall = Recall()
    log, manager, (ended, signals) = Log(), ServiceManager(), _until_told()
    notifier = Notifier(app.engine)
    loop = Loop(app.engine, log, notifier)
    signal.signal(signal.SIGHUP, lambda *_: loop.trigger("SIGHUP"))
    loop.start()
    log.note("started", desired=str(app.settings.path(app.settings.desired)), mode=app.settings.reconcile.mode)
    alive = attend(loop, manager, ended)
    manager.tell(STOPPING=1, STATUS="stopping")
    finished = loop.stop()
    notifier.settle()
    log.note("stopped", finished=finished)
    return 128 + signals[0] if alive else STOPPED


def _until_told() -> tuple[threading.Event, list[int]]:
    """Return what SIGTERM and Ctrl-C set from now on, and a list of those that came."""
    ended, signals = threading.Event(), list[int]()

    def on_signal(number: int, _frame: object) -> None:
        signals.append(number)
        ended.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return ended, signals


def attend(loop: Loop, manager: ServiceManager, ended: threading.Event) -> bool:
    """Tell the service manager how the loop is doing until it ends; False when it died by itself."""
    ready, said = False, ""
    pause = min(LOOK, (manager.watchdog or LOOK * 2) / 2)
    while not ended.wait(pause if ready else 0.02):
        status = loop.status
        if not status.alive:
            return False
        words = _words(status)
        if not ready and status.passes:
            ready = True
            manager.tell(READY=1)
        if words != said:
            said = words
            manager.tell(STATUS=words)
        manager.tell(WATCHDOG=1)
    return True


def _words(status: Status) -> str:
    seen = status.snapshot
    if status.problems:
        return f"failed: {status.problems[0].summary}"
    if seen.suspended:
        return str(seen.suspended)
    if not seen.plan:
        return "starting"
    held = f", {counted(len(seen.held), 'change')} held back" if seen.held else ""
    unknown = f", unknown: {', '.join(seen.plan.unknown)}" if seen.plan.unknown else ""
    failing = sorted(status.failing.keys() - seen.plan.unknown.keys())
    failed = f", failing: {', '.join(failing)}" if failing else ""
    return f"{counted(len(seen.desired.roots), 'resource')}{held}{unknown}{failed}"


@click.command(cls=Command)
@click.option("--reason", default="", help="Why, for whoever sees the banner.")
@click.option("--until", default="", metavar="TIME", help="When it ends by itself: a date, or a time with its zone.")
@pass_app
def suspend(app: App, reason: str, until: str) -> None:
    """Let the loop look and tell, and change nothing. Every command shows it until it is resumed.

    \b
    Example:
      conduit suspend --reason "moving the rack" --until 2030-01-31T18:00:00Z
    """
    from conduit.reconcile.suspension import suspend as begin
    from conduit.settled import forget

    engine = app.engine
    with Deed(app, "suspend", reason) as deed:
        deed.begin()
        try:
            found = begin(engine.state, engine.now(), reason, until)
        except ValueError as error:
            raise click.UsageError(f"--until: {error}") from None
        forget(engine.state)
    app.tell(f"The loop is {escape(str(found))}.")


@click.command(cls=Command)
@pass_app
def resume(app: App) -> None:
    """Let a suspended loop work again.

    \b
    Example:
      conduit resume
    """
    from conduit.reconcile.suspension import resume as end

    app.banner = False
    with Deed(app, "resume") as deed:
        deed.begin()
        end(app.engine.state)
    app.tell("The loop is not suspended.")
