"""Scenario 8: the directory of a running service is removed. The agent notices and stops it; one
command brings database and files back."""
import json
import shutil
import time

import pytest
from backups import Backups
from disaster import report
from ledger import Ledger
from mcp_node import eventually

RECOVER_BOUND_S = 30
NOTICE_BOUND_S = 10


def recover(node, *argv, code=0):
    done = node.store.run(node.base / "mcp-agent", "--config", node.config, "recover-data", *argv,
                          check=False)
    assert done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def ledger(bare_node):
    bare_node.backups = Backups(bare_node)
    bare_node.start()
    made = Ledger(bare_node, rate=500)
    (made.root / "ledger.toml").write_text("rate = 500\n")
    made.node.mcp("deploy", "ledger", "--init")
    eventually(lambda: made.acks.exists() and len(made.acknowledged()) > 1000, "it has written")
    bare_node.backups.create("--images", "none")
    return made


def lost_of(ledger, before_s):
    """Acknowledged rows that are not there now, of those older than `before_s` at the last one."""
    acknowledged = ledger.acknowledged()
    last = max(acknowledged.values())
    wanted = {row for row, at in acknowledged.items() if at <= last - 1000 * before_s}
    return wanted - ledger.rows()


def test_a_look_finds_nothing_to_do(ledger):
    done = recover(ledger.node, "--dry-run", "--identity", ledger.node.backups.identity)
    assert "nothing is missing" in done.stdout


# REC-A5: Under 500 commits a second the directory is removed; all rows that were committed more than
# a second before are there afterwards, and what was left of the directory is in .trash.
def test_directory_removed_under_load_comes_back_whole(ledger):
    node = ledger.node
    began_rows = len(ledger.acknowledged())
    began = time.monotonic()
    time.sleep(3)
    rate = (len(ledger.acknowledged()) - began_rows) / (time.monotonic() - began)
    assert rate > 400, f"only {rate:.0f} commits a second"

    removed = time.monotonic()
    node.store.run("podman", "unshare", "rm", "-rf", ledger.root)
    eventually(lambda: "data_lost" in node.mcp("events", "--limit", "50").stdout,
               "the agent has noticed", NOTICE_BOUND_S + 5)
    noticed = time.monotonic() - removed
    running = node.containers()["ledger"]["running"]
    # What somebody tried by hand, and what shall not be lost either.
    node.make_folder(ledger.root, 0o750)
    began = time.monotonic()
    recover(node, "ledger", "--identity", node.backups.identity, "--yes")
    took = time.monotonic() - began

    assert not running
    assert noticed < NOTICE_BOUND_S
    assert not lost_of(ledger, before_s=1)
    assert (ledger.root / "ledger.toml").read_text() == "rate = 500\n"
    assert list((node.srv / ".trash").glob("ledger-*")), "the remains are set aside"
    before = len(ledger.acknowledged())
    eventually(lambda: len(ledger.acknowledged()) > before + 500, "it writes on")
    report(8, "rm -rf of a running service at 500 commits/s: recover-data", took, RECOVER_BOUND_S,
           f"{len(lost_of(ledger, before_s=0))} of the rows of the last second")


def data_lost_events(node):
    return node.mcp("events", "--limit", "200").stdout.count("data_lost ")


def test_a_service_that_was_stopped_for_it_starts_once_its_data_is_there(ledger):
    node = ledger.node
    before = data_lost_events(node)
    away = node.srv / "away"
    ledger.root.rename(away)
    eventually(lambda: data_lost_events(node) > before, "the agent has noticed", NOTICE_BOUND_S + 5)
    away.rename(ledger.root)

    node.stop()
    recover(node, "ledger", "--identity", node.backups.identity, code=5)
    node.start()
    done = recover(node, "ledger", "--identity", node.backups.identity)

    assert "nothing is missing" in done.stdout
    assert node.containers()["ledger"]["running"]


def test_a_lost_database_comes_back_without_any_backup(ledger):
    node = ledger.node
    lines = len(ledger.acknowledged())
    eventually(lambda: len(ledger.acknowledged()) > lines + 500, "it writes")
    before = data_lost_events(node)
    for path in ledger.root.glob("ledger.db*"):
        node.store.run("podman", "unshare", "rm", "-rf", path)
    eventually(lambda: data_lost_events(node) > before, "the agent has noticed", NOTICE_BOUND_S + 5)

    recover(node, "--without-point")

    assert not lost_of(ledger, before_s=1)
    assert node.containers()["ledger"]["running"]
