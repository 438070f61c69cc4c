"""What a disaster costs: each test says what it expects, and what was measured is printed and kept.

The rows of a run lie in build/disaster-report.json.
"""
import json
import pathlib

REPORT = pathlib.Path(__file__).resolve().parents[2] / "build/disaster-report.json"


def report(scenario, what, seconds, bound_s, loss):
    """`loss`: what was lost, in words. Fails when it took longer than `bound_s`."""
    row = {"scenario": scenario, "what": what, "seconds": round(seconds, 2),
           "bound_seconds": round(bound_s, 2), "loss": loss}
    print(f"\nscenario {scenario}: {what}: {seconds:.1f} s (bound {bound_s:.1f} s), lost: {loss}")
    rows = json.loads(REPORT.read_text()) if REPORT.exists() else []
    rows = [each for each in rows if each["scenario"] != scenario] + [row]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(sorted(rows, key=lambda each: each["scenario"]), indent=1) + "\n")
    assert seconds <= bound_s, row
