"""P6, P7, P8: what a change costs, one at a time, many at once, and a whole zone."""
import contextlib
import json
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import dns.update

import bench
from support.name_servers import Bind, Knot, Ours, question
from workload import ORIGIN, SERIAL

CLIENTS = 32
UPDATES = 200     # of a peer in one round
IMPORT_S = 120    # most that replacing a zone may take
BATCH = 100_000   # names of the zone that P7 imports


class UpdatedKnot(Knot):
    """Takes UPDATE, and keeps a journal of it."""

    zone_options = "    acl: anyone\n    journal-content: changes\n    zonefile-sync: -1\n"
    more = "acl:\n  - id: anyone\n    address: 127.0.0.1\n    action: update\n"


class UpdatedBind(Bind):
    zone_options = "allow-update { 127.0.0.1; }; "


def run(machine, results, rows):
    size, small = max(bench.SIZES), min(bench.SIZES)
    if "P6" in rows:
        _one_change(machine, results, size, small)
    if "P7" in rows:
        _many_changes(machine, results, small)
    if "P8" in rows:
        _whole_zone(machine, results, size)


def _one_change(machine, results, size, small):
    with contextlib.ExitStack() as stack:
        servers = {}
        for name, kind, names in (("mcns", Ours, size), ("small", Ours, small),
                                  ("knot", UpdatedKnot, size), ("bind", UpdatedBind, size)):
            servers[name] = stack.enter_context(machine.server(kind, names))
            servers[name].wait(bench.last_name(names), "A")
        contestants = {
            "mcns": lambda: _write(machine, servers["mcns"], size, 1, servers["mcns"].port),
            "small": lambda: _write(machine, servers["small"], small, 1),
            "knot": lambda: _updates(servers["knot"], size),
            "bind": lambda: _updates(servers["bind"], size),
        }
        measured = machine.rounds(contestants)
    text = f"one change of {bench.text_size(size)} names"
    ours = bench.of(measured["mcns"], "p50_ms")
    results.add("P6", f"{text}, acknowledged to visible, p99",
                [value / 1000 for value in bench.of(measured["mcns"], "visible_p99_us")], "ms",
                limit=1)
    results.add("P6", f"{text}, not visible in the first answer",
                [one["writes"] - one["seen_at_once"] for one in measured["mcns"]], "changes",
                limit=0)
    results.add("P6", f"{text}, the whole request / UPDATE of knot", ours, "ms", measured["knot"],
                at_most=0.05)
    results.add("P6", f"{text}, the whole request / UPDATE of bind", ours, "ms", measured["bind"],
                at_most=1.2)
    sizes = f"{bench.text_size(size)} names / {bench.text_size(small)}"
    results.add("P6", f"the whole request, {sizes}", ours, "ms",
                bench.of(measured["small"], "p50_ms"), at_most=3)


def _many_changes(machine, results, size):
    with machine.server(Ours, size) as server:
        server.wait(bench.last_name(size), "A")
        measured = machine.rounds({str(clients): lambda clients=clients:
                                   _write(machine, server, size, clients)
                                   for clients in (1, CLIENTS)})
    results.add("P7", f"durable writes of {CLIENTS} clients / of one",
                bench.of(measured[str(CLIENTS)], "rate"), "/s", bench.of(measured["1"], "rate"),
                at_least=10)

    names = min(BATCH, max(bench.SIZES))
    ours, bare = [], []
    for _ in range(bench.ROUNDS):
        with machine.server(Ours, 1) as server:
            server.wait(bench.last_name(1), "A")
            seconds = _import(machine, server, names)
            ours.append(names / seconds)
        alone = _sqlite_alone(machine, server.folder / "mcns.db")
        bare.append(alone["records"] / alone["seconds"])
    results.add("P7", f"records a second, import of {bench.text_size(names)} / bare INSERT", ours,
                "/s", bare, at_least=0.5)


def _whole_zone(machine, results, size):
    text = f"{bench.text_size(size)} names replaced under {bench.RATE:,} q/s"
    with contextlib.ExitStack() as stack:
        servers = {}
        for kind in (Ours, Knot):
            server = servers[kind.name] = machine.server(kind, size)
            # Its own file, which a new version is written into.
            server.zones = {ORIGIN: shutil.copy(server.zones[ORIGIN], server.folder / "zone")}
            stack.enter_context(server)
            server.wait(bench.last_name(size), "A")
        serials = iter(range(SERIAL + 1, SERIAL + 1 + 2 * bench.ROUNDS))
        measured = machine.rounds({each: lambda each=each: _replace(machine, servers[each], size,
                                                                    next(serials))
                                   for each in servers})
    alone = [_sqlite_alone(machine, servers["mcns"].folder / "mcns.db")["replace_seconds"]
             for _ in range(bench.ROUNDS)]
    gaps, seconds, lost = ({each: bench.of(measured[each], key) for each in measured}
                           for key in ("longest_gap_ms", "replace_s", "lost"))
    results.add("P8", f"{text}, questions lost", lost["mcns"], "", limit=0)
    results.add("P8", f"{text}, longest gap between answers / knot", gaps["mcns"], "ms",
                gaps["knot"], at_most=1)
    results.add("P8", f"{text}, time / zone-reload of knot", seconds["mcns"], "s", seconds["knot"],
                at_most=2.5)
    # Rows are the truth, so a replacement of them is what SQLite makes of it at best.
    results.add("P8", f"{text}, time / the same rows in SQLite alone, without questions",
                seconds["mcns"], "s", alone)


def _write(machine, server, size, clients, dns_port=0):
    argv = ["taskset", "-c", bench.LOAD_CPU, machine.binaries / "mcns_write_load", server.socket,
            ORIGIN, size, clients, bench.SECONDS, *([dns_port] if dns_port else [])]
    done = subprocess.run(list(map(str, argv)), check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _updates(server, size):
    """The median time of an UPDATE in milliseconds."""
    times = []
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.settimeout(20)
        udp.connect(server.address)
        for number in range(UPDATES):
            update = dns.update.Update(ORIGIN)
            update.replace(f"h{number * 7919 % size:07d}", 300, "A", f"172.20.{number % 256}.1")
            packet = update.to_wire()
            begun = time.monotonic()
            udp.send(packet)
            reply = udp.recv(65535)
            times.append((time.monotonic() - begun) * 1000)
            if reply[3] & 15:
                raise SystemExit(f"error: {server.name} refuses an UPDATE: {server.log_text()}")
            if sum(times) > bench.SECONDS * 1000:
                break
    return statistics.median(times)


def _import(machine, server, size, serial=SERIAL + 1):
    """Seconds until the whole file is the zone."""
    file = machine.zones(size, serial)[ORIGIN]
    begun = time.monotonic()
    done = subprocess.run(
        list(map(str, ["taskset", "-c", bench.LOAD_CPU, server.binary, "import", "--replace",
                       "--force", "--socket", server.socket, "--local", file])),
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        check=False)
    if done.returncode:
        raise SystemExit(f"error: mcns import: {done.stdout}")
    return time.monotonic() - begun


def _sqlite_alone(machine, path):
    """The same rows into the same tables, in one transaction, and once more in place of those."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        argv = ["taskset", "-c", bench.SERVER_CPU, machine.binaries / "mcns_sqlite_insert", path,
                f"{folder}/bare.db"]
        done = subprocess.run(list(map(str, argv)), check=True, text=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def _replace(machine, server, size, serial):
    """Replaces the zone by its next version while questions come in."""
    questions = machine.questions(size)
    new = machine.zones(size, serial)[ORIGIN]
    # The load outlasts the replacement; the gap is looked for all the time.
    seconds = IMPORT_S if size >= 1_000_000 else 10
    argv = ["taskset", "-c", bench.LOAD_CPU, machine.binaries / "mcns_dns_load", "--server",
            f"127.0.0.1:{server.port}", "--queries", questions, "--seconds", seconds, "--rate",
            bench.RATE, "--until-stopped"]
    load = subprocess.Popen(list(map(str, argv)), text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    time.sleep(1.5)
    begun = time.monotonic()
    if server.name == "mcns":
        _import(machine, server, size, serial)  # acknowledged, so everybody sees it
    else:
        shutil.copy(new, server.zones[ORIGIN])
        begun = time.monotonic()
        subprocess.run(["knotc", "-s", server.folder / "knot.sock", "-b", "zone-reload", ORIGIN],
                       check=True, stdout=subprocess.DEVNULL)
        _wait_for_serial(server, serial)
    took = time.monotonic() - begun
    time.sleep(0.5)
    load.stdin.close()
    output = load.stdout.read()
    load.wait()
    measured = json.loads(output)
    measured["replace_s"] = took
    measured["lost"] = measured["sent"] - measured["answered"]
    return measured


def _wait_for_serial(server, serial):
    packet = question(1, ORIGIN, "SOA")
    deadline = time.monotonic() + IMPORT_S
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.settimeout(1)
        udp.connect(server.address)
        while time.monotonic() < deadline:
            udp.send(packet)
            with contextlib.suppress(socket.timeout):
                if serial.to_bytes(4, "big") in udp.recv(65535):
                    return
            time.sleep(0.002)
    raise SystemExit(f"error: {server.name} does not show serial {serial}")
