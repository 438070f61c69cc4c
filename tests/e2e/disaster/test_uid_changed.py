"""Scenario 2: the agent's user came back with another uid. What the former uid owned is the agent's
no longer: nothing starts until the doctor has given it back."""
import os
import subprocess
import time

import pytest
from definitions import shell, web
from disaster import report
from mcp_node import eventually

FORMER, PRESENT = 995, 850
FOREIGN_UID = "MCP-0301"


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.start()
    bare_node.define("web", web("web"))
    bare_node.define("keeper", shell("keeper", "echo kept > /srv/keeper/file; sleep 100000"))
    bare_node.mcp("deploy", "web", "--init")
    bare_node.mcp("deploy", "keeper")
    eventually((bare_node.srv / "keeper/file").exists, "the keeper has written")
    return bare_node


def as_root(node, *argv):
    command = [*node.store.in_netns(), str(node.base / "mcp-agent"), *argv, "--config", str(node.config)]
    return subprocess.run(command, env={**node.store.environment(), "HOME": "/root"}, text=True,
                          capture_output=True, check=False, timeout=120, cwd="/")


def own_by_former_uid(node):
    """All that the agent's user owned, as a reinstallation of the system leaves it."""
    for root in (node.state, node.srv, node.store.graph_root):
        subprocess.run(["chown", "-hR", f"--from={PRESENT}:{PRESENT}", f"{FORMER}:{FORMER}", root],
                       check=True)


def test_the_doctor_gives_back_what_a_former_uid_owned(node):
    services = node.sql("SELECT name, generation, sha256 FROM services ORDER BY name")
    began = time.monotonic()
    node.mcp("boot")
    boot = time.monotonic() - began
    node.stop()
    node.store.reboot()
    node.sql(f"UPDATE node SET uid = {FORMER}, gid = {FORMER}")
    own_by_former_uid(node)

    refused = as_root(node, "doctor", "uid.pinned", "--offline")
    assert refused.returncode == 2
    assert str(FORMER) in refused.stdout and str(PRESENT) in refused.stdout
    began = time.monotonic()
    fixed = as_root(node, "doctor", "--fix", "--yes", "--offline")
    node.start()
    node.mcp("agent", "recover")
    took = time.monotonic() - began

    for container in ("web", "keeper"):
        node.wait_for_state(container, "healthy")
    assert (node.srv / "keeper/file").read_text() == "kept\n", fixed.stdout
    assert node.sql("SELECT name, generation, sha256 FROM services ORDER BY name") == services
    left = [path for path in node.srv.rglob("*") if os.lstat(path).st_uid == FORMER]
    assert not left
    report(2, "uid of the agent's user changed: doctor --fix, start, recover", took, 2 * boot + 20,
           "nothing")
