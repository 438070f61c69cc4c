"""The doctor on a real node: real containers, real owners of files, real podman."""
import json
import os
import subprocess

import pytest
from definitions import BUSYBOX

OWNER = 850
SERVICE = f"""name = "keeper"
version = "v1"

[[components]]
image = "{BUSYBOX}"
network = "none"
user = "1000:1000"
stop_timeout = "0s"
cmd = ["sleep", "1000"]

[components.health]
type = "exec"
cmd = ["true"]
interval = "100ms"
"""
SOUND_HERE = ("uid.pinned", "uid.collision", "subid", "newuidmap", "nnp", "tun", "runtime_dir",
              "runroot", "driver", "registry", "images", "data", "boot", "privileged_ports")


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.define("keeper", SERVICE)
    folder = bare_node.make_folder(bare_node.srv / "keeper", 0o777)
    bare_node.start()
    bare_node.mcp("deploy", "keeper", "--init")
    give(bare_node, folder, 1000)
    return bare_node


def give(node, path, uid):
    """The file, whoever had it, belongs to `uid` inside."""
    os.chown(path, OWNER, OWNER)
    node.store.podman("unshare", "chown", "-R", f"{uid}:{uid}", str(path))


def doctor(node, *argv, as_root=False):
    """exit code, findings by id, what was said beside them."""
    command = [str(node.base / "mcp-agent"), "doctor", "--config", str(node.config), "--json",
               "--offline", *argv]
    if as_root:
        command = [*node.store.in_netns(), *command]
        env = {"PATH": os.environ["PATH"], "HOME": "/root"}
        done = subprocess.run(command, env=env, text=True, capture_output=True, check=False,
                              timeout=120, cwd="/")
    else:
        done = node.store.run(*command, check=False)
    assert done.stdout, done.stderr
    return (done.returncode, {row["id"]: row for row in json.loads(done.stdout)}, done.stderr)


def test_a_sound_node_is_called_sound(node):
    _, findings, _ = doctor(node)

    for check in SOUND_HERE:
        assert findings[check]["severity"] == "ok", findings[check]
    code, only, _ = doctor(node, "uid.pinned", "data")
    assert (code, only.keys()) == (0, {"uid.pinned", "data"})


# MCP-A8: A file of a uid that no container can have is found; as the agent's user `doctor --fix`
# prints the command for root and changes nothing, as root it gives the file to the container's own
# user, content untouched; the service can then write it.
def test_a_former_uid_is_repaired_by_root_only(node):
    database = node.srv / "keeper/state.db"
    database.write_bytes(b"content")
    os.chown(database, 995, 995)

    code, findings, said = doctor(node, "data", "--fix", "--yes")

    assert code == 2
    assert "outside the map" in findings["data"]["finding"]
    assert "as root: chown -hR --from=995 " in said
    assert database.stat().st_uid == 995

    code, findings, said = doctor(node, "data", "--fix", "--yes", as_root=True)

    assert (code, findings["data"]["severity"]) == (0, "ok"), (findings, said)
    assert database.read_bytes() == b"content"
    node.store.podman("exec", "keeper", "sh", "-c", "echo more >> /srv/keeper/state.db && "
                      "busybox chmod 0600 /srv/keeper/state.db")


# MCP-A8: A file of another id inside the map is told apart from that, and `doctor --fix` repairs it
# as the agent's user, without root.
def test_another_id_inside_the_map_is_repaired_inside_the_namespace(node):
    database = node.srv / "keeper/inner.db"
    database.write_bytes(b"content")
    give(node, database, 1001)
    os.chmod(database, 0o640)

    code, findings, _ = doctor(node, "data")
    assert code == 2
    assert "owned by 1001 inside keeper, which runs as 1000" in findings["data"]["finding"]

    code, findings, said = doctor(node, "data", "--fix", "--yes")

    assert (code, findings["data"]["severity"]) == (0, "ok"), (findings, said)
    assert "podman unshare chown -hR --from=1001 1000:1000" in said
    node.store.podman("exec", "keeper", "sh", "-c", "echo more >> /srv/keeper/inner.db")
    assert database.stat().st_mode & 0o777 == 0o640


def test_a_repair_asks_and_without_a_terminal_does_nothing(node):
    other = node.srv / "keeper/asked.db"
    other.write_bytes(b"content")
    give(node, other, 1001)
    os.chmod(other, 0o640)
    try:
        done = node.store.run(node.base / "mcp-agent", "doctor", "data", "--fix", "--config",
                              node.config, check=False, stdin=subprocess.DEVNULL)
        assert done.returncode != 0
        assert "--yes" in done.stderr
        code, findings, _ = doctor(node, "data")
        assert (code, findings["data"]["severity"]) == (2, "fail")
    finally:
        other.unlink()


def test_a_unit_for_spawn_mode_is_looked_at(node):
    unit = node.base / "bad.service"
    unit.write_text("[Service]\nKillMode=process\nDelegate=yes\nPrivateDevices=yes\n")

    done = node.run_agent("doctor", "--unit", unit)

    assert done.returncode == 2
    assert f"{unit}:4: PrivateDevices=yes" in done.stdout
