"""A name server for tests: the real mcns with everything in a folder of its own, and its clients.

    with McnsServer(folder, zones={"example.test": ZONE}) as server:
        server.cli("record", "add", "example.test", "www", "A", "192.0.2.7")
        assert "192.0.2.7" in server.dig("www.example.test", "A")
        assert server.ask("gone.example.test", "A").rcode() == dns.rcode.NXDOMAIN

In a Namespace there is nothing but loopback: no network, no other service, and every port is free.
"""
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
from name_servers import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / os.environ.get("MC_BIN", "build/dev/bin")
SEED = ROOT / "deploy/examples/mcns/seed.toml"
TIMEOUT_S = 60
ADDRESS = "127.0.0.1"


def unavailable(namespace=False):
    """Why it cannot run here, or None."""
    if not os.access(BIN / "mcns", os.X_OK):
        return f"{BIN}/mcns is not built"
    if shutil.which("dig") is None:
        return "dig missing (package bind9-dnsutils)"
    return "a network namespace takes root" if namespace and os.geteuid() != 0 else None


def eventually(condition, what, timeout_s=TIMEOUT_S):
    """The first true value of `condition()`; fails after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {timeout_s} s still not so: {what}")
        time.sleep(0.02)


def call_in_netns(path, function):
    """What `function()` gives in that network namespace. Sockets that it makes stay in there."""
    result = []

    def enter():
        with open(path, "rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) == 0:
                result.append(function())

    thread = threading.Thread(target=enter)  # it ends in there; we never were
    thread.start()
    thread.join()
    assert result, "cannot enter the namespace"
    return result[0]


class Namespace:
    """A network namespace with loopback and nothing else."""

    def __enter__(self):
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "-n", "sh", "-c",
             "ip link set lo up && echo ready && exec sleep infinity"],
            stdout=subprocess.PIPE, text=True)
        assert self._holder.stdout.readline() == "ready\n"
        self.path = f"/proc/{self._holder.pid}/ns/net"
        return self

    def __exit__(self, *_):
        self._holder.kill()
        self._holder.wait(TIMEOUT_S)
        self._holder.stdout.close()

    def command(self, *argv):
        return ["nsenter", f"--net={self.path}", *map(str, argv)]

    def run(self, *argv):
        return subprocess.run(self.command(*argv), text=True, capture_output=True, check=True,
                              timeout=TIMEOUT_S).stdout

    def add_address(self, address):
        self.run("ip", "address", "add", address, "dev", "lo")

    def call(self, function):
        return call_in_netns(self.path, function)


class McnsServer:
    """`zones`: origin -> text of its zone file, the seed. `seed`: paths in place of that. `listen`:
    where, in place of its port on 127.0.0.1. Tables of the configuration are given by name:
    dns={"tcp_idle": "1s"}, and those that there may be several of as a list."""

    def __init__(self, folder, zones=None, seed=None, listen=None, namespace=None, **tables):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.namespace = namespace
        self.port = free_port()
        self.config = self.folder / "mcns.toml"
        self.socket = self.folder / "admin.sock"
        self.database = self.folder / "mcns.db"
        self.log = self.folder / "log"
        self.process = None
        self.binary = BIN / "mcns"  # that serves
        self.environment = {"PATH": os.environ["PATH"]}
        for origin, text in (zones or {}).items():
            (self.folder / f"{origin}.zone").write_text(text)
        self._tables = {
            "socket": {"path": str(self.socket)},
            "server": {"grpc_addr": "", "rest_addr": "", "tokens": str(self.folder / "tokens")},
            "database": {"path": str(self.database), "backups": str(self.folder / "backups")},
            "seed": {"paths": [str(each) for each in seed or [self.folder / "*.zone"]]},
            "dns": {"listen_addr": [listen or f"{ADDRESS}:{self.port}"], "workers": 1,
                    "upstreams": [], "fallback_upstreams": [], **tables.pop("dns", {})},
            **tables,
        }
        self.write_config()

    def write_config(self, **changes):
        """`changes` are added to the tables of these names."""
        for name, keys in changes.items():
            self._tables.setdefault(name, {}).update(keys)
        # What JSON writes of texts, numbers and lists is TOML as well.
        self.config.write_text("".join(
            f"[[{name}]]\n{self._toml(each)}" for name, keys in self._tables.items()
            if isinstance(keys, list) for each in keys) + "".join(
            f"[{name}]\n{self._toml(keys)}" for name, keys in self._tables.items()
            if not isinstance(keys, list)))

    @staticmethod
    def _toml(keys):
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.kill()

    def _within(self, *argv):
        argv = [str(word) for word in argv]
        return argv if self.namespace is None else self.namespace.command(*argv)

    # The service.

    def launch(self, *argv, **how):
        """Executes it; returns at once."""
        assert self.process is None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self._within("setpriv", "--pdeathsig", "KILL", self.binary, "server", "--config",
                             self.config, *argv),
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.environment, **how)

    def start(self):
        """Returns once it has reported its listeners."""
        reader, writer = os.pipe()
        self.launch("--ready-fd", writer, pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as ready:
            listeners = ready.read()
        if not listeners:
            status, self.process = self.process.wait(TIMEOUT_S), None
            raise AssertionError(f"mcns ended with {status}:\n{self.log_text()}")

    def stop(self):
        self._end(signal.SIGTERM, 0)

    def kill(self):
        self._end(signal.SIGKILL, -signal.SIGKILL)

    def _end(self, number, expected):
        process, self.process = self.process, None
        process.send_signal(number)
        status = process.wait(TIMEOUT_S)
        assert status == expected, f"mcns ended with {status}:\n{self.log_text()}"

    def is_running(self):
        return self.process.poll() is None

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines()
                    if line.startswith("VmRSS:"))

    def worker_cpu_ns(self):
        """What the threads that answer have used."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text().startswith("dns-"):
                total += int((task / "schedstat").read_text().split()[0])
        return total

    # Its operator.

    def cli(self, *words, code=0):
        """A client command; `code` is the exit code that it must have (None: any)."""
        done = subprocess.run(
            self._within(BIN / "mcns", "--socket", self.socket, "--no-color", "--yes", *words),
            text=True, capture_output=True, check=False, timeout=TIMEOUT_S, cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)})
        assert code is None or done.returncode == code, (
            f"mcns {words}: exit {done.returncode}, want {code}\n{done.stdout}{done.stderr}\n"
            f"server:\n{self.log_text()}")
        return done

    def cli_json(self, *words, code=0):
        return json.loads(self.cli("--json", *words, code=code).stdout)

    # Those who ask.

    def dig(self, *words, address=ADDRESS):
        """What dig prints, with a single try."""
        return subprocess.run(
            self._within("dig", f"@{address}", "-p", self.port, "+tries=1", "+time=6", *words),
            text=True, capture_output=True, check=False, timeout=TIMEOUT_S).stdout

    def udp(self, address=ADDRESS, source=None):
        """A connected socket: it takes answers from the asked address only."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return self._connected(family, socket.SOCK_DGRAM, address, source)

    def tcp(self, address=ADDRESS, source=None):
        return self._connected(socket.AF_INET, socket.SOCK_STREAM, address, source)

    def _connected(self, family, kind, address, source):
        def make():
            return socket.socket(family, kind)
        made = make() if self.namespace is None else self.namespace.call(make)
        made.settimeout(TIMEOUT_S)
        if source:
            made.bind((source, 0))
        made.connect((address, self.port))
        return made

    def ask(self, name, dns_type, recursion=True, udp_size=1232, address=ADDRESS, source=None,
            timeout_s=10):
        """The response over UDP; `udp_size` 0: without EDNS."""
        query = make_query(name, dns_type, recursion, udp_size)
        with self.udp(address, source) as client:
            client.settimeout(timeout_s)
            client.send(query.to_wire())
            response = dns.message.from_wire(client.recv(65535))
        assert query.is_response(response), response
        return response


def make_query(name, dns_type, recursion=True, udp_size=1232):
    query = dns.message.make_query(name, dns_type, use_edns=0 if udp_size else -1,
                                   payload=udp_size or None)
    if not recursion:
        query.flags &= ~dns.flags.RD
    return query


def send_message(stream, message):
    """A DNS message (octets, or a message of dnspython) on a TCP connection."""
    octets = message if isinstance(message, bytes) else message.to_wire()
    stream.sendall(len(octets).to_bytes(2, "big") + octets)


def receive_exactly(stream, size):
    """None at the end of the connection."""
    octets = b""
    while len(octets) < size:
        with contextlib.suppress(ConnectionResetError):
            more = stream.recv(size - len(octets))
            if more:
                octets += more
                continue
        return None
    return octets


def receive_octets(stream):
    """The next message's octets; None at the end of the connection."""
    head = receive_exactly(stream, 2)
    return None if head is None else receive_exactly(stream, int.from_bytes(head, "big"))


def receive_message(stream):
    octets = receive_octets(stream)
    return None if octets is None else dns.message.from_wire(octets)


def extended_errors(response):
    """The codes of RFC 8914 in a response."""
    return [int(option.code) for option in response.options
            if isinstance(option, dns.edns.EDEOption)]


def records(response):
    """"owner TYPE value" of each record of the answer, in its order."""
    return [f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
            for rrset in response.answer for rdata in rrset]


def texts(response, dns_type, section="answer"):
    """The values of a type in a section, sorted."""
    return sorted(str(rdata) for rrset in getattr(response, section)
                  if rrset.rdtype == dns.rdatatype.from_text(dns_type) for rdata in rrset)
