import Telemetry
import Testing

@Suite struct MetricsTests {
    @Test("a registry renders every kind of metric as Prometheus text, sorted by name")
    func rendering() {
        let registry = MetricsRegistry()
        let connections = registry.counters("egret_connections_total", help: "Connections, by verdict.", labels: ["verdict", "reason"])
        connections.with("allow", "").add()
        connections.with("deny", "no_route").add(2)
        registry.gauge("egret_active_connections", help: "Open now.").set(1.5)
        let seconds = registry.histogram("egret_seconds", help: "How long.", bounds: [1, 0.5])
        seconds.observe(0.5)
        seconds.observe(.milliseconds(700))
        seconds.observe(9)
        registry.collect { [.init(name: "egret_config_info", help: "What is served.", kind: .gauge, samples: [.init(value: 1)])] }

        #expect(
            registry.render() == """
                # HELP egret_active_connections Open now.
                # TYPE egret_active_connections gauge
                egret_active_connections 1.5
                # HELP egret_config_info What is served.
                # TYPE egret_config_info gauge
                egret_config_info 1
                # HELP egret_connections_total Connections, by verdict.
                # TYPE egret_connections_total counter
                egret_connections_total{verdict="allow",reason=""} 1
                egret_connections_total{verdict="deny",reason="no_route"} 2
                # HELP egret_seconds How long.
                # TYPE egret_seconds histogram
                egret_seconds_bucket{le="0.5"} 1
                egret_seconds_bucket{le="1"} 2
                egret_seconds_bucket{le="+Inf"} 3
                egret_seconds_sum 10.2
                egret_seconds_count 3

                """)
    }

    @Test("label values and help are escaped, so that no text from outside can forge a series")
    func escaping() {
        let registry = MetricsRegistry()
        registry.counters("a_total", help: "back\\slash\nline \"quote\"", labels: ["sni"]).with("x\"} 1\n\\").add()
        #expect(
            registry.render() == """
                # HELP a_total back\\\\slash\\nline "quote"
                # TYPE a_total counter
                a_total{sni="x\\"} 1\\n\\\\"} 1

                """)
    }

    @Test("past its bound of series a metric counts the rest under _other")
    func cardinality() {
        let registry = MetricsRegistry(maxSeries: 2)
        let counters = registry.counters("a_total", help: "h", labels: ["sni"])
        for name in ["a", "b", "c", "d", "a"] { counters.with(name).add() }
        #expect(counters.with("a").value == 2)
        #expect(counters.with("c").value == 2)
        #expect(registry.render().contains("a_total{sni=\"_other\"} 2\n"))
        #expect(!registry.render().contains("\"c\""))
        registry.exposeOverflow(as: "overflow_total")
        #expect(registry.render().contains("overflow_total{metric=\"a_total\"} 3\n"))
    }

    @Test("an unlabelled counter is there from the start, at zero")
    func zero() {
        let registry = MetricsRegistry()
        _ = registry.counter("a_total", help: "h")
        #expect(registry.render().hasSuffix("a_total 0\n"))
    }

    @Test("counters and gauges lose no update of several threads")
    func concurrency() async {
        let counter = Counter()
        let gauge = Gauge()
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.add()
                        gauge.add(0.5)
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect(gauge.value == 4000)
    }
}
