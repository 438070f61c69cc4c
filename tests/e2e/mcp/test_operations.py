"""What the agent sees of running services, what it does about it, and what it tells."""
import os
import re
import signal
import time

import mcp_node
import pytest
from definitions import shell, web
from mcp_node import eventually


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.start(agent__watch_interval="1s")
    bare_node.define("web", web("web", port=21201))
    bare_node.define("ticks", shell("ticks", "i=0; while :; do i=$((i+1)); echo tick $i; "
                                             "sleep 0.2; done"))
    bare_node.mcp("deploy", "web", "ticks", "--init")
    return bare_node


def answers(node, port):
    return node.in_netns("curl", "-s", "--max-time", "5", "-o", "/dev/null",
                         f"http://127.0.0.1:{port}/v1/health").returncode == 0


def listener_of(node, port):
    """The process behind a published port, which is podman's forwarder."""
    line = node.in_netns("ss", "-Hltnp", f"sport = :{port}").stdout
    found = re.search(r"pid=(\d+)", line)
    assert found, line
    return int(found[1])


def test_a_dead_port_forwarder_is_seen_and_repaired(node):
    before = node.containers()["web"]
    os.kill(listener_of(node, 21201), signal.SIGKILL)
    node.wait_for_state("web", "port-dead")
    assert node.containers()["web"]["running"], "podman itself sees nothing"
    assert not answers(node, 21201)
    plan = node.mcp("agent", "recover", "--dry-run", code=10)
    assert re.search(r"web/web +recreate", plan.stdout)

    node.mcp("agent", "recover")

    node.wait_for_state("web", "healthy")
    assert answers(node, 21201)
    assert node.containers()["web"]["id"] != before["id"]
    assert node.mcp("agent", "recover", "--dry-run").returncode == 0


def test_a_container_killed_with_its_monitor_is_seen_and_repaired(node):
    pid = node.containers()["web"]["pid"]
    conmon = int(node.store.podman("container", "inspect", "-f", "{{.State.ConmonPid}}", "web"))
    os.kill(conmon, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    node.wait_for_state("web", "stale")
    assert node.containers()["web"]["running"], "podman itself sees nothing"

    node.mcp("agent", "recover")

    node.wait_for_state("web", "healthy")
    assert answers(node, 21201)


def test_a_stopped_service_stays_stopped_through_boot_and_recover(node):
    node.mcp("stop", "web")
    node.wait_for_state("web", "stopped")

    node.mcp("boot")
    node.mcp("agent", "recover")
    node.stop()
    node.start(agent__watch_interval="1s")

    node.wait_for_state("web", "stopped")
    assert not node.containers()["web"]["running"]
    assert node.containers()["ticks"]["running"]

    node.mcp("start", "web")

    node.wait_for_state("web", "healthy")
    assert answers(node, 21201)


def test_restart_makes_a_new_process_of_the_same_container(node):
    before = node.containers()["web"]

    node.mcp("restart", "web")

    after = node.containers()["web"]
    assert after["id"] == before["id"]
    assert after["started"] > before["started"]
    assert answers(node, 21201)


def test_logs_follow(node):
    tail = node.mcp("logs", "ticks", "--tail", "3").stdout.splitlines()
    assert len(tail) == 3
    assert all(re.fullmatch(r"ticks \| tick \d+", line) for line in tail)
    last = int(tail[-1].split()[-1])

    lines = mcp_node.Lines(node.mcp_popen("logs", "ticks", "--follow", "--tail", "1"))
    lines.wait_for(f"tick {last + 10}")

    numbers = [int(line.split()[-1]) for line in lines.end()]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))


def test_events_and_watch_follow(node):
    events = mcp_node.Lines(node.mcp_popen("--json", "events", "--follow"))
    watch = mcp_node.Lines(node.mcp_popen("watch", "web"))
    watch.wait_for("healthy")

    node.mcp("stop", "web")
    watch.wait_for("stopped")
    node.mcp("start", "web")
    events.wait_for('"kind":"start"')

    assert any('"kind":"stop"' in line for line in events.end())
    assert any("stopped" in line for line in watch.end())
    past = node.mcp("events", "web", "--limit", "5").stdout
    assert re.search(r"web +start ", past)


def stays_down(node, container, seconds=2):
    """Not running, and not started again either, for so long; it may also be gone."""
    first = node.containers().get(container)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if node.containers().get(container) != first:
            return False
    return first is None or not first["running"]


def test_a_service_that_dies_and_dies_is_stopped_and_tried_again(node):
    node.define("flap", shell("flap", "while [ ! -e /srv/flap/die ]; do sleep 0.1; done; "
                                      "echo last words; exit 3", restart="always"))
    node.mcp("deploy", "flap")
    die = node.srv / "flap/die"

    die.touch()

    node.wait_for_state("flap", "flapping")
    eventually(lambda: stays_down(node, "flap"), "it is held down, whatever podman's policy says")
    event = node.sql("SELECT message, data FROM events WHERE kind = 'flap' ORDER BY id")[0]
    assert "flap died too often and was stopped; next try in 10 s" in event["message"]
    assert "last words" in event["data"]

    die.unlink()

    row = node.wait_for_state("flap", "healthy", 60)
    assert row["desired"] == "running"
    node.mcp("undeploy", "flap")


def test_kill_of_a_container_is_restarted_by_podman_and_seen(node):
    before = node.containers()["web"]
    os.kill(before["pid"], signal.SIGKILL)

    def back():
        now = node.containers()["web"]
        return now["running"] and now["pid"] != before["pid"]

    eventually(back, "podman has restarted it")
    node.wait_for_state("web", "healthy")
    eventually(lambda: answers(node, 21201), "it answers again")
