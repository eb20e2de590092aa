"""The works: what is sent through a proxy, and which number of it counts."""

import json
import os
import signal
import statistics
import subprocess
import threading
import time

from proxies import Failure, Proxy, pin


full = {"rounds": 6, "seconds": 3, "warmup": 0.5, "idle": 9000, "routes": 10000}
quick = {"rounds": 2, "seconds": 1, "warmup": 0.3, "idle": 9000, "routes": 10000}
smoke = {"rounds": 1, "seconds": 0.2, "warmup": 0.1, "idle": 200, "routes": 100}


class Bench:
    """One place for the load generator, the processors and the lengths of runs."""

    def __init__(self, generator, folder, rounds, seconds, warmup, idle, routes, cpus):
        self.generator = generator
        self.folder = folder
        self.rounds = rounds
        self.seconds = seconds
        self.warmup = warmup
        self.idle = idle
        self.routes = routes
        self.load_cpu, self.proxy_cpu = cpus

    def load(self, work, proxy, *options, seconds=None, certificate=None):
        command = [
            self.generator, "load", work, "--proxy", str(proxy.port), "--backend", str(proxy.backend),
            "--seconds", str(seconds or self.seconds), "--warmup", str(self.warmup), *options,
        ]
        for pid in proxy.pids():
            command += ["--pid", str(pid)]
        if certificate:
            command += ["--certificate", self.folder / f"{certificate}.crt", "--key", self.folder / f"{certificate}.key"]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: pin(self.load_cpu, Proxy.nice))
        if done.returncode != 0 or not done.stdout.startswith("{"):
            raise Failure(f"the load generator failed on {proxy.name}: {done.stderr.strip()}")
        return json.loads(done.stdout)


class Work:
    """`value` is what counts: more is better, unless `less` says otherwise."""

    less = False
    terminate = False
    tuned = False
    peers = ("haproxy", "nginx", "envoy")
    # Whether Egret's table has thousands of exact names, or is the one of peers/egret.yaml.
    many_routes = False
    # Which of the peers the requirement is about; None means the best of them.
    against = None

    def lines(self):
        """What of the results makes a line of the table: title, unit, key, how rounds are joined, limit and goal."""
        return [(self.title, self.unit, "value", median, getattr(self, "limit", None), getattr(self, "goal", None))]

    def remarks(self, results):
        """Sentences to go with the table."""
        return []

    def prepare(self, bench, proxy):
        """Checks that the proxy does the work before its speed is measured."""

    def measure(self, bench, proxy):
        result = bench.load(self.load, proxy, *self.options, certificate="client" if self.terminate else None)
        if result["failures"]:
            raise Failure(f"{self.name}: {result['failures']} failures through {proxy.name}: {result.get('firstFailure')}")
        if result["proxyCPU"] <= 0:
            raise Failure(f"{self.name}: {proxy.name} used no processor time; is it the one that carries the traffic?")
        result["value"] = self.scale * result["units"] / result["proxyCPU"]
        # Below 1 the load is the limit, or other programs are in the way.
        result["busy"] = result["proxyCPU"] / result["seconds"]
        return result


class Bulk(Work):
    """Peers move bytes as their packages install them, which is what most installations have."""

    name, title, unit = "bulk", "bulk passthrough, 16 streams", "Gbit"
    load, options, scale = "bulk-down", ("--connections", "16"), 8e-9
    must, aim = 2.5, 4


class BulkTuned(Bulk):
    """The same beside HAProxy and nginx with the best settings that were found for this work."""

    name, title, tuned, must = "bulk-tuned", "the same, peers tuned for it", True, None


class Connections(Work):
    name, title, unit = "new", "new connections: hello, one exchange, close", "connections"
    load, options, scale = "connections", ("--connections", "64"), 1
    must, aim = 1.1, 1.5


class PingPong(Work):
    name, title, unit = "pingpong", "64-byte ping-pong, 64 connections", "round trips"
    load, options, scale = "pingpong", ("--connections", "64"), 1
    must, aim = 1.0, 1.3

    def remarks(self, results):
        return ["ping-pong, p50 and p99 in µs: " + ", ".join(
            f"{name} {median(runs, 'p50'):.0f} and {median(runs, 'p99'):.0f}" for name, runs in results.items())]


class Idle(Work):
    name, title, unit, less = "idle", "resident memory per idle connection", "bytes", True
    limit, goal = 1024, 256

    def measure(self, bench, proxy):
        result = bench.load("idle", proxy, "--connections", str(bench.idle))
        if result["failures"]:
            raise Failure(f"idle: {result['failures']} failures through {proxy.name}: {result.get('firstFailure')}")
        result["value"] = result["perConnection"]
        return result


class Terminate(Work):
    terminate = True
    against = "envoy"

    def __init__(self):
        self.compares = {}

    def prepare(self, bench, proxy):
        """The mesh's client gets its answer; those that nobody let in get none."""

        def answered(certificate):
            options = ("--connections", "1", "--total", "1", "--name", "ext.partner.test")
            return bench.load("handshakes", proxy, *options, seconds=5, certificate=certificate)["failures"] == 0

        if not answered("client"):
            raise Failure(f"{proxy.name} refuses the mesh's client")
        for name, what in ((None, "no certificate"), ("stranger", "a certificate of another CA")):
            if answered(name):
                raise Failure(f"{proxy.name} serves a client with {what}")
        self.compares[proxy.name] = not answered("outsider")
        if proxy.name == "egret" and not self.compares["egret"]:
            raise Failure("egret serves a client of another trust domain")


class Handshakes(Terminate):
    name, title, unit = "handshakes", "mTLS handshakes, terminate", "handshakes"
    load, options, scale = "handshakes", ("--connections", "32", "--name", "ext.partner.test"), 1
    must, aim = 1.0, 1.2

    def remarks(self, results):
        return ["mTLS: every proxy was seen to refuse a client without a certificate and one of another CA; the SPIFFE id is compared by "
                + ", ".join(name for name, compares in self.compares.items() if compares)]


class TLSBulkDown(Terminate):
    name, title, unit = "tls-down", "mTLS bulk to the client, 16 streams", "Gbit"
    load, options, scale, tuned = "tls-down", ("--connections", "16", "--name", "ext.partner.test"), 8e-9, True
    must, aim = 1.0, 1.3


class TLSBulkUp(TLSBulkDown):
    name, title, load = "tls-up", "mTLS bulk from the client, 16 streams", "tls-up"


class Routes(Work):
    """The same proxy with two tables under the same hellos; the peers don't take part."""

    name, title, unit = "routes", "new connections with 10,000 routes, against 10", "connections"
    load, scale, peers, many_routes = "connections", 1, (), True
    must, aim = 0.95, 1.0

    def measure(self, bench, proxy):
        self.options = ("--connections", "64", "--name", "n*.example.test", "--names", str(bench.routes))
        return super().measure(bench, proxy)


class Swap(Work):
    """A light load by the clock while the whole table is replaced again and again."""

    name, less, peers, many_routes = "swap", True, (), True
    title = "a table of 10,000 routes is swapped under load"

    def lines(self):
        return [
            ("longest wait while tables of 10,000 routes are swapped", "ms", "value", longest, None, None),
            ("longest wait without swaps", "ms", "quiet", longest, None, None),
        ]

    def measure(self, bench, proxy):
        options = ("--connections", "16", "--name", "n*.example.test", "--names", str(bench.routes))
        # Long enough for several swaps.
        seconds = bench.seconds * 2
        quiet = bench.load("paced", proxy, *options, seconds=seconds)
        swaps, ended = [], threading.Event()

        def swap():
            number = 0
            while not ended.is_set():
                number += 1
                before = proxy.generation()
                proxy.table(bench.routes, number)
                proxy.process.send_signal(signal.SIGHUP)
                asked = time.monotonic()
                while proxy.generation() == before:
                    if ended.wait(0.02):
                        return
                swaps.append(time.monotonic() - asked)

        thread = threading.Thread(target=swap)
        thread.start()
        try:
            result = bench.load("paced", proxy, *options, seconds=seconds)
        finally:
            ended.set()
            thread.join()
        if result["failures"]:
            raise Failure(f"swap: {result['failures']} failures: {result.get('firstFailure')}")
        if not swaps:
            raise Failure("swap: no table was taken over")
        result["value"] = result["longest"] / 1000
        result["quiet"] = quiet["longest"] / 1000
        result["swaps"] = len(swaps)
        result["took"] = statistics.median(swaps) * 1000
        return result

    def remarks(self, results):
        swaps = sum(result["swaps"] for result in results["egret"])
        return [f"{swaps} swaps without an error; from the signal until the new table serves {median(results['egret'], 'took'):.0f} ms"]


class Start(Work):
    """Egret counts as there when `/ready` says so, the peers when they take a connection."""

    name, less = "start", True
    title = "start to ready, and memory at rest"

    def lines(self):
        return [("start to ready", "ms", "milliseconds", median, 50, 20), ("resident memory at rest", "MiB", "resident", median, 20, 10)]

    def measure(self, bench, proxy):
        command = [str(word) for word in proxy.command(False, False)]
        options = ["--port", str(proxy.admin), "--path", "/ready"] if hasattr(proxy, "get") else ["--port", str(proxy.port)]
        done = subprocess.run(
            [bench.generator, "start", *options, "--", *command], capture_output=True, text=True, env=proxy.environment(),
            cwd=bench.folder, preexec_fn=lambda: pin(None, Proxy.nice))
        if done.returncode != 0:
            raise Failure(f"start: {proxy.name}: {done.stderr.strip()}")
        result = json.loads(done.stdout)
        result["value"] = result["milliseconds"]
        result["resident"] /= 1 << 20
        return result


def median(results, key="value"):
    return statistics.median(result[key] for result in results)


def longest(results, key="value"):
    return max(result[key] for result in results)


works = [Bulk(), BulkTuned(), Connections(), PingPong(), Idle(), Handshakes(), TLSBulkDown(), TLSBulkUp(), Routes(), Swap(), Start()]


def run(bench, work, proxies, progress):
    """Rounds in which every proxy has its turn: name → results in order.

    Every other round goes backwards: the same program measured twice in a row differs by some hundredths, and always the same way.
    """
    results = {proxy.name: [] for proxy in proxies}
    for number in range(bench.rounds):
        for proxy in proxies if number % 2 == 0 else reversed(proxies):
            if isinstance(work, Start):
                result = work.measure(bench, proxy)
            else:
                proxy.start(bench.proxy_cpu, work.terminate, work.tuned)
                try:
                    if number == 0:
                        work.prepare(bench, proxy)
                    result = work.measure(bench, proxy)
                finally:
                    proxy.stop()
            results[proxy.name].append(result)
            progress(work, proxy, number, result)
    return results


def ratio(results, others):
    """The median of the ratios of runs that were neighbours."""
    return statistics.median(mine["value"] / other["value"] for mine, other in zip(results, others))
