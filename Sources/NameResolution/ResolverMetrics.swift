package import Telemetry

/// What the resolver counts.
package struct ResolverMetrics: Sendable {
    let resolutions: LabelledInstruments<Counter>
    let seconds: Histogram

    package init(_ registry: MetricsRegistry) {
        self.resolutions = registry.counters(
            "egret_resolutions_total", help: "Names looked up, by outcome: found, absent or failed.", labels: ["outcome"])
        self.seconds = registry.histogram("egret_resolution_seconds", help: "How long looking up a name took.")
    }
}
