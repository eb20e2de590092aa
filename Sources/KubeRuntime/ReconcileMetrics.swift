package import Telemetry

/// What a reconcile loop counts, under the names dashboards for controller-runtime know.
package struct ReconcileMetrics: Sendable {
    let total: LabelledInstruments<Counter>
    let errors: LabelledInstruments<Counter>
    let time: LabelledInstruments<Histogram>
    let activeWorkers: LabelledInstruments<Gauge>
    let depth: LabelledInstruments<Gauge>
    let adds: LabelledInstruments<Counter>

    package init(_ registry: MetricsRegistry) {
        self.total = registry.counters(
            "controller_runtime_reconcile_total", help: "Reconciles by how they ended: success, requeue_after or error.",
            labels: ["controller", "result"])
        self.errors = registry.counters(
            "controller_runtime_reconcile_errors_total", help: "Reconciles that failed.", labels: ["controller"])
        self.time = registry.histograms(
            "controller_runtime_reconcile_time_seconds", help: "How long a reconcile takes.", labels: ["controller"])
        self.activeWorkers = registry.gauges(
            "controller_runtime_active_workers", help: "Reconciles running now.", labels: ["controller"])
        self.depth = registry.gauges("workqueue_depth", help: "Keys that wait for a reconcile.", labels: ["name"])
        self.adds = registry.counters("workqueue_adds_total", help: "Keys added to the queue.", labels: ["name"])
    }
}
