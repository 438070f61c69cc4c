"""Scenario 12: the disk is full in the middle of a backup or a restore: a clear error, live units
unharmed, and the room that was taken is free again."""
import contextlib
import hashlib
import os
import subprocess
import time

import pytest
from backups import Backups
from definitions import web
from disaster import report

NO_SPACE = 25


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.backups = Backups(bare_node)
    bare_node.start()
    bare_node.define("web", web("web"))
    bare_node.mcp("deploy", "web", "--init")
    (bare_node.srv / "web/noise").write_bytes(os.urandom(40 << 20))
    return bare_node


@contextlib.contextmanager
def small_disk(node, megabytes):
    """A file system of so many MiB, the agent's user's. Nobody looks for processes meanwhile."""
    place = node.base / "small"
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,uid=850,gid=850,mode=755",
                    "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def digests(root):
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*")) if path.is_file()}


@contextlib.contextmanager
def setting(node, before, after):
    text = node.config.read_text()
    assert before in text
    node.config.write_text(text.replace(before, after))
    try:
        yield
    finally:
        node.config.write_text(text)


def fill_in_the_middle(node, *argv):
    """Runs a restore to a small disk, and takes the rest of its room as soon as it unpacks. Returns
    what the restore said when it failed."""
    for _ in range(10):
        with small_disk(node, 110) as small:
            process = node.store.popen(node.base / "mcp-agent", "--config", node.config, *argv, "--to",
                                       small / "back", stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
            while process.poll() is None and not (small / "back").exists():
                pass
            with open(small / "eater", "wb", buffering=0) as eater, contextlib.suppress(OSError):
                while process.poll() is None:
                    eater.write(bytes(1 << 20))
            said, _ = process.communicate(timeout=60)
            if process.returncode == 0:
                continue  # it was quicker
            assert process.returncode == NO_SPACE, said
            assert [path.name for path in small.iterdir()] == ["eater"], "what was begun is gone"
            return said
    raise AssertionError("no restore was slow enough")


def test_a_full_disk_costs_nothing_but_the_run(node):
    backups = node.backups
    before, live = node.identities(), digests(node.srv)
    point = backups.create("--images", "none")["id"]

    with small_disk(node, 1) as small:
        # The target.
        with setting(node, f"file://{backups.vault}", f"file://{small}"):
            failed = backups.command("create", "--images", "none", code=NO_SPACE)
            assert "space" in failed.stderr and not list(small.iterdir())
        # A restore to a place without room: said before anything is unpacked.
        failed = backups.open("restore", point, "--service", "web", "--to", small / "back",
                              code=NO_SPACE)
        assert "nothing was changed" in failed.stderr and not list(small.iterdir())

    failed = fill_in_the_middle(node, "backup", "restore", point, "--service", "web", "--identity",
                                str(backups.identity))
    assert "space" in failed, failed

    assert node.identities() == before
    assert digests(node.srv) == live
    backups.open("verify", point)
    began = time.monotonic()
    backups.create("--images", "none")
    report(12, "disk full during create and restore, then a create", time.monotonic() - began, 20,
           "nothing")
