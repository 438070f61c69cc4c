"""Scenario 7 for one node: the disk is gone, and so are images and registry. What is left is a backup
elsewhere, the key that opens it and the public key that signs it."""
import hashlib
import shutil
import subprocess
import time

from backups import Backups
from definitions import shell, web
from disaster import report
from mcp_node import eventually

# The restore reads everything once; a boot of the same services is the measure beside it.
RESTORE_BOUND_S = 60

KEEPER = """test -e /srv/keeper/kept || echo kept > /srv/keeper/kept
chown 1000:1000 /srv/keeper/kept
chmod 0600 /srv/keeper/kept
sleep 100000
"""


def wipe(node):
    """Podman's store, the agent's directory and every service's data; what is left is what the
    provisioning of a machine makes: the user, and two empty directories of it."""
    node.kill()
    node.store.reboot()
    shutil.rmtree(node.store.graph_root)
    for root in (node.state, node.srv):
        shutil.rmtree(root)
        node.make_folder(root, 0o755)


def digests(root):
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*")) if path.is_file() and ".trash" not in path.parts}


# One node of the platform: point, key and a fresh machine are enough, with no registry reachable and
# no configuration there.
def test_a_wiped_machine_comes_back_from_point_and_key_alone(bare_node):
    node = bare_node
    backups = Backups(node)
    node.start()
    node.define("web", web("web"))
    node.define("keeper", shell("keeper", KEEPER))
    node.mcp("deploy", "web", "--init")
    node.mcp("deploy", "keeper")
    eventually((node.srv / "keeper/kept").exists, "the keeper has written")
    (node.srv / "web/page").write_text("before the disaster\n")
    data = digests(node.srv)
    services = node.sql("SELECT name, generation, sha256 FROM services ORDER BY name")
    began = time.monotonic()
    node.mcp("boot")
    plain_boot = time.monotonic() - began
    signer = backups.identity.with_name("backup.pub")
    shutil.copy(backups.signer, signer)
    backups.create()
    (node.srv / "web/page").write_text("after the point: lost\n")

    wipe(node)
    began = time.monotonic()
    restored = node.store.run(node.base / "mcp-agent", "backup", "restore", "latest", "--from",
                              f"file://{backups.vault}", "--identity", backups.identity,
                              "--signer", signer, "--yes")
    node.start()
    node.mcp("agent", "recover")
    took = time.monotonic() - began

    assert "every byte checked" in restored.stdout
    for container in ("web", "keeper"):
        node.wait_for_state(container, "healthy")
    assert digests(node.srv) == data
    owner = node.store.run("podman", "unshare", "stat", "-c", "%u:%g %a",
                           node.srv / "keeper/kept").stdout
    assert owner.strip() == "1000:1000 600"
    assert node.sql("SELECT name, generation, sha256 FROM services ORDER BY name") == services
    assert node.mcp("agent", "recover", "--dry-run").returncode == 0
    assert "pull" not in node.log_tail(2000)
    points = backups.command("list", "--json").stdout
    assert "metacircular.net_rift_" in points, "the backups go on where they were"
    report(7, "wiped disk, one node: restore, start, recover", took, RESTORE_BOUND_S + 2 * plain_boot,
           "what was changed after the point")


def test_the_next_backup_goes_on_with_the_chain(bare_node):
    """After the first test: the restored node makes points again."""
    node = bare_node
    done = node.store.run(node.base / "mcp-agent", "--config", node.config, "backup", "--json",
                          "create", "--images", "none", check=False)
    assert done.returncode == 0, done.stderr
    signed = sorted((node.base / "vault").glob("*.minisig"))
    comments = [path.read_text().splitlines()[2] for path in signed]
    numbers = [int(comment.split(" sequence ")[1].split()[0]) for comment in comments]
    assert len(numbers) == len(set(numbers)) == 2
    subprocess.run(["minisign", "-V", "-q", "-m", str(signed[-1])[:-len(".minisig")], "-p",
                    node.state / "recovery/backup.pub"], check=True)
