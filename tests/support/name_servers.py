"""Name servers as child processes on loopback: ours and other people's, all with the same zones.

    with Knot(folder, {"example.test.": "/tmp/example.zone"}) as knot:
        knot.wait("example.test.", "SOA")
        ask(knot.address, ...)

Each keeps everything in a folder of its own and listens on one free port of 127.0.0.1, UDP and TCP.
It ends with the context, also after a failure, and with the process that started it.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
START_S = 120  # most that a start may take: a million names on a busy machine
STOP_S = 20
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28,
         "SRV": 33, "DNAME": 39, "DS": 43, "SVCB": 64, "HTTPS": 65, "ANY": 255}
# Ports of this range are nobody's by default, and below those that the kernel hands out.
_PORTS = iter(range(20000 + os.getpid() % 8000, 32000))


def free_port():
    """A port of 127.0.0.1 that is free for UDP and for TCP."""
    for port in _PORTS:
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                udp.bind(("127.0.0.1", port))
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def wire_name(name):
    """Of a name in presentation form without escapes: "www.example.test."."""
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def question(number, name, dns_type, udp_size=1232, recursion=False):
    """A query's octets; without EDNS when `udp_size` is 0."""
    flags = 0x0100 if recursion else 0
    packet = struct.pack("!HHHHHH", number, flags, 1, 0, 0, 1 if udp_size else 0)
    packet += wire_name(name) + struct.pack("!HH", TYPES.get(dns_type, dns_type), 1)
    if udp_size:
        packet += b"\0" + struct.pack("!HHIH", 41, udp_size, 0, 0)
    return packet


class NameServer:
    """What all of them share. `zones`: origin -> path of its file. `cpu`: the one it is pinned to.
    `minimal`: no more in an answer than has to be there, as the bench wants it. `upstream`: port of
    127.0.0.1 to ask for all else, with what comes from there kept for an hour. `at`: an address of
    loopback with a port, in place of a free one of 127.0.0.1."""

    name = ""
    programs = ()
    packages = ()

    def __init__(self, folder, zones=(), cpu=None, minimal=False, upstream=None, at=None):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        self.zones = dict(zones)
        self.minimal = minimal
        self.upstream = upstream
        self.host, self.port = at or ("127.0.0.1", free_port())
        self.log = self.folder / "log"
        self.process = None
        self._cpu = cpu

    @classmethod
    def program(cls):
        return shutil.which(cls.programs[0], path=PATH)

    @classmethod
    def unavailable(cls):
        """Why it cannot run here, or None."""
        missing = [each for each in cls.programs if shutil.which(each, path=PATH) is None]
        if not missing:
            return None
        return f"{' '.join(missing)} missing (package {' '.join(cls.packages)})"

    @property
    def address(self):
        return (self.host, self.port)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def argv(self):
        """The command; configuration is written by then."""
        raise NotImplementedError

    def start(self):
        argv = ["setpriv", "--pdeathsig", "KILL", *map(str, self.argv())]
        if self._cpu is not None:
            argv = ["taskset", "-c", str(self._cpu), *argv]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(argv, cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, start_new_session=True)

    def stop(self):
        """Asks it to end; what is left of it then is killed."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(STOP_S)
        self.process = None

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def wait(self, name, dns_type, timeout_s=START_S, recursion=False):
        """Seconds until it answers with data for that; asks every millisecond."""
        begun = time.monotonic()
        packet = question(1, name, dns_type, recursion=recursion)
        with socket.socket(type=socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.001)
            while time.monotonic() < begun + timeout_s:
                try:
                    udp.sendto(packet, self.address)
                    reply = udp.recv(65535)
                except socket.timeout:
                    pass
                except OSError:  # nobody listens yet
                    time.sleep(0.001)
                else:
                    if len(reply) >= 12 and reply[3] & 15 == 0 and reply[6:8] != b"\0\0":
                        return time.monotonic() - begun
                    time.sleep(0.001)
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n"
                                       f"{self.log_text()}")
        raise RuntimeError(f"{self.name} does not answer {name} {dns_type}:\n{self.log_text()}")

    def log_text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]

    # What it costs.

    def pids(self):
        """It and all below it."""
        found, left = [], [self.process.pid]
        while left:
            pid = left.pop()
            found.append(pid)
            try:
                for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                    left += map(int, children.read_text().split())
            except OSError:
                pass
        return found

    def cpu_seconds(self):
        """Of all its threads since its start."""
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def pss_bytes(self):
        """Its share of memory, what several processes share divided among them."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += 1024 * int(line.split()[1])
        return total


class Ours(NameServer):
    """mcns from MC_BIN (default build/dev/bin), its zones from seed files."""

    name = "mcns"
    programs = ("mcns",)

    binary = ROOT / os.environ.get("MC_BIN", "build/dev/bin") / "mcns"

    @property
    def socket(self):
        return self.folder / "admin.sock"

    @classmethod
    def program(cls):
        return str(cls.binary)

    @classmethod
    def unavailable(cls):
        return None if os.access(cls.binary, os.X_OK) else f"{cls.binary} is not built"

    def argv(self):
        seeds = self.folder / "seed.d"
        seeds.mkdir(exist_ok=True)
        for origin, file in self.zones.items():
            link = seeds / f"{origin}zone"
            if not link.exists():
                link.symlink_to(file)
        upstreams = f'"127.0.0.1:{self.upstream}"' if self.upstream else ""
        self.write("mcns.toml", f"""
[socket]
path = "{self.socket}"
[server]
grpc_addr = ""
rest_addr = ""
[database]
path = "{self.folder}/mcns.db"
[dns]
listen_addr = ["{self.host}:{self.port}"]
workers = 1
upstreams = [{upstreams}]
fallback_upstreams = []
allow_recursion = [{'"private"' if self.upstream else ""}]
[cache]
max_ttl = "1h"
size = "512MiB"
[rrl]
rate = 0
[seed]
paths = ["{seeds}/*.zone"]
""")
        return [self.program(), "server", "--config", self.folder / "mcns.toml"]


class Knot(NameServer):
    name = "knot"
    programs = ("knotd",)
    packages = ("knot",)

    zone_options = ""  # lines of each zone
    more = ""          # sections

    def argv(self):
        zones = "".join(f'  - domain: "{origin}"\n    file: "{file}"\n{self.zone_options}'
                        for origin, file in self.zones.items())
        self.write("knot.conf", f"""
server:
    rundir: "{self.folder}"
    listen: {self.host}@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    tcp-max-clients: 4096
    answer-rotation: off
database:
    storage: "{self.folder}"
control:
    listen: "{self.folder}/knot.sock"
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: "{self.folder}"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
{self.more}
{f"zone:{chr(10)}{zones}" if zones else ""}""")
        return [self.program(), "-c", self.folder / "knot.conf"]


class Nsd(NameServer):
    name = "nsd"
    programs = ("nsd",)
    packages = ("nsd",)

    def argv(self):
        zones = "".join(f'zone:\n  name: "{origin}"\n  zonefile: "{file}"\n'
                        for origin, file in self.zones.items())
        self.write("nsd.conf", f"""
server:
    ip-address: {self.host}@{self.port}
    server-count: 1
    tcp-count: 4096
    username: ""
    chroot: ""
    zonesdir: "{self.folder}"
    database: ""
    pidfile: ""
    xfrdfile: "{self.folder}/xfrd.state"
    xfrdir: "{self.folder}"
    zonelistfile: "{self.folder}/zone.list"
    minimal-responses: {"yes" if self.minimal else "no"}
    round-robin: no
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
{zones}""")
        return [self.program(), "-d", "-c", self.folder / "nsd.conf"]


class Bind(NameServer):
    name = "bind"
    programs = ("named",)
    packages = ("bind9",)

    zone_options = ""  # statements of each zone

    def argv(self):
        zones = "".join(
            f'zone "{origin}" {{ type primary; file "{file}"; check-names ignore; '
            'check-integrity no; check-mx ignore; check-mx-cname ignore; check-srv-cname ignore; '
            f'check-sibling no; check-wildcard no; {self.zone_options}}};\n'
            for origin, file in self.zones.items())
        self.write("named.conf", f"""
options {{
  directory "{self.folder}";
  listen-on port {self.port} {{ {self.host}; }};
  listen-on-v6 {{ none; }};
  pid-file none;
  lock-file none;
  session-keyfile "{self.folder}/session.key";
  managed-keys-directory "{self.folder}";
  recursion no;
  allow-query {{ any; }};
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  minimal-responses {"yes" if self.minimal else "no"};
  zero-no-soa-ttl no;
  minimal-any no;
  rrset-order {{ order none; }};
  tcp-clients 4096;
  max-udp-size 1232;
}};
controls {{ }};
logging {{ category default {{ default_stderr; }}; category queries {{ null; }};
  category lame-servers {{ null; }}; category query-errors {{ null; }}; }};
{zones}""")
        return [self.program(), "-f", "-n", "1", "-U", "1", "-c", self.folder / "named.conf"]


class PowerDns(NameServer):
    """With the backend that reads zone files, and without its caches."""

    name = "powerdns"
    programs = ("pdns_server",)
    packages = ("pdns-server", "pdns-backend-bind")

    def argv(self):
        self.write("named.conf", "".join(
            f'zone "{origin.rstrip(".")}" {{ type master; file "{file}"; }};\n'
            for origin, file in self.zones.items()))
        self.write("pdns.conf", f"""
launch=bind
bind-config={self.folder}/named.conf
local-address={self.host}
local-port={self.port}
socket-dir={self.folder}
setuid=
setgid=
daemon=no
guardian=no
disable-syslog=yes
loglevel=3
security-poll-suffix=
any-to-tcp=no
dname-processing=yes
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
receiver-threads=1
distributor-threads=1
max-tcp-connections=4096
udp-truncation-threshold=1232
version-string=anonymous
""")
        return [self.program(), f"--config-dir={self.folder}"]


@contextlib.contextmanager
def somebody_else(folder, origin, text):
    """A name server, not ours, with that zone."""
    zone = folder / f"{origin}zone"
    zone.write_text(text)
    with Bind(folder, {origin: zone}) as bind:
        bind.wait(origin, "SOA")
        yield bind
