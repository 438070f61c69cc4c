"""A wrong configuration ends the program before it opens anything."""
import os
import subprocess

import mcp_node
import pytest

GOOD = """[socket]
path = "{folder}/state/admin.sock"

[database]
path = "{folder}/state/mcp.db"

[node]
name = "rift"

[podman]
mode = "spawn"

[agent]
watch_interval = "30s"
"""

# change of the good file -> where it is reported, what is said, what helps
AGENT_MISTAKES = {
    "an unknown key": ('name = "rift"', 'name = "rift"\naddressez = { lan = "127.0.0.1" }',
                       "9:1", ["addressez", "addresses"]),
    "a wrong type": ('path = "{folder}/state/mcp.db"', "path = 5", "5:8", ["database.path"]),
    "a wrong choice": ('mode = "spawn"', 'mode = "spwan"', "11:8", ["spawn", "socket", "auto"]),
    "out of range": ('watch_interval = "30s"', 'watch_interval = "2h"', "14:18", ["1s", "1h"]),
    "no TOML": ('name = "rift"', "name = rift", "8:8", []),
    "no such unit": ('watch_interval = "30s"', 'watch_interval = "30 moons"', "14:18", []),
}


def run(program, *argv, **variables):
    return subprocess.run([mcp_node.BIN / program, *argv], capture_output=True, text=True,
                          check=False, timeout=30,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **variables})


# HOUSE-A5: `mcp-agent server` with six kinds of mistakes in its file names file, line, column and
# what helps, ends with 2, and has opened nothing.
@pytest.mark.parametrize("mistake", AGENT_MISTAKES)
def test_the_agent_names_the_mistake(tmp_path, mistake):
    old, new, position, words = AGENT_MISTAKES[mistake]
    assert old in GOOD
    config = tmp_path / "mcp-agent.toml"
    config.write_text(GOOD.replace(old, new).replace("{folder}", str(tmp_path)))

    done = run("mcp-agent", "server", "--config", str(config))

    assert done.returncode == 2, done
    assert f"{config}:{position}" in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr
    assert "hint:" in done.stderr
    assert os.listdir(tmp_path) == ["mcp-agent.toml"]


# HOUSE-A5: All mistakes are reported at once, a missing key too.
def test_the_agent_names_all_mistakes_at_once(tmp_path):
    config = tmp_path / "mcp-agent.toml"
    config.write_text('[podman]\nmode = "spwan"\n[boot]\nstage_timeout = "soon"\n')

    done = run("mcp-agent", "server", "--config", str(config))

    assert done.returncode == 2
    assert f"{config}:2:8" in done.stderr
    assert f"{config}:4:17" in done.stderr
    assert "node.name" in done.stderr
    assert os.listdir(tmp_path) == ["mcp-agent.toml"]


CLI_MISTAKES = {
    "an unknown key": ('[mcp]\nsockt = "/x"\n', "2:1", ["sockt", "socket"]),
    "an unknown section": ('[mpc]\nsocket = "/x"\n', "1:", ["mpc", "mcp"]),
    "a wrong type": ("[mcp]\nsocket = 5\n", "2:10", ["socket"]),
    "no TOML": ("[mcp]\nsocket = /x\n", "2:10", []),
    "a key twice": ('[mcp]\nsocket = "/x"\nsocket = "/y"\n', "3:", ["socket"]),
}


# HOUSE-A5: `mcp` with five kinds of mistakes in its file names file, line, column and what helps,
# and ends with 2 without asking an agent.
@pytest.mark.parametrize("mistake", CLI_MISTAKES)
def test_the_cli_names_the_mistake(tmp_path, mistake):
    text, position, words = CLI_MISTAKES[mistake]
    config = tmp_path / "mcp.toml"
    config.write_text(text)

    done = run("mcp", "--config", str(config), "ps")

    assert done.returncode == 2, done
    assert f"{config}:{position}" in done.stderr, done.stderr
    for word in words:
        assert word in done.stderr
    assert "hint:" in done.stderr


# HOUSE-A5: mc-standin has no file; a mistake in its environment names the variable and ends with 2.
@pytest.mark.parametrize("listen", ["dns=here:53", "dns", "smtp=127.0.0.1:25", "http=127.0.0.1:x",
                                    "http=127.0.0.1:70000"])
def test_the_standin_names_the_mistake(listen):
    done = run("mc-standin", STANDIN_SERVICE="mcns", STANDIN_LISTEN=listen)

    assert done.returncode == 2
    assert done.stderr.startswith("error: STANDIN_LISTEN: ")
    assert "\nhint: " in done.stderr
