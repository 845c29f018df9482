"""P2: whatever happens to the internal CA, an apply says so, issues nothing, and the old certificates keep serving."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from attack_world import HOST, Attacked

from conduit.providers import certs_ca
from conduit.report import ApplyOptions
from tests.conftest import ROOT, run_program
from tests.faults import oracle

NEW = 'services:\n  new: {{upstream: "{0}"}}\n'
TEN_YEARS_ON = "import time\nnow = time.time\ntime.time = lambda: now() + 3653 * 86400\n"
WITHOUT_OVERRIDE = [
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
]


def missing_root(ca: Path) -> None:
    (ca / "root.crt").unlink()


def missing_key(ca: Path) -> None:
    (ca / "root.key").unlink()


def unreadable(ca: Path) -> None:
    (ca / "root.crt").chmod(0)


def open_key(ca: Path) -> None:
    (ca / "root.key").chmod(0o644)


def expired(ca: Path) -> None:
    shutil.rmtree(ca)
    certs_ca.create(ca, "sandbox", int(time.time()) - 30 * 86400, 86400)


def wrong_key(ca: Path) -> None:
    other = ca.with_name("other")
    certs_ca.create(other, "sandbox", int(time.time()), 86400)
    shutil.copy(other / "root.key", ca / "root.key")
    shutil.rmtree(other)


def garbled_key(ca: Path) -> None:
    (ca / "root.key").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


HARM: dict[Callable[[Path], None], tuple[int, str]] = {
    missing_root: (6, "is missing"),
    missing_key: (6, "root.key is missing"),
    unreadable: (6, "cannot read the root"),
    open_key: (6, "open to others"),
    expired: (4, "ca_expired"),
    wrong_key: (4, "root.key does not belong to root.crt"),
    garbled_key: (4, "is damaged"),
}
"""What may happen to the CA, how an apply then ends, and what it says."""


def serial(attacked: Attacked) -> str:
    """The serial number of the certificate a visitor of the good service is shown."""
    listener = attacked.site.daemons["caddy"].section["https"][0]
    argv = ["openssl", "s_client", "-connect", listener, "-servername", HOST]
    shown = run_program(*argv, input="")
    return run_program("openssl", "x509", "-noout", "-serial", input=shown.stdout).stdout


def harmless(attacked: Attacked, before: oracle.Snapshot, served: str, root: Path) -> None:
    """Nothing was issued, no daemon was written to, and visitors who trust the old root are served as before."""
    after = oracle.look(attacked.site, [])
    assert (after.config, after.etag, after.writes) == (before.config, before.etag, before.writes)
    assert {name for name in after.files if name.endswith(".pem")} == {n for n in before.files if n.endswith(".pem")}
    assert serial(attacked) == served
    listener = attacked.site.daemons["caddy"].section["https"][0]
    got = run_program("curl", "-sS", "--cacert", str(root), "--connect-to", f"::{listener}", f"https://{HOST}/")
    assert (got.code, '"name": "echo"' in got.stdout) == (0, True), got


def test_p2_no_harm_to_the_ca_opens_or_closes_anything(alone: Attacked) -> None:
    """A certificate in use, and one that would be new; after each harm the CA is put back and all is well again."""
    ca, kept = alone.site.certificates / "ca", alone.site.directory / "kept"
    shutil.copytree(ca, kept)
    before, served = oracle.look(alone.site, []), serial(alone)
    for harm, (code, words) in HARM.items():
        alone.write({"new.yaml": NEW.format(alone.upstream)})
        harm(ca)
        wrapped = WITHOUT_OVERRIDE if harm is unreadable and os.geteuid() == 0 else ["env"]
        ran = alone.run("apply", "--yes", before=wrapped)
        assert (ran.code, words in ran.stdout + ran.stderr) == (code, True), (harm, oracle.told(ran))
        harmless(alone, before, served, kept / "root.crt")
        shutil.rmtree(ca)
        shutil.copytree(kept, ca)
        alone.clear()
        ran = alone.run("apply", "--yes")
        assert ran.code == 0, (harm, oracle.told(ran))
        before = oracle.look(alone.site, [])
        harmless(alone, before, served, kept / "root.crt")
    alone.write({"new.yaml": NEW.format(alone.upstream)})
    ran = alone.run("apply", "--yes")
    assert ran.code == 0, oracle.told(ran)
    assert oracle.visit(alone.site, "new.home.arpa") == oracle.works("echo")


def test_p2_a_pipe_in_place_of_the_root_holds_up_no_check(attacked: Attacked) -> None:
    root = attacked.site.certificates / "ca" / "root.crt"
    kept = root.rename(root.with_name("kept.crt"))
    os.mkfifo(root)
    try:
        attacked.write({"new.yaml": NEW.format(attacked.upstream)})
        ran = attacked.run("apply", "--yes", timeout=30)
        assert (ran.code, "is not a regular file" in ran.stdout) == (6, True), oracle.told(ran)
        ran = attacked.run("status", timeout=30)
        assert "is not a regular file" in ran.stdout, oracle.told(ran)
    finally:
        kept.rename(root)


def test_p2_ten_years_on(attacked: Attacked, tmp_path: Path) -> None:
    """The clock of conduit alone is ahead: everything is due, nothing can be signed, nothing is taken away."""
    attacked.write({"new.yaml": NEW.format(attacked.upstream)})
    before, served, root = attacked.look(), serial(attacked), attacked.site.certificates / "ca" / "root.crt"
    (tmp_path / "sitecustomize.py").write_text(TEN_YEARS_ON)
    ran = attacked.run("apply", "--yes", "--no-prove", env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert (ran.code, "ca_expired" in ran.stdout) == (4, True), oracle.told(ran)
    harmless(attacked, before, served, root)
    engine = attacked.engine(now=lambda: time.time() + 3653 * 86400)
    report = engine.apply(engine.plan(), ApplyOptions(prove=False, timeout=5))
    assert report.exit_code == 4
    assert any("ca_expired" in outcome.reason for outcome in report.outcomes)
    harmless(attacked, before, served, root)


def test_p2_ten_years_back(attacked: Attacked) -> None:
    attacked.write({"new.yaml": NEW.format(attacked.upstream)})
    before, served, root = attacked.look(), serial(attacked), attacked.site.certificates / "ca" / "root.crt"
    engine = attacked.engine(now=lambda: time.time() - 3653 * 86400)
    report = engine.apply(engine.plan(), ApplyOptions(prove=False, timeout=5))
    assert report.exit_code == 4
    assert any("is not valid before" in outcome.reason for outcome in report.outcomes)
    harmless(attacked, before, served, root)
