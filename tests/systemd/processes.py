"""Our binaries as systemd starts them."""
import contextlib
import os
import pathlib
import select
import socket
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("MC_BUILD", ROOT / "build/dev"))
AGENT = BUILD / "bin/mcp-agent"
NAMES = BUILD / "bin/mcns"
PROBE = BUILD / "tests/service_probe"
PATIENCE_S = 30


@contextlib.contextmanager
def running(argv, **environment):
    """A process that is ended, if it has not ended by itself."""
    process = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True,
                               env={"PATH": os.environ["PATH"], **environment})
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


class NotifySocket:
    """What systemd is to a service."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def next(self):
        """The assignments of the next message."""
        assert select.select([self.socket], [], [], PATIENCE_S)[0], "nothing was said"
        lines = self.socket.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def next_without_watchdog(self):
        while True:
            message = self.next()
            if "WATCHDOG" not in message:
                return message


def agent_config(folder):
    """An agent that needs no podman: its registry is damaged, so it only says so."""
    (folder / "mcp.db").write_bytes(b"this is no database" * 100)
    config = folder / "mcp-agent.toml"
    config.write_text(f"""
[socket]
path = "{folder}/admin.sock"
group = ""
[database]
path = "{folder}/mcp.db"
specs_dir = "{folder}/specs"
[node]
name = "rift"
[identity]
uid = {os.geteuid()}
gid = {os.getegid()}
""", encoding="utf-8")
    return config
