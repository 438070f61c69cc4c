"""P4 and P5: what a large zone takes of memory, and of time until it is served."""
import shutil

import bench
from support.name_servers import Bind, Knot, Nsd, Ours

PEERS = (Knot, Nsd, Bind)
BYTES_A_RECORD_MAX = 110


def run(machine, results, rows):
    size = max(bench.SIZES)
    text = f"{bench.text_size(size)} names"
    # The first start takes the zone into the database; what is measured begins with that.
    first = machine.server(Ours, size)
    with first:
        seconds = first.wait(bench.last_name(size), "A")
    results.note(f"first start with a seed file of {text}, to the first answer: {seconds:.1f} s")

    def start(server):
        with server:
            seconds = server.wait(bench.last_name(size), "A")
            return {"seconds": seconds, "bytes": server.pss_bytes()}

    def start_without_image():
        shutil.rmtree(first.folder / "image", ignore_errors=True)
        return start(first)

    # Each end leaves an image for the next start.
    contestants = {"mcns": start_without_image, "image": lambda: start(first)}
    for kind in PEERS:
        contestants[kind.name] = lambda kind=kind: start(machine.server(kind, size))
    measured = machine.rounds(contestants)
    if "P4" in rows:
        mebibytes = {each: [value / 2**20 for value in bench.of(measured[each], "bytes")]
                     for each in measured}
        for kind in PEERS:
            results.add("P4", f"memory, {text} / {kind.name}", mebibytes["mcns"], "MiB",
                        mebibytes[kind.name], at_most=0.35 if kind is Knot else None)
        results.add("P4", "memory for each record, all in all",
                    [value / size for value in bench.of(measured["mcns"], "bytes")], "bytes",
                    limit=BYTES_A_RECORD_MAX if size >= 1_000_000 else None)
    if "P5" in rows:
        seconds = {each: bench.of(measured[each], "seconds") for each in measured}
        for kind in PEERS:
            results.add("P5", f"start to first answer, {text}, from SQLite / {kind.name}",
                        seconds["mcns"], "s", seconds[kind.name],
                        at_most=1.5 if kind is Knot else None)
        results.add("P5", f"start to first answer, {text}, from the image / knot",
                    bench.of(measured["image"], "seconds"), "s", seconds["knot"], at_most=0.15)
