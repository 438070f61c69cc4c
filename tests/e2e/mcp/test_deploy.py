"""A deploy is a transaction: what it makes, and what it goes back to."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import mcp_node
import pytest
from definitions import STANDIN, web
from mcp_node import eventually

FAILED_PRECONDITION = 6  # of the CLI's exit codes


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.start(agent__watch_interval="1s")
    bare_node.define("first", web("first", port=20999))
    bare_node.mcp("deploy", "first", "--init")
    return bare_node


def inspect(node, container):
    return json.loads(node.store.podman("container", "inspect", container))[0]


def answer(node, port):
    return node.in_netns("curl", "-s", "--max-time", "5", "-o", "/dev/null", "-w", "%{http_code}",
                         f"http://127.0.0.1:{port}/v1/health").stdout


# MCP-A14: With no identity service running anywhere, none configured, and no token, an operator on the
# node deploys through the local socket.
def test_the_local_socket_deploys_without_any_identity_service(node):
    assert "mcias" not in node.config.read_text()
    assert "mcias" not in node.containers()
    assert not list(node.base.glob(".config/**/token*")) and not (node.state / "tokens").exists()
    node.define("first", web("first", value="v2", port=20999))

    node.mcp("deploy", "first")

    assert node.states()["first"]["observed"] == "healthy"


# MCP-A2: A definition with only name, version and routes deploys, and gets the documented defaults.
def test_name_version_and_route_are_enough(node):
    image = f"{mcp_node.REGISTRY}/only:v1.0.0"
    node.store.podman("tag", STANDIN, image)
    node.define("only", 'name = "only"\nversion = "v1.0.0"\n\n[[routes]]\nport = 443\n')

    done = node.mcp("deploy", "only")

    live = inspect(node, "only")
    port = node.sql("SELECT port FROM ports WHERE service = 'only'")[0]["port"]
    assert 10000 <= port <= 60000
    assert live["Image"] == node.store.podman("image", "inspect", "-f", "{{.Id}}", image)
    assert node.sql("SELECT image FROM components WHERE service = 'only'") == [{"image": image}]
    assert f"PORT={port}" in live["Config"]["Env"]
    assert live["HostConfig"]["PortBindings"] == {
        f"{port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    assert live["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert live["Config"]["User"] == "0:0"
    assert live["Config"]["StopTimeout"] == 10
    assert list(live["NetworkSettings"]["Networks"]) == ["mcpnet"]
    assert "only" in live["NetworkSettings"]["Networks"]["mcpnet"]["Aliases"]
    assert "no-new-privileges" in live["HostConfig"]["SecurityOpt"]
    assert [(mount["Source"], mount["Destination"], mount["RW"]) for mount in live["Mounts"]] == [
        (str(node.srv / "only"), "/srv/only", True)]
    made = (node.srv / "only").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (850, 850, 0o750)
    assert f"made {node.srv}/only for the service's data" in done.stderr
    assert live["Config"]["Labels"]["mcp.service"] == "only"
    assert node.sql("SELECT tier, essential, active FROM services WHERE name = 'only'") == [
        {"tier": "services", "essential": 1, "active": 1}]
    assert node.states()["only"]["observed"] == "healthy"
    assert answer(node, port) == "200"


def deployed(node, name, port, **options):
    """A running service of the test's own; returns its container."""
    node.define(name, web(name, port=port, **options))
    node.mcp("deploy", name)
    return node.containers()[name]


def assert_as_before(node, name, port, before):
    after = node.containers()
    assert after[name]["id"] == before["id"]
    assert after[name]["env"] == before["env"]
    assert f"{name}.prev" not in after
    assert answer(node, port) == "200"
    assert node.sql(f"SELECT host_ip, port FROM ports WHERE service = '{name}'") == [
        {"host_ip": "127.0.0.1", "port": port}]
    assert node.sql(f"SELECT generation FROM services WHERE name = '{name}'")[0]["generation"] == 1
    node.wait_for_state(name, "healthy")


# MCP-A9: A deploy whose gate fails goes back to the old container, with the same ports; the
# downtime is printed, and the exit code says that it failed.
def test_a_failing_gate_goes_back_to_the_old_container(node):
    before = deployed(node, "gated", 21001)
    node.define("gated", web("gated", "v2", 21001, listen="http=0.0.0.0:9999", deadline="2s"))

    failed = node.mcp("deploy", "gated", code=None)

    assert failed.returncode == FAILED_PRECONDITION
    assert re.search(r"rolled back; it failed at step \"gate\"", failed.stderr)
    assert "MCP-0205" in failed.stderr
    assert re.search(r"as it was before; it was down for [0-9.]+ m?s", failed.stderr)
    assert re.search(r"last log lines:\n +\| .*stand-in", failed.stderr)
    assert_as_before(node, "gated", 21001, before)


# MCP-A9: A host port that somebody else holds: back to the old container, and the port is named.
def test_a_taken_port_goes_back_and_is_named(node):
    before = deployed(node, "conflict", 21002)
    holder = subprocess.Popen(
        [*node.store.in_netns(), sys.executable, "-c",
         "import socket; s = socket.create_server(('127.0.0.1', 21902)); print(1, flush=True);"
         "import time; time.sleep(600)"], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "1\n"
        node.define("conflict", web("conflict", "v2", 21902))

        failed = node.mcp("deploy", "conflict", code=None)
    finally:
        holder.kill()
        holder.wait()

    assert failed.returncode != 0
    assert "21902" in failed.stderr
    assert "free the port" in failed.stderr
    assert "MCP-0203" in failed.stderr
    assert_as_before(node, "conflict", 21002, before)


# MCP-A9: An image that is nowhere: nothing was touched, and what to do is said.
@pytest.mark.parametrize("pull", ["never", "missing"])
def test_a_missing_image_touches_nothing(node, pull):
    name, port = f"absent-{pull}", {"never": 21003, "missing": 21004}[pull]
    before = deployed(node, name, port)
    node.define(name, web(name, "v2", port).replace("mcq:v0.4.2", "mcq:v9.9.9"))

    failed = node.mcp("deploy", name, "--pull", pull, code=None)

    assert failed.returncode != 0
    assert "mcq:v9.9.9" in failed.stderr
    assert "hint:" in failed.stderr
    assert "never down" in failed.stderr
    assert node.containers()[name] == before
    assert_as_before(node, name, port, before)


# MCP-A15: A published port answers a connect although nothing listens in the container; the tcp
# gate is not fooled: the deploy fails and takes everything back.
def test_a_tcp_gate_is_not_fooled_by_the_port_forwarder(node):
    node.define("silent", web("silent", port=21005, listen="http=127.0.0.1:9999").replace(
        'type = "http"', 'type = "tcp"').replace('deadline = "5s"', 'deadline = "2s"'))

    failed = node.mcp("deploy", "silent", code=None)

    assert failed.returncode == FAILED_PRECONDITION
    assert "MCP-0205" in failed.stderr
    assert re.search("nothing|closed", failed.stderr), failed.stderr
    assert "silent" not in node.containers()
    assert node.sql("SELECT * FROM services WHERE name = 'silent'") == []
    assert node.sql("SELECT * FROM ports WHERE service = 'silent'") == []


def values(node, name):
    return next(entry for entry in node.containers()[name]["env"] if entry.startswith("VALUE="))


def test_rollback_goes_to_the_generation_before(node):
    deployed(node, "turned", 21006)
    node.define("turned", web("turned", "v2", 21006))
    node.mcp("deploy", "turned")
    assert values(node, "turned") == "VALUE=v2"

    node.mcp("deploy", "turned", "--rollback")

    assert values(node, "turned") == "VALUE=v1"
    assert node.sql("SELECT generation FROM services WHERE name = 'turned'") == [{"generation": 3}]
    assert answer(node, 21006) == "200"


def test_an_equal_definition_keeps_the_container(node):
    before = deployed(node, "same", 21007)

    done = node.mcp("deploy", "same")

    assert "nothing to deploy" in done.stdout
    assert node.containers()["same"] == before
    assert node.sql("SELECT generation FROM services WHERE name = 'same'") == [{"generation": 1}]


def test_undeploy_keeps_the_data(node):
    deployed(node, "gone", 21008)
    kept = node.srv / "gone/kept"
    kept.write_text("data")

    done = node.mcp("undeploy", "gone")

    assert kept.read_text() == "data"
    assert f"{node.srv}/gone stays as it is" in done.stderr
    assert "gone" not in node.containers()
    assert node.sql("SELECT * FROM ports WHERE service = 'gone'") == []
    node.mcp("status", "gone", code=3)


def test_interrupt_leaves_the_deploy_running_and_names_it(node):
    deployed(node, "left", 21009)
    broken = node.srv / "left/broken"
    broken.touch()
    node.define("left", web("left", "v2", 21009, deadline="60s"))
    command = node.mcp_popen("deploy", "left")
    lines = mcp_node.Lines(command)

    def operation():
        rows = node.sql("SELECT id, state, step FROM operations WHERE service = 'left' "
                        "ORDER BY started_at DESC LIMIT 1")
        return rows[0]

    open_id = eventually(lambda: operation()["state"] == "running" and operation()["id"],
                         "the deploy is under way")
    command.send_signal(signal.SIGINT)
    assert command.wait(30) != 0
    assert any(open_id in line for line in lines.end())
    assert operation() == {"id": open_id, "state": "running", "step": operation()["step"]}

    broken.unlink()

    eventually(lambda: operation()["state"] == "done", "the deploy ends well without its command")
    assert values(node, "left") == "VALUE=v2"
    assert answer(node, 21009) == "200"


def test_a_second_interrupt_cancels_the_deploy_and_rolls_back(node):
    before = deployed(node, "undone", 21011)
    node.define("undone", web("undone", "v2", 21011, listen="http=0.0.0.0:9999", deadline="60s"))
    command = node.mcp_popen("deploy", "undone")
    lines = mcp_node.Lines(command)

    def is_new():
        try:
            return values(node, "undone") == "VALUE=v2"
        except KeyError:  # between the parking of the old one and the making of the new one
            return False

    eventually(is_new, "the new container is there")

    command.send_signal(signal.SIGINT)
    lines.wait_for("Ctrl-C again")
    command.send_signal(signal.SIGINT)

    assert command.wait(mcp_node.TIMEOUT_S) != 0
    assert any("rolled back" in line for line in lines.end())
    assert_as_before(node, "undone", 21011, before)


# MCP-A9: A disk without room for a deploy: refused before anything is touched.
def test_a_full_disk_refuses_and_touches_nothing(node):
    before = deployed(node, "large", 21010)
    # Not below the store: a mount there would be in every process's mountinfo.
    small = pathlib.Path(tempfile.mkdtemp(prefix="mc-small-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10m,uid=850,gid=850", "tmpfs", small],
                   check=True)
    try:
        os.chmod(small, 0o755)
        node.stop()
        node.write_config(data_root=small)
        node.start()
        node.define("large", web("large", "v2", 21010))

        failed = node.mcp("deploy", "large", code=None)

        assert failed.returncode != 0
        assert "MCP-0219" in failed.stderr
        assert "MiB" in failed.stderr and "hint:" in failed.stderr
        assert node.containers()["large"] == before
        assert answer(node, 21010) == "200"
    finally:
        node.stop()
        subprocess.run(["umount", small], check=True)
        small.rmdir()
        node.write_config()
        node.start(agent__watch_interval="1s")
