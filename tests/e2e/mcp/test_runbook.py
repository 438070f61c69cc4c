"""The runbook: what it says is run as printed, on a store that has nothing but the images."""
import os
import re

import pytest
from mcp_node import eventually
from test_platform import CONTAINERS, DEFINITIONS, all_healthy, assert_gates_answer

STOPPED = "kls"


@pytest.fixture(scope="module")
def node(reference_node):
    reference_node.lay_out_reference()
    reference_node.start()
    reference_node.mcp("deploy", *DEFINITIONS, "--init", timeout=600)
    return reference_node


def page(node):
    return (node.state / "RUNBOOK.md").read_text()


def blocks(markdown):
    """The commands of the page, block by block, as they are printed."""
    return re.findall(r"^```sh\n(.*?)\n```$", markdown, re.M | re.S)


def run_block(node, block, timeout=300):
    """As somebody who pastes it into a shell that ends at the first thing that goes wrong."""
    return node.store.run("bash", "-e", "-c", block, check=False, timeout=timeout)


def lose_everything_but_the_images(node):
    """No agent, no container, no process, no network of ours, and a podman database that is new."""
    node.stop()
    node.store.podman("rm", "--all", "--force", "--time", "0")
    node.store.podman("network", "rm", "--force", "mcpnet")
    node.store.kill_everything()
    (node.store.graph_root / "libpod/bolt_state.db").unlink()
    assert node.containers() == {}


def test_the_page_is_there_after_a_deploy_and_closed_to_others(node):
    info = (node.state / "RUNBOOK.md").stat()

    assert (info.st_uid, info.st_mode & 0o777) == (850, 0o600)
    for container in CONTAINERS:
        assert f"--name {container} " in page(node)
    # In the order of the stages.
    text = page(node)
    places = [text.index(f"--name {name} ") for name in ("mcns", "mcr-api", "mcr-web", "mcp-master",
                                                         "kls")]
    assert places == sorted(places)


# MCP-A11: Every shell block of the generated runbook, run as printed with `bash -e` as the agent's
# user on a store that holds nothing but the images, ends with 0, and so with every gate passed: the
# blocks hold the gates' own commands, and dig, curl and a gRPC client of somebody else agree.
def test_every_block_runs_on_an_empty_store_and_ends_with_all_gates_green(node):
    printed = page(node)
    lose_everything_but_the_images(node)

    passed = set()
    for block in blocks(printed):
        done = run_block(node, block)
        assert done.returncode == 0, f"{block}\n---\n{done.stdout}{done.stderr}"
        passed.update(re.findall(r"^(\S+): its \w+ gate passes$", done.stdout, re.M))

    wanted = {f"{service}/{entry.get('name', service)}" for service, definition in
              DEFINITIONS.items() for entry in definition["components"]}
    assert passed == wanted
    assert len(passed) == len(CONTAINERS)
    assert_gates_answer(node)
    rows = node.containers()
    assert rows.keys() == CONTAINERS and all(row["running"] for row in rows.values())

    # A second time, as after an interruption: nothing that runs is touched.
    before = node.identities()
    for block in blocks(printed):
        assert run_block(node, block).returncode == 0, block
    assert node.identities() == before


def test_the_agent_takes_over_what_was_started_by_hand(node):
    if not node.containers():
        pytest.skip("needs the containers of the test before")
    before = node.identities()
    node.start()

    for service in DEFINITIONS:
        node.mcp("adopt", service)

    eventually(lambda: all_healthy(node), "the agent sees twelve healthy containers")
    assert node.identities() == before


# MCP-A11: The same where podman has lost its database and its image store still reserves every
# name, with the processes gone as after a reboot.
def test_every_block_runs_where_the_store_still_reserves_the_names(node):
    if node.process is None:
        node.start()
    printed = page(node)
    node.stop()
    node.store.kill_everything()
    (node.store.graph_root / "libpod/bolt_state.db").unlink()
    assert node.containers() == {}
    assert len(node.store.podman("ps", "-aq", "--external").split()) == len(CONTAINERS)

    for block in blocks(printed):
        done = run_block(node, block)
        assert done.returncode == 0, f"{block}\n---\n{done.stdout}{done.stderr}"

    assert_gates_answer(node)
    assert node.containers().keys() == CONTAINERS


def test_a_gate_that_fails_fails_its_block(node):
    printed = page(node)
    block = next(block for block in blocks(printed) if "--name mcdoc " in block)
    quick = re.sub(r"seq \d+", "seq 1", block)
    (node.srv / "mcdoc/standin-fail").touch()
    try:
        assert run_block(node, quick).returncode != 0
    finally:
        (node.srv / "mcdoc/standin-fail").unlink()
    assert run_block(node, quick).returncode == 0


def test_the_page_changes_with_a_stop_and_with_a_deploy(node):
    if node.process is None:
        node.start()
    before = page(node)
    assert f"--name {STOPPED} " in before

    node.mcp("stop", STOPPED)
    stopped = page(node)
    assert f"--name {STOPPED} " not in stopped
    assert "services, stopped" in stopped

    node.mcp("start", STOPPED)
    assert f"--name {STOPPED} " in page(node)

    toml = (node.services / f"{STOPPED}.toml").read_text()
    node.define(STOPPED, toml.replace('user = "image"', 'user = "image"\nhostname = "kls-two"'))
    node.mcp("deploy", STOPPED)
    assert "--hostname kls-two" in page(node)


def test_a_copy_is_kept_on_the_workstation_and_read_without_the_agent(node):
    kept = node.base / ".local/share/mcp/runbooks/rift.md"
    assert kept.stat().st_mode & 0o777 == 0o600
    node.mcp("sync")
    assert kept.read_text() == page(node)
    assert node.mcp("runbook").stdout == page(node)

    node.stop()

    failed = node.mcp("runbook", code=5)
    assert "mcp runbook --saved" in failed.stderr
    assert node.mcp("runbook", "--saved").stdout == kept.read_text()
    local = node.run_agent("runbook", "--config", node.config, "--format", "txt", check=True)
    assert "Runbook of node rift" in local.stdout
    html = node.run_agent("runbook", "--config", node.config, "--format", "html", check=True)
    assert html.stdout.startswith("<!doctype html>")
    node.start()


def test_a_page_elsewhere_is_written_where_the_configuration_says(node):
    if node.process is not None:
        node.stop()
    elsewhere = node.state / "pages"
    node.make_folder(elsewhere)
    node.start(agent__runbook=str(elsewhere / "rift.md"))

    assert blocks((elsewhere / "rift.md").read_text())
    assert os.stat(elsewhere / "rift.md").st_uid == 850
