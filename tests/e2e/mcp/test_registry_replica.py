"""The registry is lost with all that lay beside it, and comes back from its replica."""
import json
import shutil
import time

import pytest
from definitions import STANDIN
from mcp_node import eventually

ONLY = f"""name = "only"
version = "v1"

[[components]]
name = "api"
image = "{STANDIN}"
network = "host"
env = {{ STANDIN_LISTEN = "http=127.0.0.1:21201" }}
stop_timeout = "1s"

[components.health]
type = "http"
port = 21201
interval = "50ms"
"""


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.mirror = bare_node.make_folder(bare_node.base / "mirror", 0o700)
    with open(bare_node.config, "a", encoding="utf-8") as config:
        config.write(f'\n[replica]\nencryption = "none"\nmirrors = ["{bare_node.mirror}"]\n')
    bare_node.start()
    bare_node.define("only", ONLY)
    bare_node.mcp("deploy", "only", "--init")
    return bare_node


def replica_of(node):
    return node.mcp_json("agent", "status")["replica"]


def test_status_shows_where_the_mirror_stands(node):
    replica = eventually(lambda: replica_of(node) if replica_of(node)["following"] else None,
                         "the replica is following")

    assert replica["mirrors"][0]["place"] == str(node.mirror)
    assert "following" in node.mcp("agent", "status").stdout


# HOUSE-A22: With its registry missing beside a replica the agent does not start as new: it names the
# command that restores it, which brings every service back.
def test_lost_registry_is_restored_and_the_agent_goes_on(node):
    eventually(lambda: replica_of(node)["mirrors"][0]["state"] == "following",
               "the mirror has everything")
    time.sleep(1)  # what is older than a second is in the mirror, whatever ends the agent
    container = node.containers()
    node.kill()
    for path in node.state.glob("mcp.db*"):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix != ".lock":
            path.unlink()

    refused = node.run_agent("server", "--config", node.config, "--once")
    assert refused.returncode == 6, refused.stderr
    assert "mcp-agent restore" in refused.stderr
    assert not node.database.exists()

    planned = node.run_agent("restore", "--config", node.config, "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["source"] == str(node.mirror)
    assert not node.database.exists()
    restored = node.run_agent("restore", "--config", node.config)
    assert restored.returncode == 0, restored.stderr
    assert "to commit" in restored.stdout

    node.start()
    assert [row["name"] for row in node.mcp_json("list")["services"]] == ["only"]
    assert node.containers().keys() == container.keys()
    assert node.containers()["only-api"]["id"] == container["only-api"]["id"]


def test_rebuild_tells_of_the_replica_and_restores_from_it(node):
    known = node.sql("SELECT service, generation, actor FROM history")
    time.sleep(1)
    node.stop()
    garbage = b"this was a registry once\n" * 4096
    for path in node.state.glob("mcp.db-*"):
        path.unlink()
    node.database.write_bytes(garbage)

    merged = node.run_agent("rebuild", "--config", node.config, "--dry-run")
    assert merged.returncode == 10, merged.stderr
    assert "--from replica" in merged.stderr
    planned = node.run_agent("rebuild", "--from", "replica", "--config", node.config, "--dry-run")
    assert planned.returncode == 10, planned.stderr
    assert node.database.read_bytes() == garbage
    restored = node.run_agent("rebuild", "--from", "replica", "--config", node.config, "--yes")
    assert restored.returncode == 0, restored.stderr

    assert str(node.mirror) in restored.stdout
    node.start()
    assert node.sql("SELECT service, generation, actor FROM history") == known
    assert node.mcp("agent", "recover", "--dry-run").returncode == 0
    eventually(lambda: replica_of(node)["following"], "the replica is following again")


def test_running_registry_is_not_restored_over(node):
    done = node.run_agent("restore", "--config", node.config)

    assert done.returncode == 6
    assert "--to" in done.stderr


def test_mirror_verifies_and_exports_for_the_sqlite3_shell(node):
    verified = node.run_agent("replica", "verify", "--config", node.config, "--json")
    assert verified.returncode == 0, verified.stdout
    assert all(row["whole"] for row in json.loads(verified.stdout))

    node.make_folder(node.base / "exports", 0o700)
    out = node.base / "exports" / "wal"
    exported = node.run_agent("replica", "export-wal", "--to", out, "--config", node.config)
    assert exported.returncode == 0, exported.stderr
    replayed = node.store.run("sh", out / "replay.sh")
    assert replayed.stdout.strip() == "ok"
    rows = node.store.run("sqlite3", out / "mcp.db", "SELECT name FROM services")
    assert rows.stdout.strip() == "only"
