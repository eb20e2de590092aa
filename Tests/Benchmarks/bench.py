#!/usr/bin/env python3
"""Egret beside HAProxy, nginx stream and Envoy on the same work. Run by hack/bench, which builds the programs."""

import argparse
import ctypes
import fcntl
import os
import resource
import socket
import struct
import sys
import tempfile
from pathlib import Path

import proxies
import report
import works


def own_network():
    """A network namespace of its own: nobody else's traffic, and ports enough for connections by the ten thousand."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_net, new_user = 0x40000000, 0x10000000
    uid = os.getuid()
    if libc.unshare(new_net) != 0 and libc.unshare(new_net | new_user) != 0:
        print("no network namespace of our own here: measuring on the machine's loopback", file=sys.stderr)
        proxies.Proxy.own_network = False
        return
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    up_and_running = 0x41
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", up_and_running))  # SIOCSIFFLAGS
    # Some machines have bbr, whose timers would be what a loopback measures; reno may be chosen everywhere.
    for name, value in (("ip_local_port_range", "16384 65535"), ("tcp_tw_reuse", "1"), ("tcp_congestion_control", "reno")):
        try:
            Path("/proc/sys/net/ipv4", name).write_text(value)
        except OSError as error:
            print(f"{name} stays as it is: {error}", file=sys.stderr)


def arguments():
    names = [work.name for work in works.works]
    parser = argparse.ArgumentParser(prog="hack/bench", description=__doc__)
    parser.add_argument("work", nargs="*", help="any of: " + ", ".join(names) + "; all of them if none is named")
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--smoke", action="store_true", help="egret alone and very short: whether everything works, not how fast")
    parser.add_argument("--rounds", type=int, help="paired rounds (6)")
    parser.add_argument("--seconds", type=float, help="measured seconds per run (3)")
    parser.add_argument("--peers", default="haproxy,nginx,envoy", help="which peers; an empty text for none")
    parser.add_argument("--egret", default=str(proxies.root / ".build/release/egret-dp"), help="the program to measure")
    parser.add_argument("--against", action="append", default=[], metavar="PROGRAM", help="another build of egret-dp to compare with")
    parser.add_argument("--no-build", action="store_true", help="use the programs in .build/release as they are")
    parser.add_argument("--generator", default=str(proxies.root / ".build/release/egret-bench"), help=argparse.SUPPRESS)
    parser.add_argument("--nice", type=int, default=0, help="priority of load and proxies; -15 keeps a busy machine's other work out of the way")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md even if not everything was measured")
    parser.add_argument("--verbose", action="store_true", help="every single run")
    options = parser.parse_args()
    for name in options.work:
        if name not in names:
            parser.error(f"there is no work {name!r}; there are {', '.join(names)}")
    if options.smoke:
        options.peers = ""
    options.peers = [name for name in options.peers.split(",") if name]
    for name in options.peers:
        if name not in proxies.kinds:
            parser.error(f"there is no peer {name!r}; there are {', '.join(proxies.kinds)}")
    return options


def main():
    options = arguments()
    chosen = [work for work in works.works if not options.work or work.name in options.work]
    proxies.install(options.peers)
    own_network()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    # Both sides of an idle connection are descriptors of the generator, and of the proxy too.
    idle = min(9000, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500) // 2)
    proxies.Proxy.nice = options.nice
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        print("one processor only: load and proxy share it, and absolute rates mean little", file=sys.stderr)

    with tempfile.TemporaryDirectory(prefix="egret-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        proxies.make_certificates(folder)
        length = works.smoke if options.smoke else works.quick if options.quick else works.full
        bench = works.Bench(options.generator, folder, cpus=(cpus[0], cpus[-1]), **{**length, "idle": min(length["idle"], idle)})
        bench.rounds = options.rounds or bench.rounds
        bench.seconds = options.seconds or bench.seconds
        return compare(bench, chosen, options)


def compare(bench, chosen, options):
    builds = [proxies.Egret("egret", 0, bench.folder, options.egret)]
    for number, program in enumerate(options.against):
        builds.append(proxies.Egret(f"other{number + 1 if number else ''}", 10 + number, bench.folder, program))
    peers = [proxies.kinds[name](name, 1 + number, bench.folder) for number, name in enumerate(options.peers)]
    rows, notes, spreads, failures = [], [], [], []
    for work in chosen:
        try:
            results = measure(bench, work, builds, peers, options)
        except proxies.Failure as failure:
            failures.append(str(failure))
            print(f"error: {failure}", file=sys.stderr)
            continue
        rows += report.rows(work, results)
        notes += work.remarks(results)
        spreads += report.spread(work, results)
        for other in builds[1:]:
            if other.name in results:
                notes.append(f"{work.name}: egret is {works.ratio(results['egret'], results[other.name]):.3f} × {other.binary}")
    names = [build.name for build in builds] + options.peers
    head, body = report.table(rows, names)
    machine = f"{report.machine()}. {', '.join(peer.version() for peer in peers)}.".replace(". .", ".")
    print(f"\n{machine}\n\n{report.plain(head, body)}\n")
    print("\n".join(notes))
    complete = len(chosen) == len(works.works) and len(peers) == len(proxies.kinds) and not options.against and not options.quick
    if options.write or (complete and not failures):
        method = f"Medians of {bench.rounds} rounds of {bench.seconds:g} s in which every proxy has its turn; {bench.idle:,} idle connections."
        if options.nice:
            method += " Other programs ran on the machine, at a lower priority."
        page = proxies.root / "docs/benchmarks.md"
        runs = ["work", "proxy", "lowest – highest round", "proxy's processor", "load's processor"]
        report.write(page, [
            machine, method, report.markdown(head, body), "\n".join("- " + note for note in notes),
            "How far the rounds lie apart, and how busy the two processors were. The load's is always: it never sleeps. A proxy far below "
            "100 % waited for the load.", report.markdown(runs, spreads)])
        print(f"\nwrote {page}")
    return 1 if failures else 0


def measure(bench, work, builds, peers, options):
    def progress(work, proxy, number, result):
        if options.verbose:
            facts = ", ".join(f"{key} {report.number(value)}" for key, value in result.items() if isinstance(value, (int, float)))
            print(f"    {work.name} round {number + 1} {proxy.name}: {facts}", file=sys.stderr, flush=True)
        else:
            print(".", end="", file=sys.stderr, flush=True)

    print(f"==> {work.title}", file=sys.stderr, end="\n" if options.verbose else " ", flush=True)
    entrants = builds + [peer for peer in peers if peer.name in work.peers]
    for build in builds:
        build.routes = bench.routes if work.many_routes else None
    if isinstance(work, works.Routes):
        # The same program as two competitors: a table of 10,000 names and one of 9 names and a wildcard.
        few = proxies.Egret("10 routes", 20, bench.folder, builds[0].binary)
        few.routes, few.all_names = 10, bench.routes
        entrants = [builds[0], few]
    try:
        return works.run(bench, work, entrants, progress)
    finally:
        print(file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except proxies.Failure as failure:
        sys.exit(f"error: {failure}")
