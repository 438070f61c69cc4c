"""The images that build-standins makes, and what the reference definitions ask of them and of the real
ones."""

import hashlib
import json
import pathlib
import shlex
import subprocess
import tarfile
import tomllib

import pytest

from conftest import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "deploy/images/build-standins"
DEFINITIONS = ROOT / "deploy/examples/reference"
RUN_LINES = ROOT / "tests/mcp/data/reference-podman-run.sh"
REGISTRY = "mcr.svc.mcp.metacircular.net:8443"
# Images of services that exist: nothing stands in for these.
REAL = {line.split()[0] for line in
        (ROOT / "deploy/images/services.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")}
ADDRESSES = {"@lan": "192.168.88.181", "@overlay": "100.95.252.120"}


def build(*arguments, **options):
    return subprocess.run(
        [BUILD, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "standins.tar"
    assert build("--binary", BINARY, "--output", path).returncode == 0
    with tarfile.open(path) as tar:
        yield path, {m.name.removeprefix("./"): tar.extractfile(m).read() for m in tar if m.isfile()}


def configs(files):
    for image in json.loads(files["manifest.json"]):
        yield image["RepoTags"][0], image, json.loads(files[image["Config"]])


def run_lines():
    text = RUN_LINES.read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.startswith("podman run ")]


def read_line(words):
    """Options as a set of pairs, then image and arguments."""
    options, rest = [], words[3:]  # podman run -d
    while rest[0].startswith("-"):
        options.append((rest[0], rest[1]))
        rest = rest[2:]
    return sorted(options), rest


def published(socket):
    """What a run line has in the place of a socket: "udp:@lan:53" -> "@lan:53:53/udp"."""
    protocol, address, port = socket["listen"].split(":")
    return f"{address}:{port}:{port}/{protocol}"


def expected_lines(definition):
    service = definition["name"]
    for component in definition["components"]:
        name = component.get("name", service)
        plain = name in ("api", service)
        options = [
            ("--name", component.get("container", service if name == service else f"{service}-{name}")),
            ("--restart", component.get("restart", "unless-stopped")),
            ("-v", f"/srv/{service}:/srv/{service}"),
        ]
        if component.get("network", "mcpnet") != "mcpnet":  # see the README beside the definitions
            options.append(("--network", component["network"]))
        # Sockets that the agent holds are for uid 0, which the image of such a component has anyway.
        if component.get("user", "0:0") != "image" and "sockets" not in component:
            options.append(("--user", component.get("user", "0:0")))
        for port in [*component.get("ports", []), *map(published, component.get("sockets", []))]:
            for label, address in ADDRESSES.items():
                port = port.replace(label, address)
            options.append(("-p", port))
        image = component.get(
            "image",
            f"{REGISTRY}/{service if plain else f'{service}-{name}'}"
            f":{component.get('version', definition['version'])}",
        )
        yield sorted(options), [image, *component["cmd"]]


def definitions():
    return [tomllib.loads(p.read_text(encoding="utf-8")) for p in sorted(DEFINITIONS.glob("*.toml"))]


def test_wrong_words_end_with_a_hint():
    assert build("--sideways").returncode == 2
    assert build("--output").returncode == 2
    assert build("--binary", "/nonexistent").returncode == 3
    unknown = build("mcias")
    assert unknown.returncode == 3
    assert unknown.stderr == "error: no image 'mcias'\nhint: build-standins --list\n"


def test_help_says_that_the_images_are_stand_ins():
    assert "THE IMAGES ARE STAND-INS" in build("--help").stdout


def test_one_image_can_be_made_alone(tmp_path):
    out = build("--binary", BINARY, "--output", tmp_path / "one.tar", "mcr-web")

    assert out.stdout == f"made  {REGISTRY}/mcr-web:v1.3.2\n"


def test_two_builds_are_equal_byte_by_byte(archive, tmp_path):
    path, _ = archive

    assert build("--binary", BINARY, "--output", tmp_path / "again.tar").returncode == 0

    assert (tmp_path / "again.tar").read_bytes() == path.read_bytes()


def test_images_share_the_layer_with_the_binary_and_differ_in_their_own(archive):
    _, files = archive
    layers = [image["Layers"] for _, image, _ in configs(files)]

    assert len(layers) == 12 - len(REAL)
    assert len({base for base, _ in layers}) == 1
    assert len({own for _, own in layers}) == len(layers)
    assert len({image["Config"] for _, image, _ in configs(files)}) == len(layers)
    assert len(files[layers[0][0]]) < 6_200_000


def test_layers_have_the_digests_that_their_image_names(archive):
    _, files = archive
    for _, image, config in configs(files):
        sums = ["sha256:" + hashlib.sha256(files[name]).hexdigest() for name in image["Layers"]]
        assert sums == config["rootfs"]["diff_ids"]


def test_labels_say_what_the_image_is(archive):
    _, files = archive
    for reference, _, config in configs(files):
        labels = config["config"]["Labels"]
        assert labels["net.metacircular.standin"] == "true"
        assert reference.endswith(":" + labels["org.opencontainers.image.version"])
        for label in ("title", "revision", "source", "created"):
            assert labels["org.opencontainers.image." + label]


def image_of(reference):
    return reference.rpartition("/")[2].partition(":")[0]


def test_run_lines_are_twelve_and_name_the_images(archive):
    _, files = archive

    images = [read_line(words)[1][0] for words in run_lines()]

    assert len(images) == 12
    standins = {reference for reference, _, _ in configs(files)}
    assert set(images) - standins == {image for image in images if image_of(image) in REAL}
    assert standins <= set(images)


def test_definitions_give_the_argument_sets_of_the_run_lines():
    rendered = [line for definition in definitions() for line in expected_lines(definition)]

    assert sorted(rendered) == sorted(read_line(words) for words in run_lines())


def test_definitions_are_ten_and_named_as_their_files():
    stems = sorted(path.stem for path in DEFINITIONS.glob("*.toml"))

    assert stems == [definition["name"] for definition in definitions()]
    assert len(stems) == 10


def test_every_gate_meets_a_listener_of_its_image(archive):
    _, files = archive
    listeners = {}
    for reference, _, config in configs(files):
        env = dict(item.split("=", 1) for item in config["config"]["Env"])
        listeners[reference] = {
            (kind, int(address.rpartition(":")[2]))
            for kind, _, address in (item.partition("=") for item in env["STANDIN_LISTEN"].split())
        }

    for definition in definitions():
        for component, (_, words) in zip(definition["components"], expected_lines(definition)):
            health = component["health"]
            targets = {int(p.split("/")[0].split(":")[-1]) for p in component.get("ports", [])}
            targets = {health["port"]} if "port" in health else targets
            if image_of(words[0]) in REAL:
                continue
            served = listeners[words[0]]
            assert any((health["type"], port) in served for port in targets), words[0]
            # What is published is served.
            assert targets <= {port for _, port in served}, words[0]
