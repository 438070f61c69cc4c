"""What the benches share that hold ours against a peer in one run."""
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROUNDS = int(os.environ.get("MC_BENCH_ROUNDS", "7"))


def build(*targets):
    """The folder of the release build with these targets in it."""
    if "MC_BENCH_BUILD" in os.environ:
        return pathlib.Path(os.environ["MC_BENCH_BUILD"])
    subprocess.run([ROOT / "dev", "build", "--preset", "release", *targets], check=True)
    return ROOT / "build/release"


def rounds_of(contestants, rounds=ROUNDS):
    """Runs each contestant once a round, in another order each time; name -> values."""
    values = {name: [] for name in contestants}
    order = list(contestants)
    for _ in range(rounds):
        for name in order:
            values[name].append(contestants[name]())
        order.append(order.pop(0))
    return values


def number_of(*argv):
    """What a program prints as its one number."""
    return float(subprocess.run([str(word) for word in argv], check=True, text=True,
                                stdout=subprocess.PIPE).stdout)


class Results:
    """Prints each comparison as it is made, and keeps it."""

    def __init__(self):
        self.rows = []
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; median [least-most] of "
              f"{ROUNDS} rounds", flush=True)

    def add(self, name, ours, unit, peer=None, ratio_max=None, ratio_min=None, limit=None):
        """Times: `ratio_max` bounds ours / peer. Speed: `ratio_min` bounds peer / ours, how fast ours
        is of the peer. `limit` bounds ours alone."""
        row = {"name": name, "unit": unit, "ours": ours, "peer": peer}
        text = f"{name:44} {spread(ours)} {unit}"
        target, value = limit, statistics.median(ours)
        if peer:
            value = statistics.median(ours) / statistics.median(peer)
            value, target = (value, ratio_max) if ratio_min is None else (1 / value, ratio_min)
            row["ratio"] = value
            text += f"  peer {spread(peer)} {unit}  ratio {value:.2f}"
        if target is not None:
            row["target"] = target
            row["met"] = value >= target if ratio_min is not None else value <= target
            text += f"  target {target:g}: {'met' if row['met'] else 'NOT MET'}"
        self.rows.append(row)
        print(text, flush=True)

    def finish(self, file):
        pathlib.Path(file).write_text(json.dumps(self.rows, indent=1), encoding="utf-8")
        missed = [row for row in self.rows if not row.get("met", True)]
        print(f"{len(missed)} targets not met" if missed else "every target is met")
        sys.exit(1 if missed else 0)


def spread(values):
    return f"{statistics.median(values):8.3f} [{min(values):.3f}-{max(values):.3f}]"
