#!/usr/bin/env python3
"""Counts what the tests wrote down while they ran, also of a run that ended in the middle.

`test_summary.py RESULTS STATUS`: RESULTS holds the event streams of Swift Testing (*.jsonl) and the names of parts that failed
(failed-parts). The last line is `N passed, N failed`, with the skipped ones if there are any. Exits 1 if STATUS is not 0 or
anything failed.
"""

import json
import pathlib
import sys


def outcomes(path):
    """Name and outcome of each test function: passed, failed, skipped or unfinished."""
    tests, seen = {}, {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue  # The line a killed program was at.
            payload = record.get("payload", {})
            if record.get("kind") == "test":
                if payload.get("kind") == "function":
                    tests[payload["id"]] = payload.get("displayName") or payload["name"]
                continue
            test = payload.get("testID")
            kind = payload.get("kind")
            if kind == "testStarted":
                seen.setdefault(test, "unfinished")
            elif kind == "testSkipped":
                seen[test] = "skipped"
            elif kind == "testEnded":
                failed = any(message.get("symbol") == "fail" for message in payload.get("messages", []))
                seen[test] = "failed" if failed else "passed"
    return [(tests[test], outcome) for test, outcome in seen.items() if test in tests]


def main(results, status):
    results = pathlib.Path(results)
    counts = dict(passed=0, failed=0, skipped=0, unfinished=0)
    for path in sorted(results.glob("*.jsonl")):
        for name, outcome in outcomes(path):
            counts[outcome] += 1
            if outcome in ("failed", "unfinished"):
                print(f"{'failed' if outcome == 'failed' else 'did not end'}: {name}")
    failed = counts["failed"] + counts["unfinished"]
    parts = results / "failed-parts"
    if status != 0 and failed == 0:
        # Nothing a test said: the build, or a program that died between two tests.
        names = parts.read_text(encoding="utf-8").splitlines() if parts.exists() else []
        print(f"failed: {', '.join(names) or 'the run itself'} (see above)")
        failed = 1
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {failed} failed{skipped}")
    sys.exit(1 if failed or status != 0 else 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
