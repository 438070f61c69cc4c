"""Scenario 11: a backup or a restore is cut off in the middle. The same command again goes on, and what
is live is whole at every moment."""
import hashlib
import os
import signal
import time

import pytest
from backups import Backups
from definitions import web
from disaster import report
from mcp_node import eventually

MOMENTS = 12
RESUME_BOUND_S = 20


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.backups = Backups(bare_node)
    bare_node.start()
    bare_node.define("web", web("web"))
    bare_node.mcp("deploy", "web", "--init")
    fill(bare_node, "point")
    return bare_node


def fill(node, word):
    """Files and a database that all say the same word."""
    root = node.srv / "web"
    for i in range(40):
        (root / f"file{i}").write_bytes(word.encode() * 20000)
    database = root / "web.db"
    database.unlink(missing_ok=True)
    node.store.run("sqlite3", database, "CREATE TABLE t(x)",
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                   f"INSERT INTO t SELECT '{word}' || i FROM n")


def digests(root):
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*")) if path.is_file()}


def command(node, *argv):
    return [node.base / "mcp-agent", "--config", node.config, *argv]


def cut(node, moment_s, *argv):
    """Starts the command and kills all of it after so long; whether it had ended by itself."""
    process = node.store.popen(*command(node, *argv), start_new_session=True)
    time.sleep(moment_s)
    ended = process.poll() is not None
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(20)
    return ended


def moments_of(node, *argv):
    """Over the whole time that the command takes."""
    began = time.monotonic()
    node.store.run(*command(node, *argv))
    took = time.monotonic() - began
    return [took * (i + 0.5) / MOMENTS for i in range(MOMENTS)]


def test_a_backup_that_is_cut_leaves_whole_points_only(node):
    create = ("backup", "create", "--images", "none")
    before = node.identities()
    for moment in moments_of(node, *create):
        cut(node, moment, *create)
    began = time.monotonic()
    node.store.run(*command(node, *create))
    took = time.monotonic() - began

    assert node.identities() == before
    node.backups.open("verify", "all")
    assert not list(node.backups.vault.glob("*.partial"))
    report(11, f"backup cut at {MOMENTS} moments, run again", took, RESUME_BOUND_S, "nothing")


def test_a_restore_that_is_cut_leaves_the_old_or_the_new(node):
    backups = node.backups
    node.mcp("stop", "web")
    node.backups.create("--images", "none")
    root = node.srv / "web"
    of_point = digests(root)
    fill(node, "later")
    later = digests(root)
    restore = ("--yes", "backup", "restore", "latest", "--service", "web", "--older-ok", "--identity",
               backups.identity)
    seen = set()
    moments = moments_of(node, *restore)
    for moment in moments:
        backups.command("undo", "--yes", code=None)
        fill(node, "later")
        cut(node, moment, *restore)
        now = digests(root)
        assert without_databases(now) in (without_databases(of_point), without_databases(later))
        assert words_of(node) == {word_of_files(root)}, "the database is that of the files"
        seen.add("new" if now == of_point else "old")
    node.store.run(*command(node, *restore))

    assert digests(root) == of_point
    assert not (node.srv / ".mc-restore").exists()
    assert "old" in seen
    node.mcp("start", "web")
    eventually(lambda: node.states()["web"]["observed"] == "healthy", "web runs on what came back")


def word_of_files(root):
    return "point" if (root / "file0").read_bytes().startswith(b"point") else "later"


def words_of(node):
    """What the rows of the live database say."""
    out = node.store.run("sqlite3", node.srv / "web/web.db",
                         "SELECT DISTINCT rtrim(x, '0123456789') FROM t").stdout
    return set(out.split())


def without_databases(files):
    return {name: digest for name, digest in files.items() if ".db" not in name}
