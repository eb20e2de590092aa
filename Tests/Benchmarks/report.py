"""Tables of what was measured, for a terminal and for docs/benchmarks.md."""

import platform
import subprocess
from pathlib import Path

from works import median, ratio


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine():
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    fields = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in
              subprocess.run(["lscpu"], capture_output=True, text=True).stdout.splitlines()}
    family = f" (family {fields['CPU family']}, model {fields['Model']})" if "CPU family" in fields else ""
    virtual = ", virtual machine" if fields.get("Hypervisor vendor") else ""
    return f"{model}{family}, {fields.get('CPU(s)', '?')} processors{virtual}; Linux {platform.release().split('-')[0]}"


def judge(work, results, names):
    """One row: what everybody reached, the ratio to the peer that counts, and whether it is enough."""
    mine = names[0]
    row = {"work": work.title, "unit": work.unit, "values": {name: median(results[name]) for name in results}}
    peers = [name for name in results if name in ("haproxy", "nginx", "envoy")]
    if getattr(work, "limit", None) is not None:
        value = row["values"][mine]
        row.update(ratio=None, must=f"≤ {number(work.limit)}", aim=f"≤ {number(work.goal)}", met=grade(value <= work.limit, value <= work.goal))
    elif getattr(work, "must", None) is not None:
        against = work.against if work.against in peers else None
        others = [against] if against else peers or [name for name in names[1:] if name in results]
        if not others:
            return row
        ratios = {name: ratio(results[mine], results[name]) for name in others}
        best = min(ratios, key=ratios.get)
        row.update(ratio=ratios[best], best=best, must=f"≥ {work.must:g} ×", aim=f"{work.aim:g} ×",
                   met=grade(ratios[best] >= work.must, ratios[best] >= work.aim))
    return row


def grade(must, aim):
    return "aim" if aim else "must" if must else "no"


def table(rows, names):
    head = ["work, per processor second of the proxy", *names, "ratio", "must", "aim", "met"]
    body = []
    for row in rows:
        values = [number(row["values"][name]) if name in row["values"] else "" for name in names]
        relation = f"{row['ratio']:.2f} × {row['best']}" if row.get("ratio") else ""
        body.append([f"{row['work']} ({row['unit']})", *values, relation, row.get("must", ""), row.get("aim", ""), row.get("met", "")])
    return head, body


def plain(head, body):
    widths = [max(len(line[column]) for line in [head, *body]) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(zip(line, widths)))
                     for line in [head, *body])


def markdown(head, body):
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(line) + " |" for line in body])
