"""P1, P2, P3, P11, P14: how much an answer costs, and how long it takes."""
import contextlib

import bench
from models import Echo, SqliteServer
from results import best
from support.name_servers import Bind, Knot, Nsd, Ours

UNIT = "q/cs"
PORTS = 500


def run(machine, results, rows):
    rates = {}
    sizes = bench.SIZES if {"P1", "P2", "P3"} & set(rows) else [max(bench.SIZES)]
    for size in sizes:
        with contextlib.ExitStack() as stack:
            servers = _start(machine, stack, rows, size)
            questions = machine.questions(size)
            if {"P1", "P2"} & set(rows):
                rates[size] = _saturate(machine, servers, questions, size, results, rows)
            if "P3" in rows:
                _at_rate(machine, servers, questions, size, results)
            if "P11" in rows and size == max(sizes):
                _streams(machine, servers, questions, size, results)
            if "P14" in rows and size == max(sizes):
                _model(machine, servers, stack, questions, size, results)
    if "P2" in rows and len(rates) > 1:
        least, most = sorted(rates)[-2:]
        results.add("P2", f"ours, {bench.text_size(most)} names / {bench.text_size(least)}",
                    rates[most], UNIT, rates[least], at_least=0.85)
        results.note("P2: answers with DNSSEC are not measured, since nothing is signed")


def _start(machine, stack, rows, size):
    kinds = [Ours]
    kinds += [Knot, Nsd] if {"P1", "P2", "P3", "P11"} & set(rows) else []
    kinds += [Bind] if {"P3", "P11"} & set(rows) else []
    servers = {}
    for kind in kinds:
        reason = kind.unavailable()
        if reason:
            raise SystemExit(f"error: {reason}\nhint: ./dev setup test bench")
        servers[kind.name] = stack.enter_context(machine.server(kind, size))
    for server in servers.values():
        server.wait(bench.last_name(size), "A")
    if "P1" in rows:
        servers["echo"] = stack.enter_context(machine.server(Echo))
    return servers


def _saturate(machine, servers, questions, size, results, rows):
    """Prints P1; our rates."""
    names = [each for each in ("mcns", "knot", "nsd", "echo") if each in servers]
    measured = machine.rounds({each: lambda each=each: machine.load(servers[each], questions)
                               for each in names})
    ours = bench.of(measured["mcns"], "per_cpu")
    if "P1" in rows:
        peers = {each: bench.of(measured[each], "per_cpu") for each in names[1:]}
        better = best({each: peers[each] for each in ("knot", "nsd")})
        text = bench.text_size(size)
        target = 1.5 if size >= 100_000 else None
        for peer in ("knot", "nsd"):
            results.add("P1", f"{text} names, UDP / {peer}", ours, UNIT, peers[peer],
                        at_least=target if peer == better else None)
        results.add("P1", f"{text} names, UDP / echo of datagrams", ours, UNIT, peers["echo"],
                    at_least=0.75 if target else None)
        for peer in names[1:]:
            results.add("P1", f"{text} names, answers a second, two CPUs / {peer}",
                        bench.of(measured["mcns"], "rate"), "q/s", bench.of(measured[peer], "rate"))
        if size == max(bench.SIZES):
            _from_many_ports(machine, servers, questions, text, results)
    return ours


def _from_many_ports(machine, servers, questions, text, results):
    """As from clients that each ask once: no two answers of a batch go the same way. The load, which
    takes two calls a question then, is what limits the rate, so batches are small as well."""
    measured = machine.rounds({
        each: lambda each=each: machine.load(servers[each], questions, "--sockets", PORTS,
                                             "--window", 1)
        for each in ("mcns", "knot", "nsd", "echo")})
    for peer in ("knot", "nsd", "echo"):
        results.add("P1", f"{text} names, {PORTS} ports / {peer}",
                    bench.of(measured["mcns"], "per_cpu"), UNIT,
                    bench.of(measured[peer], "per_cpu"))


def _at_rate(machine, servers, questions, size, results):
    names = [each for each in ("mcns", "knot", "nsd", "bind") if each in servers]
    measured = machine.rounds({
        each: lambda each=each: machine.load(servers[each], questions, "--rate", bench.RATE)
        for each in names})
    p99 = {each: bench.of(measured[each], "p99_us") for each in names}
    lowest = best({each: p99[each] for each in names[1:]}, smallest=True)
    text = f"{bench.text_size(size)} names at {bench.RATE:,} q/s"
    for peer in names[1:]:
        results.add("P3", f"{text}, p99 / {peer}", p99["mcns"], "us", p99[peer],
                    at_most=1.0 if peer == lowest and size >= 100_000 else None)
    for key, words in (("p50_us", "p50"), ("p999_us", "p99.9")):
        results.add("P3", f"{text}, {words} / {lowest}", bench.of(measured["mcns"], key), "us",
                    bench.of(measured[lowest], key))
    for each in names:
        lost = sum(one["sent"] - one["answered"] for one in measured[each])
        if lost:
            results.note(f"{each} lost {lost} questions")


def _streams(machine, servers, questions, size, results):
    names = [each for each in ("mcns", "knot", "nsd", "bind") if each in servers]
    measured = machine.rounds({
        each: lambda each=each: machine.load(servers[each], questions, "--tcp", "--sockets", 8,
                                             "--window", 64)
        for each in names})
    rates = {each: bench.of(measured[each], "per_cpu") for each in names}
    better = best({each: rates[each] for each in names[1:]})
    for peer in names[1:]:
        results.add("P11", f"{bench.text_size(size)} names, TCP, pipelined / {peer}", rates["mcns"],
                    UNIT, rates[peer], at_least=1.2 if peer == better else None)
    results.note("P11: there is no DoT")


def _model(machine, servers, stack, questions, size, results):
    SqliteServer.size = size
    servers["sqlite"] = stack.enter_context(machine.server(SqliteServer))
    servers["sqlite"].wait(bench.last_name(size), "A")
    measured = machine.rounds({each: lambda each=each: machine.load(servers[each], questions)
                               for each in ("mcns", "sqlite")})
    results.add("P14", f"{bench.text_size(size)} names / a SQLite query a question",
                bench.of(measured["mcns"], "per_cpu"), UNIT,
                bench.of(measured["sqlite"], "per_cpu"), at_least=9)
