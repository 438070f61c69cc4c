"""The images of our services: what is in them, what they share, and that they run with nothing else."""
import json
import os
import subprocess
import tarfile

import pytest
from mcp_node import BIN, ROOT, eventually

BUILD = ROOT / "deploy/images/build"
SERVICES = [line.split()[0] for line in (ROOT / "deploy/images/services.txt").read_text().splitlines()
            if line and not line.startswith("#")]
# A second image beside that of mcns, as the next service will have one: any program of ours will do.
PAIR = ["mcns", "mcp"]
SHARED_BYTES_MAX = 60_000_000
BUILD_S = 120


def build(output, *words, **options):
    """What the builder reports, run where there is no network at all."""
    done = subprocess.run(["unshare", "--net", BUILD, "--binaries", BIN, "--output", output, "--json",
                           *words], text=True, capture_output=True, timeout=BUILD_S, check=False,
                          **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def pair_list(tmp_path_factory):
    path = tmp_path_factory.mktemp("list") / "services.txt"
    path.write_text("# two\n" + "".join(f"{name}  The program {name}\n" for name in PAIR))
    return path


@pytest.fixture(scope="module")
def pair(pair_list, tmp_path_factory):
    if os.geteuid() != 0:
        pytest.skip("needs root: a network namespace of its own")
    return build(tmp_path_factory.mktemp("pair"), "--list", pair_list)


@pytest.fixture(scope="module")
def store(podman_store_netns, pair):
    for image in pair["images"]:
        with open(image["file"], "rb") as archive:
            podman_store_netns.podman("load", "--quiet", stdin=archive)
    return podman_store_netns


def of(report, name):
    return next(image for image in report["images"] if image["name"] == name)


def files_of(image, folder):
    """Every entry of the image, in the order of its layers."""
    with tarfile.open(image["file"]) as archive:
        archive.extractall(folder)
    entries = {}
    for layer in image["layers"]:
        with tarfile.open(folder / "blobs" / layer["digest"].replace(":", "/")) as content:
            for entry in content:
                data = content.extractfile(entry).read() if entry.isfile() else b""
                entries[entry.name.removeprefix("./").rstrip("/")] = (entry, data)
    return entries


@pytest.fixture(scope="module")
def mcns_files(pair, tmp_path_factory):
    return files_of(of(pair, "mcns"), tmp_path_factory.mktemp("mcns"))


# HOUSE-A11: An image has one program, its service: no shell, no other executable; the entry point runs
# by itself, the default command serves, and the service's own commands work inside.
def test_the_entry_works_with_no_shell_inside(store, pair, mcns_files):
    image = of(pair, "mcns")["reference"]
    programs = {name for name, (entry, _) in mcns_files.items()
                if entry.isfile() and entry.mode & 0o111 and ".so" not in name}
    assert programs == {"usr/bin/mcns"}
    data = store.base / "mcns"
    data.mkdir()
    os.chown(data, 850, 850)
    # There is nobody to forward to in this namespace, and that is a degraded state.
    (data / "mcns.toml").write_text("[dns]\nupstreams = []\nfallback_upstreams = []\n")

    version = store.podman("run", "--rm", "--network", "none", image, "version")
    store.podman("run", "--detach", "--name", "names", "--publish", "127.0.1.1:53:53/udp", "--volume",
                 f"{data}:/srv/mcns", image)

    assert version.startswith("mcns ")
    eventually(lambda: store.run("podman", "exec", "names", "mcns", "status",
                                 check=False).returncode == 0, "mcns is healthy")
    store.podman("exec", "names", "mcns", "zone", "create", "example.test", "--ns", "ns1")
    asked = subprocess.run([*store.in_netns(), "dig", "@127.0.1.1", "+short", "example.test", "NS"],
                           text=True, capture_output=True, timeout=30, check=True)
    assert asked.stdout == "ns1.example.test.\n"
    shell = store.run("podman", "exec", "names", "sh", "-c", "true", check=False)
    assert shell.returncode == 127
    store.podman("stop", "names")
    assert store.podman("inspect", "--format", "{{.State.ExitCode}}", "names") == "0"


# HOUSE-A11: `podman image tree` shows one base layer that all images share, and one layer more each.
def test_images_share_one_base_layer(store, pair):
    trees = {}
    for image in pair["images"]:
        lines = store.podman("image", "tree", image["reference"]).splitlines()
        trees[image["name"]] = [line.split("ID: ")[1].split()[0] for line in lines if "─ ID: " in line]

    assert all(len(layers) == 2 for layers in trees.values())
    assert trees["mcns"][0] == trees["mcp"][0]
    assert trees["mcns"][1] != trees["mcp"][1]
    assert pair["unique_layers"] == 3


# HOUSE-A11: The unique layers of all services that have images take 60 MB at most, unpacked.
def test_all_images_together_are_small(service_images):
    report = json.loads(subprocess.run([BUILD.with_name("report"), "--json", *service_images],
                                       check=True, capture_output=True).stdout)

    assert [image["name"] for image in report["images"]] == SERVICES
    assert report["unique_layers"] == len(SERVICES) + 1
    assert report["unpacked_bytes"] <= SHARED_BYTES_MAX, report["unpacked_bytes"]


# HOUSE-A11: The same binaries give the same bytes: built again with no network, in another folder, with
# another umask and time zone.
def test_built_twice_is_the_same(pair, pair_list, tmp_path):
    again = build(tmp_path / "out", "--list", pair_list, umask=0o077,
                  env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TZ": "Asia/Tokyo",
                       "TMPDIR": "/var/tmp"})

    for one, other in zip(pair["images"], again["images"]):
        assert one["digest"] == other["digest"]
        with open(one["file"], "rb") as first, open(other["file"], "rb") as second:
            assert first.read() == second.read()


def test_one_date_and_one_owner_for_all_files(mcns_files, pair, tmp_path, pair_list):
    assert {(entry.uid, entry.gid) for entry, _ in mcns_files.values()} == {(0, 0)}

    dated = build(tmp_path, "--list", pair_list, "mcns",
                  env={**os.environ, "SOURCE_DATE_EPOCH": "1000000000"})

    assert of(dated, "mcns")["layers"][0] == of(pair, "mcns")["layers"][0]
    assert of(dated, "mcns")["digest"] != of(pair, "mcns")["digest"]
    assert (of(dated, "mcns")["labels"]["org.opencontainers.image.created"] ==
            "2001-09-09T01:46:40Z")


def test_labels_tell_what_the_binary_tells(pair):
    labels = of(pair, "mcns")["labels"]
    about = json.loads(subprocess.run([BIN / "mcns", "version", "--json"], check=True,
                                      capture_output=True).stdout)

    wanted = {"title": "The program mcns", "version": about["version"], "revision": about["commit"],
              "source": "src/mcns"}
    for label, value in wanted.items():
        assert labels[f"org.opencontainers.image.{label}"] == value
    assert "org.opencontainers.image.created" in labels


def test_what_libraries_look_for_is_there(mcns_files):
    def text(name):
        return mcns_files[name][1].decode()

    assert "hosts: files dns\n" in text("etc/nsswitch.conf")
    assert [line.split(":")[0] for line in text("etc/passwd").splitlines()] == ["root", "nobody"]
    assert [line.split(":")[0] for line in text("etc/group").splitlines()] == ["root", "nobody"]
    assert text("etc/ssl/certs/ca-certificates.crt").count("BEGIN CERTIFICATE") > 100
    assert mcns_files["usr/lib/ssl/cert.pem"][0].linkname == "/etc/ssl/certs/ca-certificates.crt"
    assert "usr/share/zoneinfo/Europe/Berlin" in mcns_files
    assert mcns_files["tmp"][0].mode & 0o7777 == 0o1777
    assert mcns_files["srv"][0].isdir()


def test_the_bill_names_the_package_of_every_library(mcns_files):
    bill = json.loads(mcns_files["usr/share/spdx/mcns.spdx.json"][1])
    packages = {package["name"] for package in bill["packages"]}
    libraries = [name for name in mcns_files if name.startswith("usr/lib/") and ".so" in name]
    assert len(libraries) >= 10

    for name in libraries:
        found = subprocess.run(["dpkg-query", "-S", f"*/{name.rsplit('/', 1)[1]}"], text=True,
                               capture_output=True, check=True).stdout
        owners = {line.split(":")[0] for line in found.splitlines()}
        assert owners & packages, (name, owners)
    for package in {"libssl3", "ca-certificates", "tzdata"}:
        assert package in packages
        assert f"usr/share/doc/{package}/copyright" in mcns_files
    compiled_in = {entry["relatedSpdxElement"] for entry in bill["relationships"]
                   if entry["relationshipType"] == "STATIC_LINK"}
    assert "SPDXRef-deb-libboost1.81-dev" in compiled_in
    assert bill["spdxVersion"] == "SPDX-2.3"


@pytest.mark.parametrize("words, code, message", [
    (["--sideways"], 2, "unknown option '--sideways'"),
    (["--tag"], 2, "--tag needs a value"),
    (["nosuch"], 3, "'nosuch' has no image"),
    (["--binaries", "/nonexistent"], 3, "no binary at /nonexistent/mcns"),
    (["--list", "/nonexistent"], 3, "no list at /nonexistent"),
])
def test_wrong_words_end_with_a_hint(words, code, message):
    done = subprocess.run([BUILD, *words], text=True, capture_output=True, check=False)

    assert done.returncode == code
    assert f"error: {message}" in done.stderr and "\nhint: " in done.stderr
