"""The machine under measurement: a CPU for the server, another for the load, files of all sizes."""
import json
import os
import subprocess

from models import Echo, SqliteServer
from workload import ORIGIN, SERIAL, name, write_questions, write_zone

ROUNDS = int(os.environ.get("MC_BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("MC_BENCH_SECONDS", "3"))
SIZES = [int(size) for size in
         os.environ.get("MC_BENCH_SIZES", "1000,100000,1000000").split(",")]
SERVER_CPU, LOAD_CPU = 0, 1
RATE = 20_000


class Bench:
    """Files are made when they are first asked for. `binaries`: where the loads and models are."""

    def __init__(self, folder, binaries):
        self.folder = folder
        self.binaries = binaries
        Echo.binaries = SqliteServer.binaries = binaries
        self._made = 0

    def __enter__(self):
        if os.cpu_count() < 2:
            raise SystemExit("error: the server and the load need a CPU each")
        return self

    def __exit__(self, *_):
        pass

    def zones(self, size, serial=SERIAL):
        path = self.folder / f"{size}-{serial}.zone"
        if not path.exists():
            write_zone(path, size, serial)
        return {ORIGIN: str(path)}

    def questions(self, size):
        path = self.folder / f"{size}.questions"
        if not path.exists():
            write_questions(path, size)
        return path

    def own_folder(self):
        """One for every server, so that none sees what another left."""
        self._made += 1
        return self.folder / f"server-{self._made}"

    def server(self, kind, size=0, **options):
        """Not started yet."""
        zones = self.zones(size) if size else {}
        return kind(self.own_folder(), zones, cpu=SERVER_CPU, minimal=True, **options)

    # Loads.

    def load(self, server, questions, *options, seconds=SECONDS):
        """What mcns_dns_load says, with `rate` (answers a second) and `per_cpu` (answers per second
        of the server's processor time)."""
        argv = ["taskset", "-c", LOAD_CPU, self.binaries / "mcns_dns_load", "--server",
                f"127.0.0.1:{server.port}", "--queries", questions, "--seconds", seconds,
                "--pids", ",".join(map(str, server.pids())), *options]
        done = subprocess.run(list(map(str, argv)), check=True, text=True, stdout=subprocess.PIPE)
        measured = json.loads(done.stdout)
        if measured["failed"]:
            raise SystemExit(f"error: {server.name}: {measured['failed']} answers of "
                             f"{measured['answered']} are none: {server.log_text()}")
        measured["rate"] = measured["answered"] / max(measured["seconds"], 0.01)
        measured["per_cpu"] = measured["answered"] / max(measured["cpu_seconds"], 0.01)
        return measured

    def rounds(self, contestants, rounds=ROUNDS):
        """Runs each once a round, in another order each time; name -> what they returned."""
        values = {each: [] for each in contestants}
        order = list(contestants)
        for _ in range(rounds):
            for each in order:
                values[each].append(contestants[each]())
            order.append(order.pop(0))
        return values


def of(measured, key):
    """One figure of every round."""
    return [each[key] for each in measured]


def last_name(size):
    return name(size - 1)


def text_size(size):
    return f"{size // 1_000_000} M" if size >= 1_000_000 else f"{size // 1000} k"
