"""A node that lost its registry gets it back from what is left, and no container notices."""
import hashlib
import json
import shutil

import pytest
from definitions import BUSYBOX, STANDIN, shell, web
from mcp_node import eventually

EVENTS_MAX = "50m"  # pulls are counted in podman's events

SITE = f"""name = "site"
version = "v1"

[[components]]
name = "api"
image = "{STANDIN}"
stop_timeout = "1s"

[[components.routes]]
hostname = "site.example"

[components.health]
type = "http"
interval = "100ms"

[[components]]
name = "side"
image = "{BUSYBOX}"
network = "none"
after = ["api"]
stop_timeout = "0s"
cmd = ["sleep", "100000"]

[components.health]
type = "exec"
cmd = ["true"]
interval = "100ms"
"""
RUNNING = {"site-api", "site-side", "fixed"}
FIXED_PORT = 21401


@pytest.fixture(scope="module")
def node(bare_node):
    """A site with an allocated port, a service with a fixed one, and one that is stopped."""
    bare_node.start()
    bare_node.define("site", SITE)
    bare_node.define("fixed", web("fixed", port=FIXED_PORT))
    bare_node.define("halted", shell("halted", "sleep 100000"))
    for name in ("site", "fixed", "halted"):
        bare_node.make_folder(bare_node.srv / name)
        (bare_node.srv / name / "state.db").write_text(f"data of {name}")
        bare_node.mcp("deploy", name, "--init")
    bare_node.mcp("restart", "fixed")
    bare_node.mcp("stop", "halted")
    return bare_node


@pytest.fixture
def stopped(node):
    """The node in order and its agent stopped, whatever the test before has left."""
    if node.process is None:
        node.start()
    eventually(lambda: healthy(node), "the services are healthy")
    node.stop()
    yield node
    for path in node.state.glob("mcp.db.lost-*"):
        path.unlink()


def healthy(node):
    states = node.states()
    return (states.keys() == RUNNING | {"halted"}
            and not any(row.get("drift") for row in states.values())
            and all(states[name]["observed"] == "healthy" for name in RUNNING))


def lose_registry(node):
    for path in node.state.glob("mcp.db*"):
        path.unlink()


def lose_mirror(node):
    shutil.rmtree(node.state / "specs")


def rebuild(node, *argv, code=0):
    done = node.run_agent("rebuild", "--config", node.config, "--no-color", *argv)
    assert done.returncode == code, (argv, done.returncode, done.stdout, done.stderr)
    return done


def plan(node, *argv, code=10):
    """service -> row of the plan; what was left out is under its place."""
    rows = json.loads(rebuild(node, "--dry-run", "--json", *argv, code=code).stdout)["rows"]
    return {row["service"]: row for row in rows}


def registered(node):
    """What of the registry a rebuild must bring back."""
    services = node.sql("SELECT name, generation, sha256, resolved_json FROM services "
                        "ORDER BY name")
    components = node.sql("SELECT service, name, container, sha256, image, image_digest, "
                          "should_run, adopted, container_id FROM components "
                          "ORDER BY service, name")
    return services, components, ports(node)


def ports(node):
    return node.sql("SELECT host_ip, port, protocol, service, component, fixed, route FROM ports "
                    "ORDER BY port")


def assert_nothing_to_do(node):
    local = node.run_agent("recover", "--config", node.config, "--dry-run")
    assert local.returncode == 0, local.stdout + local.stderr
    assert local.stdout.count(" keep ") == 4, local.stdout
    node.start()
    assert node.mcp("agent", "recover", "--dry-run").stdout.count(" keep ") == 4
    eventually(lambda: healthy(node), "the services are healthy")


def site_port(node):
    return node.sql("SELECT port FROM ports WHERE service = 'site' AND fixed = 0")[0]["port"]


def assert_gates_answer(node):
    for port in (FIXED_PORT, site_port(node)):
        answer = node.in_netns("curl", "-s", "--max-time", "10", "-w", "%{http_code}", "-o",
                               "/dev/null", f"http://127.0.0.1:{port}/v1/health")
        assert answer.stdout == "200", (port, answer)


def data_of(node):
    return {str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in node.srv.rglob("*") if path.is_file()}


def pulls(node):
    events = node.store.podman("events", "--stream=false", "--since", "0", "--format",
                               "{{.Status}}").split()
    return sum("pull" in event for event in events)


def test_a_registry_that_is_in_order_is_not_replaced(stopped):
    before = stopped.database.read_bytes()

    refused = rebuild(stopped, "--yes", code=6)

    assert "3 services" in refused.stderr and "--replace" in refused.stderr
    assert stopped.database.read_bytes() == before


def test_a_rebuild_beside_a_running_agent_is_refused(stopped):
    stopped.start()

    refused = rebuild(stopped, "--yes", code=6)

    assert "MCP-0502" in refused.stderr and "systemctl stop mcp-agent" in refused.stderr


def test_wrong_options_are_refused(stopped):
    assert "--definitions DIR" in rebuild(stopped, "--from", "definitions", code=2).stderr
    rebuild(stopped, "--from", "labels", "--definitions", stopped.services, code=2)
    assert "mirror" in rebuild(stopped, "--prefer", "registry", code=2).stderr


def test_with_nothing_left_nothing_is_written(stopped):
    spare = stopped.make_folder(stopped.base / "spare")
    moved = [path.rename(spare / path.name) for path in stopped.state.glob("mcp.db*")]

    refused = rebuild(stopped, "--from", "definitions", "--definitions", spare, "--yes", code=3)

    assert "--init" in refused.stderr
    assert not stopped.database.exists()
    for path in moved:
        path.rename(stopped.state / path.name)


# MCP-A4: With only the registry lost, a rebuild leaves every container as it runs, with ids, start
# times, ports, generations and desired state as they were, and there is nothing to recover.
def test_a_lost_registry_comes_back_and_no_container_notices(stopped):
    before, known = stopped.identities(), registered(stopped)
    lose_registry(stopped)

    planned = plan(stopped)

    assert not stopped.database.exists()
    assert {name: (row["generation"], row["source"], row["action"])
            for name, row in planned.items()} == {
                name: (1, "labels+mirror", "add") for name in ("fixed", "halted", "site")}

    done = rebuild(stopped, "--yes")

    assert "site" in done.stdout and "rebuilt 3 services" in done.stdout
    assert registered(stopped) == known
    assert {row["actor"] for row in stopped.sql("SELECT actor FROM history")} == {"rebuild"}
    assert_nothing_to_do(stopped)
    assert stopped.identities() == before
    assert_gates_answer(stopped)
    assert list(stopped.state.glob("mcp.db.lost-*")) == []


# MCP-A4: With registry and mirror lost, the labels of the containers are enough; what does not run
# stays stopped.
def test_labels_alone_bring_a_registry_back(stopped):
    before, known = stopped.identities(), registered(stopped)
    lose_registry(stopped)
    lose_mirror(stopped)

    assert {row["source"] for row in plan(stopped).values()} == {"labels"}
    rebuild(stopped, "--from", "labels", "--yes")

    assert registered(stopped) == known
    assert (stopped.state / "specs/site.json").exists()
    assert_nothing_to_do(stopped)
    assert stopped.identities() == before


# MCP-A4: Podman's database is removed under the running services, and the registry too: `mcp-agent
# rebuild`, then `mcp-agent recover`, bring each to its gate, on its ports; no image was pulled, and
# no data was touched.
def test_registry_and_podmans_database_lost_together(stopped):
    data, pulled, known = data_of(stopped), pulls(stopped), ports(stopped)
    old = {name: row["id"] for name, row in stopped.containers().items()}
    lose_registry(stopped)
    (stopped.store.graph_root / "libpod/bolt_state.db").unlink()

    rebuild(stopped, "--yes")
    recovered = stopped.run_agent("recover", "--config", stopped.config)

    assert recovered.returncode == 0, recovered.stdout + recovered.stderr
    containers = stopped.containers()
    assert containers.keys() == RUNNING, "halted was stopped, and stays so"
    assert all(row["running"] and row["id"] != old[name] for name, row in containers.items())
    assert ports(stopped) == known
    assert_gates_answer(stopped)
    assert (data_of(stopped), pulls(stopped)) == (data, pulled)
    stopped.start()
    assert stopped.mcp("agent", "recover", "--dry-run").returncode == 0
    assert {name: row["id"] for name, row in stopped.containers().items()} == {
        name: row["id"] for name, row in containers.items()}
    # As it was before, for the tests that follow.
    stopped.mcp("start", "halted")
    stopped.mcp("stop", "halted")


# MCP-A4: The same from the workstation: `mcp sync --init` records the definitions, takes the
# running containers over without a restart and with their ports, and tells which differ and which
# are not there.
def test_sync_init_takes_the_running_containers_over(stopped):
    stopped.make_folder(stopped.srv / "kept")
    stopped.define("kept", f'name = "kept"\nversion = "v1"\n[[components]]\nimage = "{BUSYBOX}"\n'
                           'network = "none"\ncmd = ["sleep", "99999"]\n'
                           '[components.health]\ntype = "none"\n')
    stopped.store.podman("run", "-d", "--name", "kept", "--network", "none", "--user", "0:0",
                         "--restart", "unless-stopped", "--security-opt", "no-new-privileges",
                         "--volume", f"{stopped.srv}/kept:/srv/kept", BUSYBOX, "sleep", "99999")
    stopped.define("fixed", web("fixed", "v2", port=FIXED_PORT))
    stopped.define("absent", shell("absent", "sleep 100000"))
    before, known = stopped.identities(), ports(stopped)
    lose_registry(stopped)
    lose_mirror(stopped)
    stopped.start()

    shown = stopped.mcp("sync", "--init", "--dry-run", code=10).stdout
    assert stopped.sql("SELECT * FROM services") == []
    reply = stopped.mcp_json("sync", "--init")

    states = {row["container"]: row["action"]
              for service in reply["rows"] for row in service.get("containers", [])}
    assert states == {"site-api": "adopted", "site-side": "adopted", "halted": "adopted",
                      "kept": "adopted", "fixed": "differs", "absent": "missing"}
    for container, state in states.items():
        assert any(line.split()[:2] == [container, state] for line in shown.splitlines()), shown
    assert "env.VALUE" in shown
    assert stopped.identities() == before
    assert ports(stopped) == known
    kinds = {name: row["kind"] for name, row in stopped.states().items()}
    assert kinds["kept"] == "adopted"
    generations = {row["name"]: row["generation"]
                   for row in stopped.sql("SELECT name, generation FROM services")}
    assert generations == {"site": 1, "halted": 1, "kept": 1, "absent": 1, "fixed": 2}
    assert stopped.sql("SELECT should_run FROM components WHERE service = 'halted'") == [
        {"should_run": 0}]
    assert_gates_answer(stopped)

    stopped.mcp("undeploy", "kept")
    stopped.mcp("undeploy", "absent")
    stopped.mcp("deploy", "fixed")
    for name in ("kept", "absent"):
        (stopped.services / f"{name}.toml").unlink()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def test_a_conflict_is_shown_and_decided_by_prefer(stopped):
    before, known = stopped.identities(), registered(stopped)
    path = stopped.state / "specs/halted.json"
    edited = json.loads(path.read_text())
    edited["spec"]["components"][0]["cmd"] = ["sh", "-c", "sleep 7"]
    edited["sha256"] = hashlib.sha256(canonical(edited["spec"]).encode()).hexdigest()
    path.write_text(canonical(edited) + "\n")
    lose_registry(stopped)

    refused = rebuild(stopped, "--yes", code=6)

    line = next(line for line in refused.stdout.splitlines() if line.startswith("halted"))
    assert "conflict" in line and "cmd" in line and "--prefer" in line
    assert not stopped.database.exists()
    assert plan(stopped, code=6)["site"]["action"] == "add"
    assert plan(stopped, "--prefer", "mirror")["halted"]["source"] == "mirror"

    rebuild(stopped, "--prefer", "labels", "--yes")

    assert registered(stopped) == known
    assert_nothing_to_do(stopped)
    assert stopped.identities() == before


def test_a_definition_may_be_preferred(stopped):
    lose_registry(stopped)
    stopped.define("halted", shell("halted", "sleep 7"))

    rebuild(stopped, "--definitions", stopped.services, "--yes", code=6)
    chosen = plan(stopped, "--definitions", stopped.services, "--prefer", "definitions")

    assert (chosen["halted"]["generation"], chosen["halted"]["source"]) == (2, "definitions")
    assert chosen["site"]["source"] == "definitions+labels+mirror"
    stopped.define("halted", shell("halted", "sleep 100000"))
    rebuild(stopped, "--definitions", stopped.services, "--yes")


def test_a_damaged_mirror_file_is_named_and_kept(stopped):
    before, known = stopped.identities(), registered(stopped)
    path = stopped.state / "specs/fixed.json"
    torn = path.read_bytes()[:200]
    path.write_bytes(torn)
    lose_registry(stopped)

    done = rebuild(stopped, "--yes")

    assert f"{path}: it is not JSON" in done.stdout
    assert registered(stopped) == known
    kept = list((stopped.state / "specs").glob("fixed.json.damaged-*"))
    assert [file.read_bytes() for file in kept] == [torn]
    assert json.loads(path.read_text())["generation"] == known[0][0]["generation"]
    assert_nothing_to_do(stopped)
    assert stopped.identities() == before


def test_a_damaged_registry_is_kept_as_lost(stopped):
    before, known = stopped.identities(), registered(stopped)
    lose_registry(stopped)
    garbage = b"this was a registry once\n" * 4096
    stopped.database.write_bytes(garbage)
    stopped.start()
    refused = stopped.mcp("sync", code=None)
    assert "MCP-0503" in refused.stderr and "mcp-agent rebuild" in refused.stderr
    stopped.stop()

    done = rebuild(stopped, "--yes")

    lost = [path for path in stopped.state.glob("mcp.db.lost-*") if path.read_bytes() == garbage]
    assert len(lost) == 1 and str(lost[0]) in done.stdout
    assert registered(stopped) == known
    assert_nothing_to_do(stopped)
    assert stopped.identities() == before


# MCP-A4: A registry that was begun anew on such a node does not cost the others: the mirror keeps
# what it knows of them, and a rebuild brings them back.
def test_a_registry_begun_anew_leaves_the_mirror_of_the_others(stopped):
    before = stopped.identities()
    files = {path.name: path.read_bytes() for path in (stopped.state / "specs").glob("*.json")}
    lose_registry(stopped)
    refused = stopped.run_agent("recover", "--config", stopped.config)
    assert refused.returncode == 6
    assert "MCP-0501" in refused.stderr and "mcp-agent rebuild" in refused.stderr
    stopped.start()
    assert "mcp-agent rebuild" in stopped.mcp("sync", code=None).stderr

    stopped.mcp("deploy", "fixed", "--init")
    stopped.stop()
    stopped.start()

    assert "mcp-agent rebuild" in stopped.log_tail(60)
    left = {path.name: path.read_bytes() for path in (stopped.state / "specs").glob("*.json")}
    assert left.keys() == files.keys()
    assert all(left[name] == files[name] for name in ("site.json", "halted.json"))
    stopped.stop()

    rebuild(stopped, "--replace", "--yes")

    assert_nothing_to_do(stopped)
    after = stopped.identities()
    assert {name: after[name] for name in ("site-api", "site-side", "halted")} == {
        name: before[name] for name in ("site-api", "site-side", "halted")}
