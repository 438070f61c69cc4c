"""Images: the node comes back from a wiped store with no registry that answers."""
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile

import pytest
from definitions import BUSYBOX, shell, web
from mcp_node import REGISTRY, eventually

NAMES = f"{REGISTRY}/names:v1.0.0"  # no such host: nothing is ever pulled here
SHOP = f"{REGISTRY}/shop:v1.0.0"
NO_SPACE, PARTIAL, PRECONDITION = 25, 7, 6  # of the CLI's exit codes


def definition(name, image, tier, port):
    return f'tier = "{tier}"\n' + web(name, port=port).replace(f"{REGISTRY}/mcq:v0.4.2", image)


def archive_of(node, reference):
    stem = reference.replace("/", "_").replace(":", "_").replace("@", "_")
    return node.state / "images" / f"{stem}.tar"


def image_id(node, reference):
    return node.store.podman("image", "inspect", "-f", "{{.Id}}", reference)


def config_of(archive):
    with tarfile.open(archive) as opened:
        manifest = json.load(opened.extractfile("manifest.json"))
    return [(image["Config"].removesuffix(".json"), image["RepoTags"]) for image in manifest]


def rows(node):
    return {row["reference"]: row for row in node.mcp_json("image", "ls")["images"]}


def events(node, kind):
    lines = node.mcp("--json", "events").stdout.splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind]


def partials(node):
    return list((node.state / "images").glob("*.partial"))


@pytest.fixture(scope="module")
def node(bare_node):
    bare_node.store.podman("tag", f"{REGISTRY}/mcq:v0.4.2", NAMES)
    bare_node.store.podman("tag", f"{REGISTRY}/mcr:v1.2.1", SHOP)
    bare_node.define("names", definition("names", NAMES, "foundation", 21100))
    bare_node.define("shop", definition("shop", SHOP, "services", 21101))
    bare_node.start(agent__watch_interval="1s")
    bare_node.mcp("deploy", "names", "shop", "--init", "--pull", "never")
    return bare_node


def test_a_deploy_of_the_first_tiers_leaves_an_archive(node):
    archive = archive_of(node, NAMES)

    eventually(archive.exists, "the archive of a foundation service")

    assert config_of(archive) == [(image_id(node, NAMES), [NAMES])]
    info, folder = archive.stat(), archive.parent.stat()
    assert (info.st_uid, info.st_mode & 0o777) == (850, 0o640)
    assert (folder.st_uid, folder.st_mode & 0o777) == (850, 0o750)
    # Of a service of a later tier there is none.
    assert not archive_of(node, SHOP).exists()
    assert eventually(lambda: [event for event in events(node, "image")
                               if event["service"] == "names"], "the event that says so")


def test_ls_tells_what_is_used_stored_and_archived(node):
    listed = rows(node)

    names, shop = listed[NAMES], listed[SHOP]
    assert names["in_store"] and names["archive_state"] == "same"
    assert names["archive"] == str(archive_of(node, NAMES))
    assert names["used_by"] == ["names/names"] and names["stage"] == "foundation"
    assert names["id"] == image_id(node, NAMES)
    assert int(names["size_bytes"]) > 1_000_000
    assert shop["in_store"] and not shop["archive"] and shop["stage"] == "services"

    table = node.mcp("image", "ls").stdout.splitlines()
    assert table[0].split() == ["IMAGE", "SIZE", "STORE", "STAGE", "USED", "BY", "ARCHIVE"]
    assert [line.split()[0] for line in table[1:]] == ["names:v1.0.0", "shop:v1.0.0"]
    assert table[2].endswith("-")


def test_save_writes_what_is_missing_and_leaves_the_rest(node):
    before = archive_of(node, NAMES).stat()

    planned = node.mcp("image", "save", "--all", "--dry-run").stdout
    assert f"would save {SHOP}" in planned and not archive_of(node, SHOP).exists()
    done = node.mcp("image", "save", "--all")

    assert f"same {NAMES}" in done.stdout and f"saved {SHOP}" in done.stdout
    assert archive_of(node, NAMES).stat().st_mtime_ns == before.st_mtime_ns
    assert config_of(archive_of(node, SHOP)) == [(image_id(node, SHOP), [SHOP])]
    again = node.mcp("--json", "image", "save", "--tier", "services").stdout.splitlines()
    assert [(row["reference"], row["action"]) for row in map(json.loads, again)] == [
        (SHOP, "same")]
    assert not partials(node)


def test_save_of_one_image_that_nobody_uses_and_of_none(node):
    saved = node.mcp("image", "save", BUSYBOX)

    assert saved.stdout.startswith(f"saved {BUSYBOX} as {archive_of(node, BUSYBOX)}")
    unused = rows(node)[BUSYBOX]
    assert not unused["used_by"] and unused["archive_state"] == "same"
    mixed = node.mcp("image", "save", BUSYBOX, f"{REGISTRY}/nothing:v1", code=PARTIAL)
    assert "same" in mixed.stdout and "error[MCP-0201]" in mixed.stderr
    absent = node.mcp("image", "save", f"{REGISTRY}/nothing:v1", code=PRECONDITION)
    assert "hint: mcp image ls" in absent.stderr
    assert "--all" in node.mcp("image", "save", code=2).stderr
    assert "foundation" in node.mcp("image", "save", "--tier", "cellar", code=2).stderr
    archive_of(node, BUSYBOX).unlink()


# What is damaged, of another image, or cut, is not taken for the archive of the image.
@pytest.mark.parametrize("damage", ["cut", "other", "empty"])
def test_an_archive_that_does_not_hold_the_image_is_replaced(node, damage):
    archive = archive_of(node, SHOP)
    content = archive.read_bytes()
    if damage == "cut":
        archive.write_bytes(content[:len(content) // 2])
    elif damage == "other":
        shutil.copy(archive_of(node, NAMES), archive)
    else:
        archive.write_bytes(b"")
    assert rows(node)[SHOP]["archive_state"] == ("differs" if damage == "other" else "unreadable")

    assert f"saved {SHOP}" in node.mcp("image", "save", SHOP).stdout

    assert config_of(archive) == [(image_id(node, SHOP), [SHOP])]
    assert rows(node)[SHOP]["archive_state"] == "same"


def test_a_deploy_of_another_image_under_the_same_name_replaces_the_archive(node):
    former = image_id(node, NAMES)
    node.store.podman("tag", f"{REGISTRY}/mcr-web:v1.3.2", NAMES)
    assert image_id(node, NAMES) != former

    node.mcp("deploy", "names", "--pull", "never")

    eventually(lambda: config_of(archive_of(node, NAMES)) == [(image_id(node, NAMES), [NAMES])],
               "the archive holds the new image")
    assert not partials(node)


def wipe_images(node, *references):
    """No container of them, and podman knows neither name nor layers."""
    node.store.podman("rm", "--all", "--force", "--time", "0")
    for reference in references:
        node.store.podman("rmi", "--force", image_id(node, reference))


# The store has lost the images, no registry answers: recover loads the archives.
def test_recover_brings_lost_images_back_from_their_archives(node):
    node.stop()
    lost = {reference: image_id(node, reference) for reference in (NAMES, SHOP)}
    wipe_images(node, NAMES, SHOP)
    assert node.store.run("podman", "image", "exists", NAMES, check=False).returncode != 0
    node.start(agent__watch_interval="1s")
    listed = rows(node)
    assert not listed[NAMES]["in_store"] and listed[NAMES]["archive_state"] == "only"

    planned = node.mcp("agent", "recover", "--dry-run", code=10).stdout
    assert "load-image" in planned
    node.mcp("agent", "recover")

    assert {reference: image_id(node, reference) for reference in lost} == lost
    for name in ("names", "shop"):
        assert not node.wait_for_state(name, "healthy").get("drift")
    assert node.mcp("agent", "recover", "--dry-run").returncode == 0
    assert node.store.podman("events", "--stream=false", "--filter", "event=pull") == ""


# The same on a boot: podman's whole store is new, as on a new disk.
def test_a_boot_on_an_empty_store_needs_no_registry(node):
    node.kill()
    node.store.reboot()
    shutil.rmtree(node.store.graph_root)
    assert node.store.podman("images", "-q") == ""

    node.start(agent__watch_interval="1s")
    node.mcp("boot")

    for name in ("names", "shop"):
        node.wait_for_state(name, "healthy")
    assert sorted(node.store.podman("images", "--format", "{{.Repository}}:{{.Tag}}").split()) == [
        NAMES, SHOP]


# An image that is pinned by its digest comes back, though no archive keeps a digest.
def test_an_image_pinned_by_digest_survives(node, standins):
    node.load_images(standins)
    digest = node.store.podman("image", "inspect", "-f", "{{.Digest}}",
                               f"{REGISTRY}/mcq:v0.4.2")
    pinned = f"{REGISTRY}/mcq@{digest}"
    node.define("pinned", definition("pinned", pinned, "foundation", 21102))
    node.mcp("deploy", "pinned", "--pull", "never")
    archive = archive_of(node, pinned)
    eventually(archive.exists, "the archive of the pinned image")
    identity = image_id(node, pinned)
    assert config_of(archive) == [(identity, [])]
    node.stop()
    node.store.podman("rm", "--force", "--time", "0", "pinned")
    node.store.podman("rmi", "--force", identity)

    for _ in range(2):  # the second time the image is there without its name
        node.start(agent__watch_interval="1s")
        node.mcp("agent", "recover")
        assert node.wait_for_state("pinned", "healthy")
        node.stop()
        node.store.podman("rm", "--force", "--time", "0", "pinned")

    node.start(agent__watch_interval="1s")
    node.mcp("undeploy", "pinned", "--yes")
    archive.unlink()


def test_load_brings_in_what_lies_on_the_node(node, standins):
    given = node.state / "given.tar"
    shutil.copy(standins, given)
    os.chmod(given, 0o644)
    node.store.podman("rmi", "--force", f"{REGISTRY}/mcq:v0.4.2", check=False)

    assert "would load" in node.mcp("image", "load", given, "--dry-run").stdout
    loaded = node.mcp("image", "load", given).stdout.splitlines()

    assert f"loaded {REGISTRY}/mcq:v0.4.2" in loaded
    assert node.store.run("podman", "image", "exists", f"{REGISTRY}/mcq:v0.4.2").returncode == 0
    # What `mcp image save` wrote, packed.
    for program, suffix in (("gzip", "gz"), ("zstd", "zst")):
        packed = node.state / f"packed.tar.{suffix}"
        with open(packed, "wb") as out:
            subprocess.run([program, "-qc", archive_of(node, SHOP)], stdout=out, check=True)
        assert node.mcp("image", "load", packed).stdout == f"loaded {SHOP}\n"


def test_load_says_what_is_wrong_with_a_file(node):
    absent = node.mcp("image", "load", node.state / "absent.tar", code=3)
    assert "MCP-0223" in absent.stderr and "path is one of the node" in absent.stderr
    broken = node.state / "broken.tar"
    broken.write_bytes(b"no archive at all" * 100)
    refused = node.mcp("image", "load", broken, code=2)
    assert "MCP-0223" in refused.stderr and "oci" not in refused.stderr
    assert "absolute" in node.mcp("image", "load", "x.tar", code=2).stderr
    assert node.mcp("image", "load", "/dev/zero", code=2).stderr.count("is not a file") == 1
    closed = node.state / "closed.tar"
    closed.write_bytes(b"")
    os.chmod(closed, 0)  # and it is root's
    assert "MCP-0223" in node.mcp("image", "load", closed, code=4).stderr


def test_explain_names_the_way_back(node):
    assert "mcp image load" in node.mcp("explain", "MCP-0201").stdout
    assert "podman save" in node.mcp("explain", "MCP-0223").stdout


@pytest.fixture
def small_disk():
    # Not below the store: a mount there would be in every process's mountinfo.
    small = pathlib.Path(tempfile.mkdtemp(prefix="mc-small-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,uid=850,gid=850", "tmpfs", small],
                   check=True)
    os.chmod(small, 0o755)
    yield small
    subprocess.run(["umount", small], check=True)
    small.rmdir()


# A disk without room: said with a number and a way out; nothing is left; the deploy is no worse.
def test_a_full_disk_leaves_nothing_and_fails_no_deploy(node, small_disk):
    node.stop()
    node.start(agent__watch_interval="1s", agent__image_dirs=small_disk)
    try:
        failed = node.mcp("image", "save", SHOP, code=NO_SPACE)
        assert "error[MCP-0219]" in failed.stderr and "MiB are free" in failed.stderr
        assert "hint:" in failed.stderr
        assert list(small_disk.iterdir()) == []

        node.define("names", definition("names", NAMES, "foundation", 21100).replace(
            'VALUE = "v1"', 'VALUE = "v9"'))
        node.mcp("deploy", "names", "--pull", "never")

        warned = eventually(
            lambda: [event for event in events(node, "image") if event["severity"] == "warn"],
            "the event that tells of it")
        assert "is not archived" in warned[-1]["message"]
        assert list(small_disk.iterdir()) == []
        node.wait_for_state("names", "healthy")
    finally:
        node.stop()
        node.start(agent__watch_interval="1s")


# A kill in the midst of a save leaves a part that the next start removes, and what is missing is
# saved then.
def test_what_a_killed_agent_left_is_swept_and_caught_up(node):
    archive_of(node, NAMES).unlink()
    node.kill()
    left = node.state / "images/half.tar.partial"
    left.write_bytes(b"half")

    node.start(agent__watch_interval="1s")

    assert not left.exists()
    eventually(archive_of(node, NAMES).exists, "the archive that a deploy would have left")


def test_no_tier_no_archive(node):
    node.stop()
    node.start(agent__watch_interval="1s", agent__auto_save_tiers="")
    node.define("quiet", 'tier = "core"\n' + shell("quiet", "sleep 99999"))
    node.mcp("image", "load", archive_of(node, NAMES))
    node.store.import_busybox()

    node.mcp("deploy", "quiet", "--pull", "never")

    assert not archive_of(node, BUSYBOX).exists()
    node.stop()
    node.start(agent__watch_interval="1s")
    eventually(archive_of(node, BUSYBOX).exists, "with the tiers back it is caught up")
