import ConfigSync
import FoundationEssentials
package import Telemetry

/// What a global control plane counts.
package struct GlobalMetrics: Sendable {
    private let connected: LabelledInstruments<Gauge>
    private let last: LabelledInstruments<Gauge>
    private let texts: LabelledInstruments<Counter>
    private let bytes: LabelledInstruments<Counter>
    private let left: LabelledInstruments<Gauge>
    let refusals: LabelledInstruments<Counter>

    package init(_ registry: MetricsRegistry) {
        self.connected = registry.gauges("egret_global_zone_streams", help: "Streams of zones open now.", labels: ["zone"])
        self.last = registry.gauges(
            "egret_global_zone_last_report_timestamp_seconds", help: "When a zone last told something new.", labels: ["zone"])
        self.texts = registry.counters(
            "egret_global_updates_total", help: "Updates to (down) and from (up) zones, whole or as differences.",
            labels: ["zone", "direction", "form"])
        self.bytes = registry.counters(
            "egret_global_bytes_total", help: "Bytes of updates to (down) and from (up) zones, TLS not counted.",
            labels: ["zone", "direction"])
        self.left = registry.gauges(
            "egret_global_zone_items_left_out", help: "What a zone tells and is not kept; the log says why.", labels: ["zone"])
        self.refusals = registry.counters(
            "egret_global_requests_refused_total", help: "Requests to the port for zones that were refused, by reason.", labels: ["reason"])
    }

    func stream(_ zone: String, _ change: Double) { self.connected.with(zone).add(change) }

    func sent(_ config: OutgoingConfig, to zone: String) {
        self.texts.with(zone, "down", config.form.rawValue).add()
        self.bytes.with(zone, "down").add(UInt64(config.byteCount))
    }

    func received(_ bytes: Int, isWhole: Bool, from zone: String, now: Date) {
        let form: OutgoingConfig.Form = isWhole ? .whole : .difference
        self.texts.with(zone, "up", form.rawValue).add()
        self.bytes.with(zone, "up").add(UInt64(bytes))
        self.last.with(zone).set(now.timeIntervalSince1970.rounded())
    }

    func dropped(_ count: Int, from zone: String) { self.left.with(zone).set(Double(count)) }
}
