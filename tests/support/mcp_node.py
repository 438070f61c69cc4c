"""A node of the platform for tests: the real mcp-agent and mcp over a PodmanStore of its own.

    with PodmanStore(netns=True) as store:
        node = McpNode(store)
        node.load_images(tar)
        node.start()
        node.define("only", 'name = "only"\\nversion = "v1.0.0"\\n[[routes]]\\n')
        node.mcp("deploy", "only", "--init")

The agent runs as the store's user in the store's namespace; the CLI runs as root, as an operator
does. Everything lies below the store's folder, so the store's cleanup ends and removes all of it.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("MC_BIN", "build/dev/bin")
REFERENCE = ROOT / "deploy/examples/reference"
MCNS_FILES = ROOT / "deploy/examples/mcns"
REGISTRY = "mcr.svc.mcp.metacircular.net:8443"
TIMEOUT_S = 120

CONFIG = """[socket]
path = "{state}/admin.sock"
group = ""

[database]
path = "{state}/mcp.db"
specs_dir = "{state}/specs"

[node]
name = "rift"
addresses = {{ loopback = "127.0.0.1", lan = "127.0.1.1", overlay = "127.0.2.1" }}

[podman]
mode = "spawn"

[agent]
data_root = "{data_root}"
volume_roots = ["{data_root}"]
image_dirs = ["{state}/images"]

[identity]
uid = 850
gid = 850
"""


def build_images(folder):
    """The images of our services that exist, under the tags of the reference platform; returns their
    archives."""
    subprocess.run([ROOT / "deploy/images/build", "--binaries", BIN, "--output", folder, "--tag",
                    f"mcns={definition_of('mcns')['version']}"], check=True, capture_output=True)
    archives = sorted(folder.glob("*.tar"))
    for archive in archives:
        os.chmod(archive, 0o644)
    return archives


def definition_of(service):
    return tomllib.loads((REFERENCE / f"{service}.toml").read_text())


def build_standins(output):
    """The other images of the reference platform as one archive for `podman load`."""
    subprocess.run([ROOT / "deploy/images/build-standins", "--binary", BIN / "mc-standin",
                    "--output", output], check=True, capture_output=True)
    os.chmod(output, 0o644)


def eventually(condition, what, timeout_s=60):
    """The first true value of `condition()`; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout_s} s still not so: {what}")
        time.sleep(0.05)


class McpNode:
    """One node. `settings` of start() are configuration keys, such as boot.stage_timeout="3s"."""

    def __init__(self, store):
        self.store = store
        self.base = store.base / "node"
        self.state = self.base / "state"
        self.srv = self.base / "srv"
        self.services = self.base / "services"
        self.config = self.state / "mcp-agent.toml"
        self.database = self.state / "mcp.db"
        self.socket = self.state / "admin.sock"
        self.log = self.base / "agent.log"
        self.process = None
        self.base.mkdir()
        self.services.mkdir()
        os.chmod(self.base, 0o755)
        for folder in (self.state, self.srv):
            self.make_folder(folder, 0o755)
        # Copies: nothing that is built meanwhile changes the program under a running test.
        for name in ("mcp", "mcp-agent"):
            shutil.copy2(BIN / name, self.base / name)
        self.write_config()

    def write_config(self, **changes):
        """The agent's file; `changes` replace paths of the template, such as data_root."""
        self.config.write_text(CONFIG.format(
            **{"state": self.state, "data_root": self.srv, **changes}))
        self._give(self.config)

    def make_folder(self, path, mode=0o750):
        path.mkdir(exist_ok=True)
        os.chmod(path, mode)
        self._give(path)
        return path

    def _give(self, path):
        os.chown(path, 850, 850)

    def load_images(self, archive):
        with open(archive, "rb") as opened:  # by us: podman's user may not see the folder
            self.store.podman("load", "--quiet", stdin=opened)

    # The reference platform.

    def lay_out_reference(self, seed=True):
        """The ten definitions, and in each service's directory what its operator puts there."""
        for path in sorted(REFERENCE.glob("*.toml")):
            shutil.copy(path, self.services)
            self.make_folder(self.srv / path.stem)
        self.give_file(self.srv / "mcns/mcns.toml", (MCNS_FILES / "mcns.toml").read_text())
        if seed:
            self.give_seed()
        self.make_certificate(self.srv / "mcns/tls", "mcns", "mcns.svc.mcp.metacircular.net",
                              "127.0.0.1")

    def give_seed(self):
        """The zones of mcns, with the addresses of this node."""
        text = (MCNS_FILES / "seed.toml").read_text()
        self.give_file(self.srv / "mcns/seed.toml", text.replace("192.168.88.181", "127.0.1.1")
                       .replace("100.95.252.120", "127.0.2.1"))

    def give_file(self, path, text):
        path.write_text(text)
        self._give(path)

    def make_certificate(self, folder, pair, *names):
        """PAIR.crt, PAIR.key and ca.crt in `folder`, made as `./dev up` makes them."""
        self.make_folder(folder)
        subprocess.run(["bash", "-euc", 'source "$0"; make_certificates "$@"',
                        ROOT / "tools/dev/certificate.sh", folder, " ".join([pair, *names])],
                       check=True, capture_output=True)
        for path in folder.iterdir():
            self._give(path)

    # The agent.

    def agent_command(self, *argv, program="mcp-agent"):
        return self.store.command(self.base / program, *argv)

    def start(self, **settings):
        """Returns once the agent has reported its listeners."""
        assert self.process is None
        sets = [word for key, value in settings.items()
                for word in ("--set", f"{key.replace('__', '.')}={value}")]
        reader, writer = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.agent_command("server", "--config", self.config, "--ready-fd", writer, *sets),
                env=self.store.environment(), cwd="/", pass_fds=[writer], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        os.close(writer)
        with os.fdopen(reader) as ready:
            listeners = ready.read()
        if str(self.socket) not in listeners:
            status = self.process.wait(TIMEOUT_S)
            self.process = None
            raise AssertionError(f"the agent ended with {status}:\n{self.log_tail()}")

    def run_agent(self, *argv, check=False):
        """mcp-agent as a command that ends: recover, check-config, a server that refuses."""
        return self.store.run(self.base / "mcp-agent", *argv, check=check)

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        process, self.process = self.process, None
        process.send_signal(number)
        status = process.wait(TIMEOUT_S)
        expected = 0 if number == signal.SIGTERM else -number
        assert status == expected, f"the agent ended with {status}:\n{self.log_tail()}"

    def log_tail(self, lines=40):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # The operator.

    def mcp_command(self, *argv):
        return [str(self.base / "mcp"), "--socket", str(self.socket), "--services-dir",
                str(self.services), "--no-color", *map(str, argv)]

    def mcp(self, *argv, code=0, timeout=TIMEOUT_S):
        """Runs the CLI; `code` is the exit code that it must have (None: any)."""
        done = subprocess.run(self.mcp_command(*argv), env=self._operator(), text=True,
                              capture_output=True, check=False, timeout=timeout, cwd="/")
        assert code is None or done.returncode == code, (
            f"mcp {argv}: exit {done.returncode}, want {code}\n{done.stdout}{done.stderr}\n"
            f"agent:\n{self.log_tail()}")
        return done

    def mcp_popen(self, *argv):
        return subprocess.Popen(self.mcp_command(*argv), env=self._operator(), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/")

    def mcp_json(self, *argv):
        return json.loads(self.mcp("--json", *argv).stdout)

    def _operator(self):
        return {"HOME": str(self.base), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

    def define(self, name, toml):
        (self.services / f"{name}.toml").write_text(toml)

    # What is there.

    def sql(self, query):
        """Rows of the registry as dicts, read (or changed, while no agent runs) as its owner."""
        out = self.store.run("sqlite3", "-json", "-cmd", ".timeout 5000", self.database,
                             query).stdout
        return json.loads(out) if out.strip() else []

    def containers(self):
        """name -> {id, started, pid, running, labels, env} of every container that podman knows."""
        ids = self.store.podman("ps", "-aq").split()
        if not ids:
            return {}
        # One that goes between the two calls is told on stderr; the others are printed all the same.
        rows = json.loads(self.store.run("podman", "container", "inspect", *ids,
                                         check=False).stdout)
        return {row["Name"]: {"id": row["Id"], "started": row["State"]["StartedAt"],
                              "pid": row["State"]["Pid"], "running": row["State"]["Running"],
                              "labels": row["Config"]["Labels"] or {}, "env": row["Config"]["Env"]}
                for row in rows}

    def identities(self):
        """What an undisturbed container keeps: id, start time and process."""
        return {name: (row["id"], row["started"], row["pid"])
                for name, row in self.containers().items()}

    def states(self):
        """container -> what the agent observed of it."""
        rows = self.mcp_json("ps", "--all").get("containers", [])
        return {row["container"]: row for row in rows}

    def wait_for_state(self, container, observed, timeout_s=60):
        def seen():
            row = self.states().get(container)
            return row if row and row["observed"] == observed else None
        return eventually(seen, f"{container} is {observed}", timeout_s)

    def in_netns(self, *argv, timeout=30):
        """A client of somebody else's, in the node's network namespace."""
        return subprocess.run([*self.store.in_netns(), *map(str, argv)], text=True,
                              capture_output=True, check=False, timeout=timeout, cwd="/")


class Lines:
    """The lines that a process prints, collected as they come, for tests that follow something."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, text, timeout_s=60):
        """The first line with `text` in it."""
        return eventually(lambda: next((line for line in self.lines if text in line), None),
                          f"a line with {text!r}; so far: {self.lines}", timeout_s)

    def end(self):
        """Ends the process; returns all lines."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(TIMEOUT_S)
        self._thread.join(TIMEOUT_S)
        return self.lines
