import ConfigSync
import FoundationEssentials
package import Telemetry

/// What a zone's control plane counts of its connection to the global one.
package struct GlobalLinkMetrics: Sendable {
    let connected: Gauge
    private let last: Gauge
    private let updates: LabelledInstruments<Counter>
    let problems: Gauge

    package init(_ registry: MetricsRegistry) {
        self.connected = registry.gauge("egret_cp_global_connected", help: "Whether there is a stream from the global control plane.")
        self.last = registry.gauge(
            "egret_cp_global_last_update_timestamp_seconds", help: "When something last came from the global control plane.")
        self.updates = registry.counters(
            "egret_cp_global_updates_total", help: "Updates from (down) and to (up) the global control plane.",
            labels: ["direction", "form"])
        self.problems = registry.gauge(
            "egret_cp_global_problems", help: "What came from the global control plane and cannot be kept as it is; the log says why.")
    }

    func received(_ update: ConfigUpdate) {
        let form: OutgoingConfig.Form = update.edits == nil ? .whole : .difference
        self.updates.with("down", form.rawValue).add()
        self.last.set(Date().timeIntervalSince1970.rounded())
    }

    func reported(_ report: OutgoingConfig) { self.updates.with("up", report.form.rawValue).add() }
}
