"""Tables of what was measured, for a terminal and for docs/benchmarks.md."""

import platform
import subprocess
from pathlib import Path

from works import Routes, median, ratio

peer_names = ("haproxy", "nginx", "envoy")
start_mark, end_mark = "<!-- hack/bench writes from here -->", "<!-- to here -->"


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine():
    fields = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in
              subprocess.run(["lscpu"], capture_output=True, text=True).stdout.splitlines()}
    family = f" (family {fields['CPU family']}, model {fields['Model']})" if "CPU family" in fields else ""
    virtual = ", virtual machine" if fields.get("Hypervisor vendor") else ""
    return f"{fields.get('Model name', '')}{family}, {fields.get('CPU(s)', '?')} processors{virtual}; Linux {platform.release().split('-')[0]}"


def rows(work, results):
    """Lines of the table: what everybody reached, the ratio to the peer that counts, and whether it is enough."""
    made = []
    for title, unit, key, join, limit, goal in work.lines():
        row = {"work": title, "unit": unit, "values": {name: join(runs, key) for name, runs in results.items()}}
        if limit is not None:
            value = row["values"]["egret"]
            row.update(must=f"≤ {limit:,}", aim=f"≤ {goal:,}", met=grade(value <= limit, value <= goal))
        made.append(row)
    if getattr(work, "must", None) is None:
        return made
    peers = [name for name in results if name in peer_names]
    others = [work.against] if work.against in peers else peers
    if isinstance(work, Routes):
        others = ["10 routes"]
    if others:
        ratios = {name: ratio(results["egret"], results[name]) for name in others}
        best = min(ratios, key=ratios.get)
        made[0].update(ratio=ratios[best], best=best, must=f"≥ {work.must:g} ×", aim=f"{work.aim:g} ×",
                       met=grade(ratios[best] >= work.must, ratios[best] >= work.aim))
    return made


def grade(must, aim):
    return "aim" if aim else "must" if must else "no"


def table(rows, names):
    head = ["work", *names, "ratio", "must", "aim", "met"]
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


def spread(work, results):
    """How far the rounds lie apart, and how much of its processor each proxy had."""
    if work.less or isinstance(work, Routes):
        return []
    return [[work.title, name, f"{number(min(run['value'] for run in runs))} – {number(max(run['value'] for run in runs))}",
             f"{median(runs, 'busy') * 100:.0f} %", f"{median([{'value': run['ownCPU'] / run['seconds']} for run in runs]) * 100:.0f} %"]
            for name, runs in results.items()]


def write(page, sections):
    text = page.read_text()
    before, _, rest = text.partition(start_mark)
    _, _, after = rest.partition(end_mark)
    page.write_text(before + start_mark + "\n\n" + "\n\n".join(sections) + "\n\n" + end_mark + after)
