"""The agent is killed at random moments of a deploy. MC_SEED and MC_KILLS replay and lengthen."""
import json
import os
import random
import time

import mcp_node
import pytest
from definitions import STANDIN
from mcp_node import eventually

KILLS = int(os.environ.get("MC_KILLS", "50"))
SEED = int(os.environ.get("MC_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


# Two components, and a route that only v2 has, so that ports come and go with the version. On the
# host's network containers start fastest: fifty deploys are to fit into minutes.
def pair(value):
    more = '\n[[components.routes]]\nname = "more"\nport = 9443\n' if value == "v2" else ""
    return f"""name = "pair"
version = "{value}"

[[components]]
name = "api"
image = "{STANDIN}"
network = "host"
env = {{ VALUE = "{value}", STANDIN_LISTEN = "http=127.0.0.1:21101" }}
stop_timeout = "1s"

[components.health]
type = "http"
port = 21101
interval = "50ms"

[[components.routes]]
name = "main"
{more}
[[components]]
name = "web"
image = "{STANDIN}"
network = "host"
env = {{ VALUE = "{value}", STANDIN_LISTEN = "http=127.0.0.1:21102" }}
after = ["api"]
stop_timeout = "1s"

[components.health]
type = "http"
port = 21102
interval = "50ms"
"""


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.start()
    bare_node.define("pair", pair("v1"))
    bare_node.mcp("deploy", "pair", "--init")
    return bare_node


def open_operations(node):
    return node.sql("SELECT id FROM operations WHERE state = 'running'")


def last_deploy_s(node):
    """How long the last deploy took that came to its end, with the start of its command."""
    row = node.sql("SELECT ended_at - started_at AS ms FROM operations WHERE kind = 'deploy' "
                   "AND state = 'done' ORDER BY ended_at DESC LIMIT 1")[0]
    return row["ms"] / 1000 + 0.1


def present_state(node):
    """Everything that a version shows in, with ids and ports as they are now."""
    return {
        "service": node.sql("SELECT generation, sha256, resolved_json FROM services")[0],
        "components": node.sql("SELECT name, container, container_id, sha256 FROM components "
                               "ORDER BY name"),
        "ports": node.sql("SELECT host_ip, port, protocol, component, route FROM ports "
                          "ORDER BY route"),
    }


def assert_whole(node, state):
    """Containers, labels, ports and mirror are what the registry says, and answer."""
    service = state["service"]
    value = json.loads(service["resolved_json"])["version"]
    live = node.containers()
    assert live.keys() == {"pair-api", "pair-web"}, "no .prev, nothing else"
    for row in state["components"]:
        container = live[row["container"]]
        assert container["running"], row
        assert container["id"] == row["container_id"], row
        assert container["labels"]["mcp.component.sha256"] == row["sha256"], row
        assert container["labels"]["mcp.spec.sha256"] == service["sha256"], row
        assert container["labels"]["mcp.generation"] == str(service["generation"]), row
        assert f"VALUE={value}" in container["env"], row
    routes = [row["route"] for row in state["ports"]]
    assert routes == (["main"] if value == "v1" else ["main", "more"]), state["ports"]
    assert service["sha256"] in (node.state / "specs/pair.json").read_text()
    for port in (21101, 21102):
        answer = node.in_netns("curl", "-s", "--max-time", "5", "-w", "%{http_code}", "-o",
                               "/dev/null", f"http://127.0.0.1:{port}/v1/health")
        assert answer.stdout == "200", (port, answer)
    return value


def which_end(before, after, value, wanted):
    """"old": all is as it was, the very containers; "new": the next generation."""
    if after["service"]["generation"] == before["service"]["generation"]:
        assert after == before
        return "old"
    assert after["service"]["generation"] == before["service"]["generation"] + 1
    assert value == wanted
    return "new"


# MCP-A6: The agent is killed with SIGKILL at 50 random points of a deploy: after its restart
# containers, labels, registry, ports and mirror are entirely the old version or entirely the new.
def test_a_killed_agent_leaves_the_old_version_or_the_new_one(node):
    print(f"MC_SEED={SEED} MC_KILLS={KILLS}")
    dice = random.Random(SEED)
    node.define("pair", pair("v2"))
    node.mcp("deploy", "pair")
    whole = last_deploy_s(node)
    now, ends, interrupted = "v2", {"old": 0, "new": 0}, 0
    before = present_state(node)

    for kill in range(KILLS):
        wanted = "v1" if now == "v2" else "v2"
        node.define("pair", pair(wanted))
        delay = dice.uniform(0, 1.2 * whole)  # the end counts, too
        where = f"kill {kill} after {delay:.3f} s of about {whole:.3f} s, seed {SEED}"
        deploy = node.mcp_popen("deploy", "pair")
        time.sleep(delay)  # the random point itself
        node.kill()
        deploy.communicate(timeout=mcp_node.TIMEOUT_S)
        interrupted += len(open_operations(node))

        node.start()
        eventually(lambda: not open_operations(node), f"the operation is ended; {where}")

        try:
            after = present_state(node)
            now = assert_whole(node, after)
            end = which_end(before, after, now, wanted)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}\n{node.log_tail()}") from error
        before = after
        ends[end] += 1
        # The machine is faster or slower than it was: follow it.
        whole = last_deploy_s(node) if end == "new" else whole * 1.03
    print(f"ends: {ends}; {interrupted} of {KILLS} kills hit an open operation")
    assert interrupted >= KILLS // 3, "the kills miss the deploys: they prove nothing"
    assert KILLS < 50 or min(ends.values()) > 0, "kills before and after the commit"
