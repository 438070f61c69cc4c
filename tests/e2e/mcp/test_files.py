"""Files of services: listed, pulled and pushed, those of the containers' own users too."""
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time

import pytest
from definitions import shell
from mcp_node import BIN, eventually

USAGE, NOT_FOUND, DENIED, CONFLICT, PARTIAL, NO_SPACE = 2, 3, 4, 6, 7, 25
MIB = 1 << 20

# Its files are those of another user of the namespace than the container's root.
WRITER = """mkdir -p /srv/box/theirs
echo theirs > /srv/box/theirs/file
chown -R 1000:1001 /srv/box/theirs
chmod 0700 /srv/box/theirs
chmod 0600 /srv/box/theirs/file
echo ready
sleep 100000
"""


@pytest.fixture(scope="module")
def node(bare_node):
    shutil.copy2(BIN / "mcp-ns", bare_node.base / "mcp-ns")
    bare_node.start()
    bare_node.define("box", shell("box", WRITER))
    bare_node.mcp("deploy", "box", "--init")
    eventually(lambda: in_namespace(bare_node, "ls", box(bare_node) / "theirs/file"),
               "the container has written")
    return bare_node


def box(node):
    return node.srv / "box"


def in_namespace(node, *argv):
    return node.store.run("podman", "unshare", *argv, check=False).stdout


def digest(content):
    return hashlib.sha256(content).hexdigest()


def source(tmp_path, name, content=b"content\n", mode=0o644):
    path = tmp_path / name
    path.write_bytes(content)
    os.chmod(path, mode)
    return path


def put_by_hand(node, name, content=b"there\n", mode=0o640):
    path = box(node) / name
    path.write_bytes(content)
    os.chown(path, 850, 850)
    os.chmod(path, mode)
    return path


def partials(node):
    return [path.name for path in box(node).rglob(".mcp-push-*")]


def helpers(node):
    return [name for name in node.containers() if name.startswith("mcp_files")]


def test_what_was_pushed_comes_back_the_same(node, tmp_path):
    content = os.urandom(3 * MIB + 12345)
    path = source(tmp_path, "data.bin", content, 0o604)

    pushed = node.mcp_json("push", "box", path)
    node.mcp("pull", "box", "data.bin", tmp_path / "back.bin")

    there = box(node) / "data.bin"
    assert pushed["sha256"] == digest(content) and pushed["path"] == "data.bin"
    assert there.read_bytes() == content
    assert (there.stat().st_uid, there.stat().st_gid) == (850, 850)
    assert there.stat().st_mode & 0o7777 == 0o604
    assert (tmp_path / "back.bin").read_bytes() == content
    assert (tmp_path / "back.bin").stat().st_mode & 0o7777 == 0o604
    assert not partials(node)
    events = node.mcp("events").stdout
    assert "box/data.bin was put there by" in events and digest(content) in events


def test_an_empty_file_goes_both_ways(node, tmp_path):
    node.mcp("push", "box", source(tmp_path, "empty", b""))
    assert node.mcp("pull", "box", "empty", "-").stdout == ""
    assert (box(node) / "empty").stat().st_size == 0


def test_where_files_go_is_as_with_cp(node, tmp_path):
    conf = node.make_folder(box(node) / "conf")
    one, two = source(tmp_path, "one", b"1"), source(tmp_path, "two", b"2")

    node.mcp("push", "box", one, "conf")
    node.mcp("push", "box", one, "conf/renamed")
    node.mcp("push", "box", one, two, "conf")
    node.mcp("push", "box", two, "/srv/box/conf/")

    assert sorted(path.name for path in conf.iterdir()) == ["one", "renamed", "two"]
    assert (conf / "renamed").read_bytes() == b"1"
    refused = node.mcp("push", "box", one, "nowhere/", code=NOT_FOUND)
    assert "push makes none" in refused.stderr
    refused = node.mcp("push", "box", one, two, "conf/one", code=USAGE)
    assert "no directory" in refused.stderr
    would = node.mcp("push", "box", one, "conf/third", "--dry-run")
    assert "box/conf/third" in would.stdout and not (conf / "third").exists()


def test_modes_are_kept_and_keys_are_for_their_owner_alone(node, tmp_path):
    key = b"-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"
    for name, content, mode, expected in (
            ("plain", b"x", 0o755, 0o755), ("sly", b"x", 0o4755, 0o755), ("a.key", b"x", 0o644, 0o600),
            ("k.pem", key, 0o640, 0o600), ("cert.pem", b"-----BEGIN CERTIFICATE-----", 0o644, 0o644),
            ("private", b"x", 0o600, 0o600), ("own.key", b"x", 0o400, 0o400)):
        node.mcp("push", "box", source(tmp_path, name, content, mode))
        assert (box(node) / name).stat().st_mode & 0o7777 == expected, name


def test_ls_shows_what_is_there(node):
    folder = node.make_folder(box(node) / "listed")
    node.make_folder(folder / "inner")
    put_by_hand(node, "listed/file", b"12345", 0o640)
    os.symlink("file", folder / "link")

    table = node.mcp("ls", "box", "listed").stdout
    rows = {row["path"]: row for row in node.mcp_json("ls", "box", "listed")["files"]}

    assert max(map(len, table.splitlines())) <= 80
    assert "-rw-r-----  0:0" in table and "link -> file" in table and "inner/" in table
    assert list(rows) == ["file", "inner", "link"]
    assert (rows["file"]["kind"], rows["file"]["mode"], rows["file"]["size_bytes"]) == ("file", 0o640, "5")
    assert node.mcp_json("ls", "box", "listed/file")["files"][0]["path"] == "listed/file"
    assert "is empty" in node.mcp("ls", "box", "listed/inner").stderr


def test_nothing_leads_out_of_the_directory(node, tmp_path):
    secret = node.srv / "secret"
    secret.write_text("of another\n")
    os.chown(secret, 850, 850)
    for name, to in (("out", "../secret"), ("root", "/etc/passwd"), ("up", ".."), ("in", "inner-file")):
        os.symlink(to, box(node) / name)
    put_by_hand(node, "inner-file", b"inside\n")
    os.mkfifo(box(node) / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(box(node) / "sock"))
    try:
        for path in ("out", "root", "up/secret", "../secret", "conf/../../secret", "/etc/passwd", "pipe",
                     "sock"):
            refused = node.mcp("pull", "box", path, "-", code=USAGE)
            assert "MCP-0224" in refused.stderr and not refused.stdout, path
        assert node.mcp("pull", "box", "in", "-").stdout == "inside\n"
        for path in ("up/", "out", "in", "../x", "pipe"):
            node.mcp("push", "box", source(tmp_path, "s"), path, code=USAGE)
        assert secret.read_text() == "of another\n"
        assert (box(node) / "inner-file").read_text() == "inside\n"
        node.mcp("ls", "box", "up", code=USAGE)
    finally:
        listener.close()
        for name in ("out", "root", "up", "in", "pipe", "sock"):
            os.unlink(box(node) / name)


def test_bad_input_is_told_with_the_next_step(node, tmp_path):
    path = source(tmp_path, "file")
    for argv, code, words in (
            (("push", "nothing", path), NOT_FOUND, "mcp list"),
            (("push", "box", tmp_path), USAGE, "one by one"),
            (("push", "box", "/dev/null"), USAGE, "not a regular file"),
            (("push", "box", tmp_path / "missing"), NOT_FOUND, "missing"),
            (("pull", "box", "missing"), NOT_FOUND, "mcp ls box"),
            (("pull", "box", "theirs"), USAGE, "is a directory"),
            (("pull", "box", "data.bin", f"{tmp_path}/no/"), NOT_FOUND, "mkdir"),
            (("ls", "box", "missing"), NOT_FOUND, "mcp ls box"),
            (("ls", "box/box"), USAGE, "not of a component")):
        refused = node.mcp(*argv, code=code)
        assert words in refused.stderr and "hint:" in refused.stderr, argv


def test_files_of_the_containers_users_go_through_the_helper(node, tmp_path):
    before = node.identities()
    own = source(tmp_path, "file", b"ours now\n", 0o600)

    assert node.mcp("pull", "box", "theirs/file", "-").stdout == "theirs\n"
    row = node.mcp_json("ls", "box", "theirs")["files"][0]
    node.mcp("push", "box", own, "theirs/")
    node.mcp("push", "box", source(tmp_path, "new", b"new\n"), "theirs/")

    assert (row["uid"], row["gid"], row["mode"]) == ("1000", "1001", 0o600)
    shown = in_namespace(node, "stat", "-c", "%n %u:%g %a", box(node) / "theirs/file",
                         box(node) / "theirs/new")
    assert "theirs/file 1000:1001 600" in shown and "theirs/new 1000:1001 644" in shown
    assert in_namespace(node, "cat", box(node) / "theirs/file") == "ours now\n"
    assert len(helpers(node)) == 1
    assert set(node.states()) == {"box"}, "nobody sees the helper"
    assert "mcp_files" not in node.mcp("agent", "recover", "--dry-run").stdout
    after = node.identities()
    assert {name: after[name] for name in before} == before


def test_a_file_in_the_open_that_belongs_to_another_user_keeps_its_owner(node, tmp_path):
    put_by_hand(node, "mixed", b"old\n", 0o644)
    in_namespace(node, "chown", "5:6", box(node) / "mixed")

    node.mcp("push", "box", source(tmp_path, "mixed", b"new\n"))

    assert in_namespace(node, "stat", "-c", "%u:%g", box(node) / "mixed").strip() == "5:6"
    assert (box(node) / "mixed").read_bytes() == b"new\n"


def test_a_file_of_the_hosts_users_is_refused_and_stays(node, tmp_path):
    path = put_by_hand(node, "hosts", b"old\n", 0o600)
    os.chown(path, 0, 0)

    refused = node.mcp("push", "box", source(tmp_path, "hosts", b"new\n"), code=DENIED)
    denied = node.mcp("pull", "box", "hosts", "-", code=DENIED)

    assert "MCP-0226" in refused.stderr and "chown" in refused.stderr
    assert "MCP-0226" in denied.stderr
    assert path.read_bytes() == b"old\n"
    assert not partials(node)


def test_the_helper_goes_with_the_agent_and_comes_again(node, tmp_path):
    node.mcp("pull", "box", "theirs/file", "-")
    node.kill()
    eventually(lambda: not helpers(node), "the helper has gone")

    node.start()
    assert node.mcp("pull", "box", "theirs/file", "-").stdout == "ours now\n"
    # One that was killed is replaced by another.
    node.store.podman("kill", helpers(node)[0])
    assert node.mcp("pull", "box", "theirs/file", "-").stdout == "ours now\n"


def test_without_the_helper_it_is_said_what_is_missing(node):
    node.stop()
    os.rename(node.base / "mcp-ns", node.base / "mcp-ns.away")
    try:
        node.start()
        refused = node.mcp("pull", "box", "theirs/file", "-", code=5)
        assert "MCP-0227" in refused.stderr and "mcp-ns" in refused.stderr
        node.mcp("ls", "box")
    finally:
        os.rename(node.base / "mcp-ns.away", node.base / "mcp-ns")


def interrupted_push(node, path, name, how):
    """A push of `path` that is ended in its midst; how much of it has arrived."""
    running = node.mcp_popen("push", "box", path, name)
    try:
        def arrived():
            sizes = [found.stat().st_size for found in box(node).glob(".mcp-push-*")]
            return sizes and sizes[0] > 4 * MIB and sizes[0]
        eventually(arrived, "some of it has arrived")
        running.send_signal(how)
        output, _ = running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait(60)
    assert running.returncode != 0, output
    assert len(partials(node)) == 1
    return next(box(node).glob(".mcp-push-*")).stat().st_size, output


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large"
    block = os.urandom(MIB)
    with open(path, "wb") as out:
        for number in range(192):
            out.write(number.to_bytes(8, "big") + block[8:])
    yield path
    path.unlink()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_push_that_was_ended_goes_on_where_it_was(node, large, how):
    had, output = interrupted_push(node, large, "large", how)
    assert how == signal.SIGKILL or "goes on from there" in output
    node.kill()  # and an agent that knows nothing of it any more
    node.start()
    inode = next(box(node).glob(".mcp-push-*")).stat().st_ino

    node.mcp("push", "box", large, "large")

    there = box(node) / "large"
    assert 0 < had < large.stat().st_size
    assert there.stat().st_ino == inode, "the same file was written on"
    assert digest(there.read_bytes()) == digest(large.read_bytes())
    assert not partials(node)
    there.unlink()


def test_damage_in_what_has_arrived_is_found_and_sent_again(node, large):
    interrupted_push(node, large, "large", signal.SIGKILL)
    with open(next(box(node).glob(".mcp-push-*")), "r+b") as partial:
        partial.seek(MIB + 17)
        partial.write(b"damage")

    node.mcp("push", "box", large, "large")

    assert digest((box(node) / "large").read_bytes()) == digest(large.read_bytes())
    (box(node) / "large").unlink()


def test_what_was_left_is_removed_after_a_day(node, large, tmp_path):
    interrupted_push(node, large, "large", signal.SIGKILL)
    node.kill()  # nothing that is still on its way makes it younger
    node.start()
    left = next(box(node).glob(".mcp-push-*"))
    yesterday = time.time() - 25 * 3600
    os.utime(left, (yesterday, yesterday))

    node.mcp("push", "box", source(tmp_path, "another"))

    assert not partials(node)


def test_a_full_disk_leaves_the_old_file(node, tmp_path):
    """On a small disk of its own, which the agent alone sees: it is started anew for that."""
    node.stop()
    disk = node.make_folder(node.base / "small")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m,uid=850,gid=850,mode=0750", "tmpfs", disk],
                   check=True)
    try:
        node.make_folder(disk / "box")
        node.start(agent__data_root=str(disk), agent__volume_roots=str(disk))
        node.mcp("push", "box", source(tmp_path, "keep", b"old\n"))
        refused = node.mcp("push", "box", source(tmp_path, "keep", os.urandom(8 * MIB)), code=NO_SPACE)
        assert "MCP-0219" in refused.stderr and "free space below" in refused.stderr
        assert (disk / "box/keep").read_bytes() == b"old\n"

        # It fills up on the way: the check at the beginning has found room.
        sparse = source(tmp_path, "keep", os.urandom(5 * MIB))
        with open(disk / "ballast", "wb") as ballast:
            ballast.write(os.urandom(MIB // 2))
            ballast.flush()
            pushing = node.mcp_popen("push", "box", sparse)
            while pushing.poll() is None:
                try:
                    ballast.write(os.urandom(MIB))
                    ballast.flush()
                except OSError:
                    break
            output, _ = pushing.communicate(timeout=60)
        if pushing.returncode != 0:
            assert pushing.returncode == NO_SPACE, output
            assert (disk / "box/keep").read_bytes() == b"old\n"
        assert not list((disk / "box").glob(".mcp-push-*"))
    finally:
        if node.process:
            node.stop()
        subprocess.run(["umount", "--lazy", disk], check=False)
        node.start()


def test_a_file_that_changes_while_it_is_sent_replaces_nothing(node, large):
    put_by_hand(node, "large", b"old\n")
    running = node.mcp_popen("push", "box", large, "large")
    try:
        eventually(lambda: partials(node), "it has begun")
        with open(large, "ab") as out:
            out.write(b"more")
        output, _ = running.communicate(timeout=60)
    finally:
        if running.poll() is None:
            running.kill()
            running.wait(60)
    assert running.returncode == CONFLICT, output
    assert "MCP-0225" in output
    assert (box(node) / "large").read_bytes() == b"old\n"
