"""The reference platform, twelve containers, through boot, disaster and restart of the agent."""
import hashlib
import os
import pathlib
import signal
import sys
import tomllib
import uuid

import mcp_node
import pytest
from mcp_node import eventually

STAGES = ["foundation", "core", "management", "services"]
DEFINITIONS = {path.stem: tomllib.loads(path.read_text())
               for path in sorted(mcp_node.REFERENCE.glob("*.toml"))}
CONTAINERS = {"mcns", "mc-proxy", "mcr-api", "mcr-web", "metacrypt-api", "metacrypt-web",
              "mcp-master", "mcq", "mcdoc", "mcat", "kls", "sgardd"}
GRPC_HEALTH = pathlib.Path(mcp_node.__file__).with_name("grpc_health.py")
NAMES = {"rift.mcp", "ns.mcp", "metacrypt.svc.mcp", "mcr.svc.mcp", "sgard.svc.mcp",
         "mcp-agent.svc.mcp"}
HTTPS_PORTS = {"mc-proxy": 443, "mcr-api": 28443, "metacrypt-api": 18443, "mcat": 48116}
EVENTS_MAX = "50m"  # pulls are counted in podman's events
HTTP_PORTS = {"mcr-web": 28080, "metacrypt-web": 18080, "mcq": 48080, "mcdoc": 38080, "kls": 58080}


# What the definitions say, read without our own code: component -> (stage, components it needs).

def components_of(service):
    definition = DEFINITIONS[service]
    return [entry.get("name", service) for entry in definition["components"]]


def wanted_order():
    order = {}
    for service, definition in DEFINITIONS.items():
        for entry in definition["components"]:
            needs = [f"{service}/{sibling}" for sibling in entry.get("after", [])]
            for other in definition.get("depends_on", []):
                needs += [f"{other}/{component}" for component in components_of(other)]
            name = entry.get("name", service)
            order[f"{service}/{name}"] = (definition.get("tier", "services"), needs)
    assert len(order) == 12
    return order


def boot_items(node, run=None):
    which = run or "(SELECT max(id) FROM boot_runs)"
    return {row["component"]: row
            for row in node.sql(f"SELECT * FROM boot_items WHERE run = {which}")}


def last_run(node):
    return node.sql("SELECT * FROM boot_runs ORDER BY id DESC LIMIT 1")[0]


def assert_boot_order(node, run):
    items = boot_items(node, run)
    wanted = wanted_order()
    assert items.keys() == wanted.keys()
    for key, (stage, needs) in wanted.items():
        item = items[key]
        assert item["stage"] == stage
        assert item["state"] == "healthy"
        assert item["started_seq"] < item["healthy_seq"]
        for other, (other_stage, _) in wanted.items():
            if STAGES.index(other_stage) < STAGES.index(stage):
                assert items[other]["healthy_seq"] < item["started_seq"], (other, key)
        for needed in needs:
            assert items[needed]["healthy_seq"] < item["started_seq"], (needed, key)


def assert_names_answer(node):
    """The twelve records of the platform, on both addresses; and the API, whose certificate counts."""
    for address in ("127.0.1.1", "127.0.2.1"):
        for transport in ("+notcp", "+tcp"):
            answer = node.in_netns("dig", f"@{address}", transport, "+tries=1", "+time=5",
                                   "svc.mcp.metacircular.net.", "SOA")
            assert "status: NOERROR" in answer.stdout and "ANSWER: 1," in answer.stdout, answer
        for name in NAMES:
            answer = node.in_netns("dig", f"@{address}", "+short", "+tries=1", "+time=5",
                                   f"{name}.metacircular.net.", "A")
            assert set(answer.stdout.split()) == {"127.0.1.1", "127.0.2.1"}, (name, answer)
    host = "mcns.svc.mcp.metacircular.net"
    answer = node.in_netns("curl", "-s", "--max-time", "10", "--cacert", node.srv / "mcns/tls/ca.crt",
                           "--resolve", f"{host}:38443:127.0.0.1", f"https://{host}:38443/v1/health")
    assert '"live":true' in answer.stdout, answer


def assert_gates_answer(node):
    """Each gate, asked by clients that are not ours."""
    assert_names_answer(node)
    for scheme, ports in (("https", HTTPS_PORTS), ("http", HTTP_PORTS)):
        for container, port in ports.items():
            answer = node.in_netns("curl", "-sk", "--max-time", "10", "-w", "%{http_code}", "-o",
                                   "/dev/null", f"{scheme}://127.0.0.1:{port}/v1/health")
            assert answer.stdout == "200", (container, answer)
    answer = node.in_netns(sys.executable, GRPC_HEALTH, "127.0.0.1:9555")
    assert answer.stdout == "SERVING\n", answer
    answer = node.in_netns("busybox", "nc", "-w", "5", "127.0.0.1", "19473", "-e",
                           "/bin/true")
    assert answer.returncode == 0, answer


def all_healthy(node):
    states = node.states()
    return states.keys() == CONTAINERS and all(
        row["observed"] == "healthy" and not row.get("drift") for row in states.values())


@pytest.fixture(scope="module")
def node(reference_node):
    reference_node.lay_out_reference(seed=False)
    reference_node.start(boot__stage_timeout="3s")
    return reference_node


@pytest.fixture
def platform(node):
    """The node with everything up, whatever the test before has left."""
    if node.process is None:
        node.start()
    if not node.sql("SELECT 1 FROM services"):
        node.mcp("sync", "--init")
    node.mcp("agent", "recover", timeout=300)
    eventually(lambda: all_healthy(node), "all twelve are healthy")
    return node


# MCP-A5: A failing foundation gate holds core, nothing of it is started; when the cause is gone the
# boot run goes on without a command, and its recorded order satisfies stages and edges.
def test_a_failing_foundation_gate_holds_core_until_it_passes(node):
    node.mcp("sync", "--init")
    # mcns was given no zones: it runs, and knows none of the names that it is asked for.

    held = node.mcp("boot", code=7, timeout=300)

    assert last_run(node)["state"] == "holding", held.stdout
    assert node.containers().keys() == {"mcns"}
    for key, item in boot_items(node).items():
        if key != "mcns/mcns":
            assert item["started_seq"] == 0, key
            assert item["state"] in ("pending", "blocked"), key
    alerts = node.sql("SELECT message FROM events WHERE kind = 'boot_hold'")
    assert any("foundation" in row["message"] for row in alerts)
    run = last_run(node)["id"]

    node.give_seed()
    os.kill(node.containers()["mcns"]["pid"], signal.SIGKILL)  # podman starts it again, with zones

    eventually(lambda: last_run(node)["state"] == "done", "the boot run is done", 300)
    assert last_run(node)["id"] == run
    assert_boot_order(node, run)
    assert node.mcp("boot", "status").returncode == 0
    node.stop()


def test_mcp_boot_leaves_what_is_healthy_alone(platform):
    before = platform.identities()

    platform.mcp("boot", timeout=300)

    assert platform.identities() == before
    assert before.keys() == CONTAINERS


# MCP-A13: A restart of the agent changes no container's id, start time or process, whether it was
# ended with TERM or killed.
def test_a_restart_of_the_agent_touches_no_container(platform):
    before = platform.identities()
    runs = platform.sql("SELECT count(*) AS n FROM boot_runs")

    platform.stop()
    assert platform.identities() == before
    platform.start()
    eventually(lambda: all_healthy(platform), "the new agent sees twelve healthy containers")
    assert platform.identities() == before

    platform.kill()
    platform.start()
    eventually(lambda: all_healthy(platform), "the new agent sees twelve healthy containers")
    assert platform.identities() == before
    assert platform.sql("SELECT count(*) AS n FROM boot_runs") == runs


# Data files of every service: some of the agent's user, some of users inside the container.

def write_data(node):
    for service in DEFINITIONS:
        folder = node.srv / service
        if (folder / "inner").exists():
            continue
        for name in ("state.db", "state.db-wal"):
            (folder / name).write_bytes(os.urandom(5000))
            os.chown(folder / name, 850, 850)
        node.store.podman(
            "run", "--rm", "--network", "none", "--volume", f"{folder}:/srv/data", "bb:1", "sh",
            "-c", "busybox mkdir /srv/data/inner && echo 1 > /srv/data/inner/a && "
            "echo 2 > /srv/data/inner/b && busybox chown 1000:1001 /srv/data/inner/a && "
            "busybox chown 65534:65534 /srv/data/inner/b && busybox chmod 0600 /srv/data/inner/b")


def is_written_by_mcns(path):
    """What a running name service changes by itself; what it says tells whether it was kept."""
    return path.name == "mcns" or "image" in (path.name, path.parent.name) or (
        path.parent.name == "mcns" and
        path.name.startswith(("mcns.db", "admin.sock", "handover.sock")))


def data_of(node):
    """path -> (hash, owner, group, mode, time) of everything below the data root but the agent's own
    directory, where its sockets are."""
    found = {}
    for path in sorted(node.srv.rglob("*")):
        if path.is_relative_to(node.srv / "mcp") or is_written_by_mcns(path):
            continue
        info = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (content, info.st_uid, info.st_gid, info.st_mode, info.st_mtime_ns)
    return found


def zones_of(node):
    """What the name service says of its zones, serials included, asked in its container."""
    return [node.store.podman("exec", "mcns", "mcns", "export", zone)
            for zone in ("mcp.metacircular.net", "svc.mcp.metacircular.net")]


def pulls(node):
    """How often podman has pulled. Its own `podman run` above counts as one, from the store."""
    events = node.store.podman("events", "--stream=false", "--since", "0", "--format",
                               "{{.Status}}").split()
    assert "start" in events, "podman's event log is kept"
    return sum("pull" in event for event in events)


def lose_podmans_database(node):
    (node.store.graph_root / "libpod/bolt_state.db").unlink()


def assert_nothing_left_to_do(node):
    before = node.identities()
    assert before.keys() == CONTAINERS
    plan = node.mcp("agent", "recover", "--dry-run")
    for service in DEFINITIONS:
        assert any(line.startswith(service) and "keep" in line for line in plan.stdout.splitlines())
    for line in plan.stdout.splitlines():
        for action in ("start ", "recreate", "release-name", "load-image", "blocked", "orphan"):
            assert f" {action}" not in line, plan.stdout
    node.mcp("agent", "recover")
    assert node.identities() == before


@pytest.fixture
def kept_zones(platform):
    """The zones with a record of the operator's, which no seed has; checked when the test ends."""
    record = uuid.uuid4().hex[:8]
    platform.store.podman("exec", "mcns", "mcns", "record", "add", "svc.mcp.metacircular.net",
                          record, "A", "192.0.2.7")
    before = zones_of(platform)
    assert record in before[1]
    yield before
    assert zones_of(platform) == before


# MCP-A3: Podman's database is removed under twelve running services: one `mcp agent recover` brings
# each to its gate, asked by dig, curl and Python's gRPC; a second one changes nothing; no image was
# pulled; every data file has its content, owner and time, and the name service every record.
def test_recover_after_the_loss_of_podmans_database(platform, kept_zones):
    write_data(platform)
    data = data_of(platform)
    assert len({owner for _, owner, _, _, _ in data.values()}) >= 3
    assert_gates_answer(platform)
    pulled = pulls(platform)

    lose_podmans_database(platform)
    done = platform.mcp("agent", "recover", timeout=300)

    assert all_healthy(platform), done.stdout
    assert_gates_answer(platform)
    assert_nothing_left_to_do(platform)
    assert pulls(platform) == pulled
    assert data_of(platform) == data


# MCP-A3: The same with the agent stopped: `mcp-agent recover` by itself.
def test_recover_after_the_loss_of_podmans_database_without_an_agent(platform, kept_zones):
    write_data(platform)
    data = data_of(platform)
    pulled = pulls(platform)
    platform.stop()

    lose_podmans_database(platform)
    done = platform.store.run(platform.base / "mcp-agent", "recover", "--config", platform.config,
                              timeout=300)

    assert_gates_answer(platform)
    platform.start()
    eventually(lambda: all_healthy(platform), f"all twelve are healthy after {done.stdout}")
    assert_nothing_left_to_do(platform)
    assert pulls(platform) == pulled
    assert data_of(platform) == data


# MCP-A4: The same with the registry removed too: `mcp-agent rebuild`, then `mcp-agent recover`.
def test_recover_after_the_loss_of_registry_and_podmans_database(platform, kept_zones):
    write_data(platform)
    data = data_of(platform)
    pulled = pulls(platform)
    generations = platform.sql("SELECT name, generation FROM services ORDER BY name")
    platform.stop()
    for path in platform.state.glob("mcp.db*"):
        path.unlink()
    lose_podmans_database(platform)

    for command in (["rebuild", "--yes"], ["recover"]):
        done = platform.store.run(platform.base / "mcp-agent", *command, "--config",
                                  platform.config, timeout=300)

    assert_gates_answer(platform)
    platform.start()
    eventually(lambda: all_healthy(platform), f"all twelve are healthy after {done.stdout}")
    assert_nothing_left_to_do(platform)
    assert platform.sql("SELECT name, generation FROM services ORDER BY name") == generations
    assert pulls(platform) == pulled
    assert data_of(platform) == data


def reboot(node):
    """What a power cut and the next boot do, as far as the agent can tell."""
    node.stop()
    node.store.reboot()
    node.sql(f"UPDATE node SET boot_id = '{uuid.uuid4()}'")


# MCP-A5: After a reboot (no process left, runtime folder empty, another boot id) the agent brings
# everything up by itself, in an order that satisfies stages and edges.
def test_a_reboot_brings_everything_up_in_order(platform):
    former = last_run(platform)["id"]
    reboot(platform)

    platform.start()

    eventually(lambda: last_run(platform)["state"] == "done", "the boot run is done", 300)
    run = last_run(platform)
    assert (run["reason"], run["id"] > former) == ("reboot", True)
    assert_boot_order(platform, run["id"])
    eventually(lambda: all_healthy(platform), "all twelve are healthy")
    assert_gates_answer(platform)


# MCP-A5: An agent killed in the middle of a boot run goes on with that run, and starts nothing
# again that was healthy.
def test_an_agent_killed_mid_boot_goes_on_where_it_was(platform):
    former = last_run(platform)["id"]
    reboot(platform)
    platform.start()

    def some_are_healthy():
        items = boot_items(platform)
        healthy = {key for key, item in items.items() if item["state"] == "healthy"}
        return healthy if last_run(platform)["id"] > former and len(healthy) >= 4 else None

    healthy = eventually(some_are_healthy, "four items are healthy", 300)
    platform.kill()
    assert len(healthy) < 12
    run = last_run(platform)
    assert run["state"] == "running"
    items = boot_items(platform)
    healthy = {key for key, item in items.items() if item["state"] == "healthy"}
    names = {row["service"] + "/" + row["name"]: row["container"]
             for row in platform.sql("SELECT service, name, container FROM components")}
    before = {names[key]: platform.identities()[names[key]] for key in healthy}

    platform.start()

    eventually(lambda: last_run(platform)["state"] == "done", "the boot run is done", 300)
    assert last_run(platform)["id"] == run["id"]
    after = platform.identities()
    assert {name: after[name] for name in before} == before
    assert_boot_order(platform, run["id"])
    eventually(lambda: all_healthy(platform), "all twelve are healthy")
