"""Figures as they are printed and kept."""
import json
import statistics
import sys


class Results:
    """Prints each comparison as it is made. A ratio is ours / peer, of medians."""

    def __init__(self):
        self.rows = []

    def add(self, row, name, ours, unit, peer=None, at_least=None, at_most=None, limit=None):
        """`at_least` and `at_most` bound the ratio; `limit` is the most that ours may be; with none
        of them it is a fact."""
        result = {"row": row, "name": name, "unit": unit, "ours": ours, "peer": peer}
        text = f"{row:>4}  {name:58} {spread(ours)} {unit}"
        value = statistics.median(ours)
        if peer:
            value /= statistics.median(peer)
            result["ratio"] = value
            text += f"  peer {spread(peer)} {unit}  ratio {value:.2f}"
        for target, met in ((at_least, at_least is not None and value >= at_least),
                            (at_most, at_most is not None and value <= at_most),
                            (limit, limit is not None and value <= limit)):
            if target is not None:
                result.update(target=target, met=met)
                text += f"  target {target:g}: {'met' if met else 'NOT MET'}"
        self.rows.append(result)
        print(text, flush=True)

    def skip(self, row, reason):
        self.rows.append({"row": row, "skipped": reason})
        print(f"{row:>4}  skipped: {reason}", flush=True)

    def note(self, text):
        print(f"{'':4}  {text}", flush=True)

    def finish(self, file):
        with open(file, "w", encoding="utf-8") as out:
            json.dump(self.rows, out, indent=1)
        missed = [row for row in self.rows if not row.get("met", True)]
        print(f"{len(missed)} targets not met" if missed else "every target is met")
        sys.exit(1 if missed else 0)


def best(values, smallest=False):
    """The name with the best median."""
    pick = min if smallest else max
    return pick(values, key=lambda name: statistics.median(values[name]))


def spread(values):
    middle = statistics.median(values)
    digits = 0 if middle >= 1000 else 1 if middle >= 10 else 2
    return f"{middle:11,.{digits}f} [{min(values):,.{digits}f}-{max(values):,.{digits}f}]"
