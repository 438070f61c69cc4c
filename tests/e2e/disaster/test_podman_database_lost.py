"""Scenario 1: podman's database is reset, and all containers are gone."""
import time
import uuid

import pytest
from definitions import web
from disaster import report
from mcp_node import eventually

SERVICES = [f"web{i}" for i in range(6)]


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.start()
    for i, name in enumerate(SERVICES):
        bare_node.define(name, web(name, port=21000 + i))
        bare_node.mcp("deploy", name, "--init")
    return bare_node


def all_healthy(node):
    states = node.states()
    return all(states.get(name, {}).get("observed") == "healthy" for name in SERVICES)


def time_of_a_boot(node):
    """After a reboot: no process is left, and the containers are there."""
    node.stop()
    node.store.reboot()
    node.sql(f"UPDATE node SET boot_id = '{uuid.uuid4()}'")
    began = time.monotonic()
    node.start()
    eventually(lambda: all_healthy(node), "the boot is done")
    return time.monotonic() - began


def test_recover_takes_hardly_longer_than_a_boot(node):
    boot = time_of_a_boot(node)
    (node.srv / "web0/page").write_text("kept\n")

    (node.store.graph_root / "libpod/bolt_state.db").unlink()
    began = time.monotonic()
    node.mcp("agent", "recover")
    eventually(lambda: all_healthy(node), "all are back")
    took = time.monotonic() - began

    assert (node.srv / "web0/page").read_text() == "kept\n"
    report(1, "podman's database lost, 6 services: mcp agent recover", took, 1.5 * boot + 2, "nothing")
