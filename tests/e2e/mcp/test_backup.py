"""Backups of a node with services that run: made, looked at, restored, undone."""
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile

import pytest
from backups import Backups
from definitions import shell, web
from mcp_node import eventually

DAMAGED, REFUSED, WRONG_KEY, CONFLICT, PARTIAL, NO_SPACE = 23, 21, 24, 6, 7, 25

METRICS = "127.0.0.1:21990"

# Writes as another user of the namespace than the container's root, so that the file's owner is a
# subordinate id on the host.
WRITER = """mkdir -p /srv/writer/deep
echo hello > /srv/writer/deep/file
chown 1000:1001 /srv/writer/deep/file
chmod 0600 /srv/writer/deep/file
echo ready
sleep 100000
"""


@pytest.fixture(scope="module")
def backups(bare_node):
    made = Backups(bare_node)
    bare_node.start(metrics__addr=METRICS)
    bare_node.define("web", web("web"))
    bare_node.define("writer", shell("writer", WRITER))
    bare_node.mcp("deploy", "web", "--init")
    bare_node.mcp("deploy", "writer")
    (bare_node.srv / "web/index").write_text("first\n")
    eventually((bare_node.srv / "writer/deep/file").exists, "the writer has written")
    return made


@pytest.fixture(scope="module")
def point(backups):
    return backups.create("--images", "none")["id"]


def in_namespace(node, *argv):
    return node.store.run("podman", "unshare", *argv).stdout


def test_create_stops_nothing_and_lists_what_it_made(backups):
    node = backups.node
    before = node.identities()

    made = backups.create("--images", "none", "--tag", "why=test")

    assert made["extent"] == "whole" and made["stored"]
    assert set(made["units"]) == {"web", "writer", "mcp"}
    assert node.identities() == before
    rows = json.loads(backups.command("--json", "list").stdout)
    assert rows[0]["id"] == made["id"] and rows[0]["state"] == "whole"
    assert backups.command("status").stdout.startswith("points")
    names = sorted(path.name for path in backups.vault.iterdir())
    assert not [name for name in names if name.endswith(".partial")]


# REC-A3: age, zstd and tar alone, and our own restore, make the same tree of a point of live
# services, files of subordinate ids included; minisign accepts it.
def test_programs_and_restore_make_the_same_tree(backups, point, tmp_path):
    node = backups.node
    archive = backups.archive(point)
    subprocess.run(["minisign", "-V", "-q", "-m", archive, "-p", backups.signer], check=True)
    by_hand = node.make_folder(node.base / "by-hand")
    in_namespace(node, "sh", "-ec",
                 f"age -d -i {backups.identity} {archive} | zstd -d | tar -x -p -C {by_hand}")
    ours = node.base / "ours"
    node.make_folder(ours)

    # Owners are given inside of the namespace, where the command is run as in an operator's shell.
    in_namespace(node, node.base / "mcp-agent", "--config", node.config, "backup", "restore", point,
                 "--identity", backups.identity, "--to", ours / "tree")

    def described(root):
        return in_namespace(node, "sh", "-ec", f"cd {root} && find . -printf '%p %y %m %U %G %T@ %l\\n'"
                            " | sort && find . -type f | sort | xargs sha256sum")

    for unit in ("web", "writer"):
        assert described(ours / "tree" / unit) == described(by_hand / unit)
        assert "1000 1001" in described(by_hand / "writer")
    shutil.rmtree(tmp_path)


def test_restore_in_place_brings_files_and_owners_back(backups, point):
    node = backups.node
    in_namespace(node, "rm", "-rf", node.srv / "writer")
    (node.srv / "web/index").write_text("changed\n")

    refused = backups.open("restore", point, "--service", "writer", "--yes", code=CONFLICT)
    assert "mcp stop writer" in refused.stderr
    backups.open("restore", point, "--service", "writer", "--in-place", "--yes")

    shown = in_namespace(node, "stat", "-c", "%u:%g %a", node.srv / "writer/deep/file")
    assert shown.strip() == "1000:1001 600"
    node.wait_for_state("writer", "healthy")
    assert (node.srv / "web/index").read_text() == "changed\n", "the other unit is as it was"

    older = backups.open("restore", point, "--service", "web", "--in-place", "--yes", code=REFUSED)
    assert "--older-ok" in older.stderr
    assert (node.srv / "web/index").read_text() == "changed\n"
    backups.open("restore", point, "--service", "web", "--in-place", "--older-ok", "--yes")
    assert (node.srv / "web/index").read_text() == "first\n"
    node.wait_for_state("web", "healthy")

    assert "mcp stop web" in backups.command("undo", "--yes", code=CONFLICT).stderr
    node.mcp("stop", "web")
    backups.command("undo", "--yes")
    assert (node.srv / "web/index").read_text() == "changed\n"
    node.mcp("start", "web")
    assert [path for path in (node.srv / ".trash").iterdir() if path.name.startswith("web-")]


def test_show_prints_a_file_and_verify_finds_all_in_order(backups, point):
    assert backups.open("show", point, "web/index").stdout == "first\n"
    manifest = json.loads(backups.open("show", point, "--json").stdout)
    assert manifest["id"] == point
    registry = next(f for f in manifest["files"] if f["path"] == "mcp/mcp.db")
    assert registry["database"]["rows"]["services"] == 2
    assert "in order" in backups.open("verify", point, "--deep").stdout
    rows = json.loads(backups.command("--json", "list").stdout)
    assert next(row for row in rows if row["id"] == point)["verified_ms"] > 0


def test_wrong_keys_and_damage_have_their_exit_codes(backups, point):
    other = backups.node.base / "keys/other.txt"
    subprocess.run(["age-keygen", "-o", other], check=True, capture_output=True)
    os.chown(other, 850, 850)
    wrong = backups.command("verify", point, "--identity", other, code=WRONG_KEY)
    assert "no key opens it" in wrong.stdout
    backups.command("restore", point, "--identity", other, "--to", backups.node.srv / "x", code=WRONG_KEY)

    vault = backups.node.make_folder(backups.node.base / "damaged", 0o700)
    for path in backups.vault.glob(point + "*"):
        shutil.copy(path, vault)
    archive = vault / backups.archive(point).name
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    for path in vault.iterdir():
        os.chown(path, 850, 850)
    url = f"file://{vault}"
    backups.open("verify", point, "--from", url, code=DAMAGED)
    backups.open("restore", point, "--from", url, "--to", backups.node.srv / "y", code=DAMAGED)
    assert not (backups.node.srv / "y/web").exists()
    (vault / f"{point}.tar.zst.age.minisig").unlink()
    unsigned = backups.open("restore", point, "--from", url, "--yes", code=REFUSED)
    assert "not signed" in unsigned.stderr


def test_registry_is_not_restored_under_a_running_agent(backups, point):
    before = backups.node.database.stat().st_ino

    refused = backups.open("restore", point, "--older-ok", "--in-place", "--yes", code=CONFLICT)

    assert "mcp-agent" in refused.stderr
    assert backups.node.database.stat().st_ino == before


# REC-A14: A scheduled create on a full disk, one whose target is missing and one of a corrupt database
# each have their exit code and raise an alert that `backup status`, `mcp agent status` and /metrics show.
def test_failures_raise_alerts(backups):
    node = backups.node

    def metric():
        page = node.in_netns("curl", "-sf", f"http://{METRICS}/metrics").stdout
        return re.search(r"^mc_mcp_agent_backup_alerts_total (\d)", page, re.M)[1]

    def alert_of():
        status = backups.command("status", code=1).stdout
        assert metric() == "1"
        assert "ALERT" in status
        assert "ALERT" in node.mcp("agent", "status").stdout
        return status

    moved = backups.vault.with_name("away")
    backups.vault.rename(moved)
    backups.command("create", "--scheduled", "--images", "none", code=5)
    assert "vault" in alert_of()
    moved.rename(backups.vault)

    database = node.srv / "web/broken.db"
    database.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    backups.command("create", "--scheduled", "--images", "none", code=PARTIAL)
    assert "broken.db" in alert_of()
    database.unlink()

    full = node.base / "full"
    full.mkdir()
    subprocess.run([*node.store.in_netns(), "mount", "-t", "tmpfs", "-o",
                    "size=256k,uid=850,gid=850,mode=700", "tmpfs", full], check=True)
    try:
        (node.srv / "web/noise").write_bytes(os.urandom(1 << 20))
        text = node.config.read_text()
        node.config.write_text(text.replace(str(backups.vault), str(full)))
        backups.command("create", "--scheduled", "--images", "none", code=NO_SPACE)
        assert "space" in alert_of()
        assert not list(full.iterdir()), "what was begun is gone"
    finally:
        node.config.write_text(text)
        subprocess.run(["umount", full], check=True)
    (node.srv / "web/noise").unlink()

    backups.create("--scheduled", "--images", "none")
    assert "ALERT" not in backups.command("status").stdout
    assert "ALERT" not in node.mcp("agent", "status").stdout
    assert metric() == "0"


def test_a_new_version_is_preceded_by_a_point(backups):
    node = backups.node
    before = {row["id"] for row in json.loads(backups.command("--json", "list").stdout)}
    (node.srv / "web/index").write_text("of the old version\n")

    node.define("web", web("web", value="v2"))
    done = node.mcp("deploy", "web")

    made = [row for row in json.loads(backups.command("--json", "list").stdout)
            if row["id"] not in before]
    assert len(made) == 1 and made[0]["id"] in done.stdout + done.stderr
    shown = json.loads(backups.open("show", made[0]["id"], "--json").stdout)
    assert [unit["name"] for unit in shown["units"]] == ["web"]
    text = backups.open("show", made[0]["id"], "web/index").stdout
    assert text == "of the old version\n"


def test_without_a_backup_a_new_version_is_refused(backups):
    node = backups.node
    moved = backups.vault.with_name("away")
    backups.vault.rename(moved)
    before = node.identities()
    try:
        node.define("web", web("web", value="v3"))
        refused = node.mcp("deploy", "web", code=None)
        assert refused.returncode != 0 and "--no-backup" in refused.stderr
        assert node.identities() == before
        node.mcp("deploy", "web", "--no-backup", code=2)
        node.mcp("deploy", "web", "--no-backup", "--yes")
    finally:
        moved.rename(backups.vault)
    assert node.identities() != before


def test_the_schedule_makes_a_point_only_when_one_is_due(backups):
    assert json.loads(backups.command("--json", "schedule").stdout)["due"] is False
    before = len(json.loads(backups.command("--json", "list").stdout))
    backups.command("schedule", "--run-missed")
    assert len(json.loads(backups.command("--json", "list").stdout)) == before


def test_mcp_hands_its_backup_commands_to_the_node(backups):
    node = backups.node
    mcp = [node.base / "mcp", "--socket", node.socket]
    rows = node.store.run(*mcp, "--json", "backup", "--config", node.config, "list")
    assert json.loads(rows.stdout) == json.loads(backups.command("--json", "list").stdout)
    wrong = node.store.run(*mcp, "backup", "--config", node.config, "show", "latest", check=False)
    assert wrong.returncode == 2 and "--identity" in wrong.stderr
    recovered = node.store.run(*mcp, "recover", "--config", node.config, "--dry-run", "--identity",
                               backups.identity)
    assert "nothing is missing" in recovered.stdout


# REC-A4: A point that `create --format gpg` makes opens with gpg, and one file of it is shown by us; an
# archive made by hand with tar and gpg comes back with `restore`, copies of databases under their names.
def test_gpg_both_ways(backups):
    node = backups.node
    words = node.make_folder(node.base / "words", 0o700) / "passphrase"
    node.store.run("sh", "-c", f"umask 077; echo 'correct horse' > {words}")
    home = node.make_folder(node.base / "gnupg", 0o700)
    gpg = f"gpg --homedir {home} -q --batch --pinentry-mode loopback --passphrase-file {words}"
    try:
        made = backups.create("--images", "none", "--format", "gpg", "--passphrase-file", words)
        archive = backups.vault / f"{made['id']}.tar.zst.gpg"
        listed = node.store.run("sh", "-c", f"{gpg} -d {archive} | zstd -d | tar t").stdout
        assert "web/index" in listed and "MANIFEST.json" in listed
        assert backups.command("show", made["id"], "web/index", "--passphrase-file", words).stdout

        old = node.make_folder(node.base / "old")
        node.store.run("sqlite3", old / "app.db.snapshot", "CREATE TABLE t(x); INSERT INTO t VALUES(7)")
        node.store.run("sh", "-c", f"tar cz -C {node.base} old | {gpg} --symmetric --cipher-algo AES256"
                       f" -o {old}/by-hand.tar.gz.gpg")
        back = node.srv / "back"
        done = backups.command("restore", old / "by-hand.tar.gz.gpg", "--to", back,
                               "--passphrase-file", words)
        assert "1 databases" in done.stdout
        assert node.store.run("sqlite3", back / "old/app.db", "SELECT x FROM t").stdout == "7\n"
    finally:
        node.store.run("gpgconf", "--homedir", home, "--kill", "all", check=False)


# A point that somebody has taken from the target shows, and so does one that is signed by nobody.
def test_verify_tells_what_is_missing(backups):
    made = backups.create("--images", "none")
    words = backups.node.base / "words/passphrase"  # of the one point that gpg opens
    backups.open("verify", "all", "--passphrase-file", words)
    archive = backups.archive(made["id"])
    moved = archive.with_name("moved")
    archive.rename(moved)

    found = backups.open("verify", "all", "--passphrase-file", words, code=REFUSED)

    assert f"{made['id']} was stored" in found.stdout
    moved.rename(archive)
    signature = archive.with_name(archive.name + ".minisig")
    moved_signature = archive.with_name("moved")
    signature.rename(moved_signature)
    refused = backups.open("verify", made["id"], code=REFUSED)
    assert "NOT SIGNED" in refused.stdout
    moved_signature.rename(signature)


# A point of one service is made, and is not taken for a backup of the node.
def test_point_of_some_services_satisfies_no_schedule(backups):
    before = json.loads(backups.command("--json", "status").stdout)["last_point"]

    made = backups.create("web", "--images", "none")

    assert made["extent"] == "selection"
    assert json.loads(backups.command("--json", "status").stdout)["last_point"] == before


def test_killed_create_leaves_nothing_that_counts(backups):
    node = backups.node
    (node.srv / "web/noise").write_bytes(os.urandom(64 << 20))
    running = node.store.popen(node.base / "mcp-agent", "--config", node.config, "backup", "create",
                               "--images", "none", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: list(backups.vault.glob("*.partial")), "the point has begun")
    second = backups.command("create", "--images", "none", code=CONFLICT)
    # The process that works is the one inside of the namespace.
    os.kill(int(re.search(r"pid (\d+)", second.stderr)[1]), signal.SIGKILL)
    running.wait(60)

    made = backups.create("--images", "none")

    assert made["extent"] == "whole"
    assert not list(backups.vault.glob("*.partial"))
    (node.srv / "web/noise").unlink()


@pytest.fixture
def vault_host(backups, tmp_path):
    """A real sshd on loopback of the node's network, for the user mcp; gives url and settings."""
    node = backups.node
    keys = node.make_folder(node.base / "ssh", 0o700)
    place = node.make_folder(node.base / "far", 0o700)
    for name in ("host", "client"):
        node.store.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / name)
    (keys / "authorized").write_text((keys / "client.pub").read_text())
    (keys / "known").write_text("[127.0.0.1]:2222 " + (keys / "host.pub").read_text())
    config = tmp_path / "sshd_config"
    config.write_text(f"""ListenAddress 127.0.0.1:2222
HostKey {keys}/host
AuthorizedKeysFile {keys}/authorized
PidFile none
StrictModes no
UsePAM yes
PasswordAuthentication no
Subsystem sftp internal-sftp
""")
    os.makedirs("/run/sshd", exist_ok=True)
    server = subprocess.Popen([*node.store.in_netns(), "/usr/sbin/sshd", "-D", "-e", "-f", config],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    text = node.config.read_text()
    url = f"sftp://mcp@127.0.0.1:2222{place}"
    node.config.write_text(text.replace(
        f'targets = ["file://{backups.vault}"]',
        f'targets = ["file://{backups.vault}", "{url}"]\nssh_identity = "{keys}/client"\n'
        f'ssh_known_hosts = "{keys}/known"'))
    try:
        eventually(lambda: node.in_netns("bash", "-c", "</dev/tcp/127.0.0.1/2222").returncode == 0,
                   "sshd", timeout_s=20)
        yield url, place, keys
    finally:
        node.config.write_text(text)
        server.terminate()
        server.wait(30)


def test_a_target_of_another_machine_has_the_same_point(backups, vault_host):
    url, place, keys = vault_host

    made = backups.create("--images", "none")

    assert made["problems"] == []
    for path in backups.vault.glob(made["id"] + "*"):
        assert (place / path.name).read_bytes() == path.read_bytes()
    assert not list(place.glob("*.partial"))
    rows = json.loads(backups.command("--json", "list", "--from", url).stdout)
    assert [row["id"] for row in rows] == [made["id"]]
    assert "in order" in backups.open("verify", made["id"], "--from", url).stdout
    assert backups.open("show", made["id"], "web/index", "--from", url).stdout
    # Another key than the one that is known: no word is sent to that host.
    (keys / "known").write_text("")
    refused = backups.open("verify", made["id"], "--from", url, code=None)
    assert refused.returncode != 0
    assert "ssh-keyscan" in refused.stdout + refused.stderr


def test_image_is_part_of_the_point_and_loads(backups, tmp_path):
    made = backups.create("web")
    listing = json.loads(backups.open("show", made["id"], "--json").stdout)
    stored = [image["file"] for image in listing["images"] if image["file"]]
    assert stored
    image = tmp_path / "image.tar"
    with open(image, "wb") as out:
        done = subprocess.run(
            backups.node.store.command(backups.node.base / "mcp-agent", "--config",
                                       backups.node.config, "backup", "show", made["id"], stored[0],
                                       "--identity", backups.identity),
            env=backups.node.store.environment(), cwd="/", stdout=out, check=False)
    assert done.returncode == 0
    assert "manifest.json" in tarfile.open(image).getnames()
