#!/usr/bin/python3
"""Prints the slowest translation units of a Ninja log, and the sum over all of them.

usage: build_times.py NINJA_LOG

A unit over 5 s is to be split or put behind a seam; one over 20 s fails.
"""
import sys

SLOWEST = 20
FLAG_SECONDS = 5
FAIL_SECONDS = 20


def read_units(path):
    """Object file -> seconds of its last compilation."""
    seconds = {}
    with open(path, encoding="utf-8") as log:
        for line in log:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 5 and fields[3].endswith(".o"):
                start_ms, end_ms = int(fields[0]), int(fields[1])
                seconds[fields[3]] = (end_ms - start_ms) / 1000
    return seconds


def unit_name(output):
    """src/dsl/db/CMakeFiles/dsl_db.dir/statement.cc.o -> src/dsl/db/statement.cc"""
    folder, _, rest = output.partition("CMakeFiles/")
    return folder + rest.partition(".dir/")[2].removesuffix(".o")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    units = read_units(sys.argv[1])
    slowest = sorted(units.items(), key=lambda unit: -unit[1])[:SLOWEST]
    for output, seconds in slowest:
        mark = "  too slow" if seconds > FAIL_SECONDS else "  slow" if seconds > FLAG_SECONDS else ""
        print(f"{seconds:7.1f} s  {unit_name(output)}{mark}")
    flagged = sum(1 for seconds in units.values() if seconds > FLAG_SECONDS)
    print(f"{sum(units.values()):.0f} compiler seconds in {len(units)} units, {flagged} over {FLAG_SECONDS} s")
    sys.exit(1 if any(seconds > FAIL_SECONDS for seconds in units.values()) else 0)


main()
