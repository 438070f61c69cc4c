"""What the agent must never do: touch containers without knowing, or under a wrong name."""
import pytest
from definitions import BUSYBOX, STANDIN, web

UNINITIALIZED, FOREIGN_UID, LOCKED, DAMAGED = "MCP-0501", "MCP-0301", "MCP-0502", "MCP-0503"


@pytest.fixture(scope="module")
def node(bare_node):
    """Twelve containers that no registry knows: six of an operator, six with our labels."""
    for i in range(12):
        labels = ["--label", "mcp.managed=true", "--label", f"mcp.service=lost{i}", "--label",
                  f"mcp.component=lost{i}"] if i % 2 else []
        bare_node.store.podman("run", "-d", "--name", f"lost{i}", "--network", "none", *labels,
                               BUSYBOX, "sleep", "100000")
    return bare_node


@pytest.fixture
def agent(node):
    """A running agent on the node."""
    if node.process is None:
        node.start()
    return node


def lost(identities):
    return {name: row for name, row in identities.items() if name.startswith("lost")}


def remove_registry(node):
    if node.process is not None:
        node.stop()
    for path in node.state.glob("mcp.db*"):
        path.unlink()


# MCP-A12: An empty registry beside twelve running containers, half of them with our labels: the
# start of the agent stops none, all are shown, and no command changes one without --init.
def test_an_empty_registry_touches_no_container(node):
    before = node.identities()
    assert len(before) == 12
    remove_registry(node)
    node.define("lost0", web("lost0"))

    node.start()

    shown = node.states()
    assert shown.keys() == before.keys()
    assert {row["kind"] for row in shown.values()} == {"foreign", "orphan"}
    for command in (["deploy", "lost0"], ["sync"], ["boot"], ["agent", "recover"],
                    ["adopt", "lost0"], ["boot", "--down"]):
        refused = node.mcp(*command, code=None)
        assert refused.returncode != 0, command
        assert UNINITIALIZED in refused.stderr and "--init" in refused.stderr, (command, refused)
    assert node.identities() == before
    node.kill()
    node.start()
    node.stop()
    assert node.identities() == before


# MCP-A12: A damaged registry changes no container and is itself left as it is; the agent says so,
# and refuses to deploy.
def test_a_damaged_registry_touches_no_container(node):
    before = node.identities()
    remove_registry(node)
    garbage = b"this was a registry once\n" * 4096
    node.database.write_bytes(garbage)

    node.start()

    status = node.mcp("agent", "status", code=None)
    assert "unreadable" in status.stdout + status.stderr
    for command in (["deploy", "lost0", "--init"], ["sync", "--init"], ["agent", "recover"]):
        refused = node.mcp(*command, code=None)
        assert refused.returncode != 0, command
        assert DAMAGED in refused.stderr, (command, refused)
    node.stop()
    assert node.database.read_bytes() == garbage
    assert node.identities() == before
    remove_registry(node)


def test_adopt_takes_an_equal_container_as_it_runs(agent):
    agent.make_folder(agent.srv / "kept")
    agent.store.podman("run", "-d", "--name", "kept", "--network", "none", "--user", "0:0",
                       "--restart", "unless-stopped", "--security-opt", "no-new-privileges",
                       "--volume", f"{agent.srv}/kept:/srv/kept", STANDIN, "server")
    agent.define("kept", f'name = "kept"\nversion = "v1"\n[[components]]\nimage = "{STANDIN}"\n'
                         'network = "none"\ncmd = ["serve"]\n[components.health]\ntype = "none"\n')
    before = agent.identities()

    refused = agent.mcp("adopt", "kept", "--init", code=6)

    assert "cmd" in refused.stdout and "serve" in refused.stdout
    assert agent.sql("SELECT * FROM services") == []

    agent.define("kept", (agent.services / "kept.toml").read_text().replace("serve", "server"))
    agent.mcp("adopt", "kept", "--init")

    assert agent.identities() == before
    state = agent.states()["kept"]
    assert (state["kind"], state.get("drift", [])) == ("adopted", [])
    assert agent.mcp("agent", "recover", "--dry-run").returncode == 0
    assert agent.identities() == before


# MCP-A7: An agent that is configured for another uid, or whose registry was written by another,
# refuses to start, names both uids, and touches nothing.
@pytest.mark.parametrize("other", ["configuration", "registry"])
def test_another_uid_is_refused(agent, other):
    before = agent.identities()
    agent.stop()
    if other == "registry":
        agent.sql("UPDATE node SET uid = 851")
    arguments = ["--set", "identity.uid=851"] if other == "configuration" else []

    refused = agent.run_agent("server", "--config", agent.config, *arguments)

    assert refused.returncode not in (0, None)
    assert FOREIGN_UID in refused.stderr
    assert "850" in refused.stderr and "851" in refused.stderr
    assert agent.identities() == before
    if other == "registry":
        agent.sql("UPDATE node SET uid = 850")


def test_a_second_agent_on_the_registry_is_refused(agent):
    before = agent.identities()

    refused = agent.run_agent("server", "--config", agent.config)

    assert refused.returncode != 0
    assert LOCKED in refused.stderr and "hint=" in refused.stderr
    assert agent.mcp("agent", "status").returncode == 0
    assert agent.identities() == before


def test_a_link_below_the_data_root_leads_nowhere_else(agent):
    """Podman would follow it: /srv/linked -> /etc is no way to mount /etc."""
    agent.define("linked", web("linked", port=21311))
    (agent.srv / "linked").symlink_to("/etc")

    refused = agent.mcp("deploy", "linked", "--init", code=None)

    assert refused.returncode == 6, refused.stderr
    assert "MCP-0104" in refused.stderr and "/etc" in refused.stderr
    assert "linked" not in agent.containers()
    (agent.srv / "linked").unlink()


def test_the_twelve_are_still_as_they_were(agent):
    found = lost(agent.identities())

    assert len(found) == 12
    assert all(agent.containers()[name]["running"] for name in found)
