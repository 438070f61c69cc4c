"""A service with a replicated database in a container: commits rows at a steady rate, and tells
outside of its directory which of them were acknowledged.

    ledger = Ledger(node)             # the image, the directories and the definition
    node.mcp("deploy", "ledger", "--init")
    ledger.acknowledged()             # {row: milliseconds since 1970}
"""
import json
import pathlib
import shutil
import subprocess

from mcp_node import BIN

PROGRAM = BIN.parent / "tests/mc_test_ledger"
IMAGE = "localhost/ledger:1"


def _libraries(program):
    """The shared libraries of a program, and the loader."""
    lines = subprocess.run(["ldd", program], check=True, text=True, capture_output=True).stdout
    words = [word for line in lines.splitlines() for word in line.split()]
    return sorted({word for word in words if word.startswith("/")})


class Ledger:
    """`node` is an McpNode; `rate` in commits a second."""

    def __init__(self, node, rate=500, name="ledger"):
        self.node = node
        self.name = name
        self.root = node.make_folder(node.srv / name, 0o750)
        self.database = self.root / "ledger.db"
        self.replicas = node.make_folder(node.srv / "replicas", 0o755)
        self.mirror = node.make_folder(self.replicas / name, 0o700)
        self.witness = node.make_folder(node.srv / "witness", 0o755)
        self.acks = self.witness / name
        self._make_image()
        argv = ["/mc_test_ledger", f"/srv/{name}/ledger.db", f"/srv/replicas/{name}",
                f"/srv/witness/{name}", str(rate)]
        node.define(name, f"""name = "{name}"
version = "v1"

[[components]]
image = "{IMAGE}"
network = "none"
restart = "unless-stopped"
stop_timeout = "5s"
cmd = {json.dumps(argv)}
volumes = ["{self.root}:/srv/{name}", "{self.mirror}:/srv/replicas/{name}", "{self.witness}:/srv/witness"]

[components.health]
type = "none"
""")

    def _make_image(self):
        if self.node.store.run("podman", "image", "exists", IMAGE, check=False).returncode == 0:
            return
        tree = self.node.base / "ledger-image"
        for file in [str(PROGRAM), *_libraries(PROGRAM)]:
            place = tree / (PROGRAM.name if file == str(PROGRAM) else file.lstrip("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(pathlib.Path(file).resolve(), place)
        for folder in ("srv", "tmp", "proc", "dev", "sys", "run"):
            (tree / folder).mkdir(exist_ok=True)
        archive = self.node.base / "ledger.tar"
        subprocess.run(["tar", "--create", "--file", archive, "--directory", tree, "."], check=True)
        with open(archive, "rb") as opened:
            self.node.store.podman("import", "--quiet", "-", IMAGE, stdin=opened)

    def acknowledged(self):
        rows = {}
        for line in self.acks.read_text().splitlines():
            words = line.split()
            if len(words) == 2:
                rows[int(words[0])] = int(words[1])
        return rows

    def rows(self):
        """What is in the database now, read beside whoever writes."""
        out = self.node.store.run("sqlite3", "-readonly", "-cmd", ".timeout 5000", self.database,
                                  "SELECT id FROM ledger").stdout
        return {int(line) for line in out.split()}
