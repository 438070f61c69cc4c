"""A node under measurement: a rootless podman store of its own, an agent of ours on it, and what
happens to it."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

# Bounds a hanging command only; podman-compose needs minutes on a busy machine.
TIMEOUT_S = 1800


class Node:
    """Commands run as the store's user inside its network namespace."""

    def __init__(self, store, binaries):
        self.store = store
        self.user = store.run("id", "-u").stdout.strip()
        self.bin = self._folder("bin")
        for binary in binaries:
            shutil.copy(binary, self.bin)
        self.data = self._folder("data")
        self.socket = store.runtime_dir / "podman.sock"
        self.state = None
        self.definitions = None
        self._agent = None

    def _folder(self, name):
        path = self.store.base / name
        path.mkdir()
        shutil.chown(path, self.store.run("id", "-un").stdout.strip())
        return path

    def use(self, name):
        """A registry and a folder of definitions of their own."""
        self.state = self._folder(f"mcp-{name}")
        self.definitions = self._folder(f"services-{name}")
        (self.state / "mcp-agent.toml").write_text(f"""
[socket]
path = "{self.state}/admin.sock"
group = ""
[database]
path = "{self.state}/mcp.db"
specs_dir = "{self.state}/specs"
[node]
name = "bench"
addresses = {{ loopback = "127.0.0.1", lan = "127.0.1.1", overlay = "127.0.2.1" }}
[podman]
mode = "spawn"
socket = "{self.socket}"
[agent]
data_root = "{self.data}"
volume_roots = ["{self.data}"]
image_dirs = []
[identity]
uid = {self.user}
gid = {self.user}
""")

    # --- commands ---
    def run(self, *argv):
        return self.store.run(*argv, timeout=TIMEOUT_S).stdout

    def timed(self, *argv):
        """Seconds that the command took; a failure ends the bench."""
        begun = time.monotonic()
        self.run(*argv)
        return time.monotonic() - begun

    def mcp_argv(self, *argv):
        return [self.bin / "mcp", "--socket", self.state / "admin.sock", "--services-dir",
                self.definitions, *argv]

    def mcp(self, *argv):
        return self.run(*self.mcp_argv(*argv))

    def running(self):
        return len(self.run("podman", "ps", "-q").split())

    def expect_running(self, count, who):
        found = self.running()
        if found != count:
            raise RuntimeError(f"{who}: {found} of {count} containers run")

    # --- the agent ---
    @contextlib.contextmanager
    def agent(self):
        """Runs until the end of the block; podman's service, which it starts, goes on."""
        with open(self.store.base / "agent.log", "ab") as log:
            agent = self.store.popen(self.bin / "mcp-agent", "server", "--config",
                                     self.state / "mcp-agent.toml", stdout=log, stderr=log)
        try:
            self._wait_until(lambda: self.store.run(*self.mcp_argv("agent", "status"),
                                                    check=False).returncode == 0)
            yield
        finally:
            agent.send_signal(signal.SIGTERM)
            agent.wait(timeout=60)

    @contextlib.contextmanager
    def service(self):
        """podman's API at the same path, for the peers that use it."""
        service = self.store.popen("podman", "system", "service", "--time=0",
                                   f"unix://{self.socket}", stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            self._wait_until(self.socket.exists)
            self.run("podman", "--remote", "--url", f"unix://{self.socket}", "info")
            yield
        finally:
            service.terminate()
            service.wait(timeout=60)

    @staticmethod
    def _wait_until(ready):
        deadline = time.monotonic() + 60
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError("not ready after 60 s")
            time.sleep(0.05)

    # --- disasters ---
    def lose_database(self):
        """As on the day: the file is gone, and the containers run on."""
        os.unlink(self.store.graph_root / "libpod/bolt_state.db")

    def lose_everything_running(self):
        """The database is gone, and so is every process; the image store holds the names."""
        self.store.reboot()
        with contextlib.suppress(FileNotFoundError):
            self.lose_database()
        self.run("podman", "ps", "-a")

    def clean(self):
        """No container, no name held, nothing running; images and networks stay. Returns the
        seconds of the part that an operator does by hand: removing what holds the names."""
        self.lose_everything_running()
        held = self.run("podman", "ps", "-a", "--external", "-q").split()
        return self.timed("podman", "rm", "-f", *held) if held else 0.0

    def reboot(self):
        """Every process is gone; the containers are there, stopped. Podman was asked once since,
        so that its first-call work is nobody's."""
        self.store.reboot()
        self.run("podman", "ps", "-a")

    # --- peers ---
    def compose(self, program, text, environment=()):
        folder = self.store.base / "compose"
        folder.mkdir(exist_ok=True)
        shutil.chown(folder, int(self.user))
        (folder / "docker-compose.yml").write_text(text)
        return self.timed("env", "-C", folder, *environment, program, "up", "-d")

    def docker_compose(self, text):
        return self.compose("docker-compose", text, [f"DOCKER_HOST=unix://{self.socket}"])

    def podman_compose(self, text):
        return self.compose("podman-compose", text)

    def raw(self, files, parallel=4):
        """What mcp_raw_api says."""
        return json.loads(self.run(self.bin / "mcp_raw_api", self.socket, parallel, self.data,
                                   *files))
