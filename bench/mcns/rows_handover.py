"""P13: hand-overs from process to process while questions come in."""
import json
import subprocess
import time

import bench
from support.name_servers import Ours

SIZE = 100_000
HANDOVERS = 10
TCP_CLIENTS, TCP_RATE = 200, 2000
REST_S = 0.3  # before, between and after


class Upgraded(Ours):
    """Every client of the load has the same address."""

    def argv(self):
        return [*super().argv(), "--set", f"dns.tcp_max_per_client={TCP_CLIENTS + 10}"]


def run(machine, results, rows):
    del rows
    size = min(SIZE, max(bench.SIZES))
    measured = [_round(machine, size) for _ in range(bench.ROUNDS)]
    text = f"{HANDOVERS} hand-overs under {bench.RATE:,} q/s"
    results.add("P13", f"{text}, questions lost over UDP",
                [one["udp"]["sent"] - one["udp"]["answered"] for one in measured], "", limit=0)
    results.add("P13", f"and over TCP, {TCP_CLIENTS} clients",
                [one["tcp"]["sent"] - one["tcp"]["answered"] for one in measured], "", limit=0)
    results.add("P13", "connections ended in the middle of an answer",
                [one["tcp"]["broken"] + one["tcp"]["reset"] for one in measured], "", limit=0)
    results.add("P13", "connections ended at all", bench.of([one["tcp"] for one in measured],
                                                            "closed"), "")
    results.add("P13", "longest gap between answers over UDP",
                bench.of([one["udp"] for one in measured], "longest_gap_ms"), "ms")
    results.add("P13", f"a hand-over, {bench.text_size(size)} names",
                [took for one in measured for took in one["took_ms"]], "ms")


def _round(machine, size):
    with machine.server(Upgraded, size) as server:
        server.wait(bench.last_name(size), "A")
        udp = _load(machine, server, size, "--rate", bench.RATE)
        tcp = _load(machine, server, size, "--rate", TCP_RATE, "--tcp", "--sockets", TCP_CLIENTS)
        took = []
        for _ in range(HANDOVERS):
            time.sleep(REST_S)
            took.append(_upgrade(server))
        time.sleep(REST_S)
        return {"udp": _end(udp), "tcp": _end(tcp), "took_ms": took}


def _load(machine, server, size, *options):
    argv = ["taskset", "-c", bench.LOAD_CPU, machine.binaries / "mcns_dns_load", "--server",
            f"127.0.0.1:{server.port}", "--queries", machine.questions(size), "--seconds", 600,
            "--warmup", 0, "--until-stopped", *options]
    return subprocess.Popen(list(map(str, argv)), text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)


def _end(load):
    output, _ = load.communicate("")
    if load.returncode:
        raise SystemExit("error: the load has failed")
    return json.loads(output)


def _upgrade(server):
    """Milliseconds from the start of the new process until it serves alone."""
    done = subprocess.run([server.binary, "upgrade", "--json", "--config",
                           server.folder / "mcns.toml"], text=True, capture_output=True,
                          check=False)
    if done.returncode:
        raise SystemExit(f"error: mcns upgrade: {done.stderr}{server.log_text()}")
    return json.loads(done.stdout)["took_ms"]
