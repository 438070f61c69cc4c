"""P10: answers out of the cache, in front of an upstream that has nothing to do by then."""
import contextlib

import bench
from caches import PEERS
from models import Echo
from results import best
from support.name_servers import Knot, Ours

SIZE = 100_000
PASSES_MAX = 6   # for filling a cache
QUIET_S = 0.05   # the upstream's share of a load that is answered from the cache
AT_LEAST = 1.8   # of the fastest peer


def run(machine, results, rows):
    del rows
    size = min(SIZE, max(bench.SIZES))
    questions = machine.questions(size)
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(machine.server(Knot, size))
        upstream.wait(bench.last_name(size), "A")
        servers = {}
        for kind in PEERS:
            reason = kind.unavailable()
            if reason:
                results.note(f"P10: without {kind.name}: {reason}")
            else:
                servers[kind.name] = machine.server(kind, upstream=upstream.port)
        servers["cache"] = machine.server(Ours, upstream=upstream.port)
        servers["zone"] = machine.server(Ours, size)
        for each, server in servers.items():
            stack.enter_context(server)
            server.wait(bench.last_name(size), "A", recursion=True)
            if each != "zone":
                _warm(machine, server, upstream, questions)

        servers["echo"] = stack.enter_context(machine.server(Echo))

        def load(each):
            before = upstream.cpu_seconds()
            measured = machine.load(servers[each], questions)
            asked = upstream.cpu_seconds() - before > QUIET_S * bench.SECONDS
            if asked and each not in ("zone", "echo"):
                results.note(f"P10: {each} asked its upstream meanwhile")
            return measured["per_cpu"]

        rates = machine.rounds({each: lambda each=each: load(each) for each in servers})
    ours, zone, echo = rates.pop("cache"), rates.pop("zone"), rates.pop("echo")
    fastest = best(rates)
    results.add("P10", f"echo of datagrams / {fastest}", echo, "q/cs", rates[fastest])
    for peer, values in rates.items():
        results.add("P10", f"cache hits, {bench.text_size(size)} names / {peer}", ours, "q/cs",
                    values, at_least=AT_LEAST if peer == fastest else None)
    results.add("P10", "cache hits / answers of an own zone", ours, "q/cs", zone, at_least=0.8)


def _warm(machine, server, upstream, questions):
    """Passes over the questions, until one leaves the upstream alone."""
    for _ in range(PASSES_MAX):
        before = upstream.cpu_seconds()
        machine.load(server, questions, "--once", "--warmup", 0, "--window", 16)
        if upstream.cpu_seconds() - before < 0.1:
            return
    raise SystemExit(f"error: {server.name} does not keep what it was told:\n{server.log_text()}")
