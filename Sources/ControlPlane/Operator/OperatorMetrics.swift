import JSONModel
package import Telemetry

/// What the operator counts, under the names that dashboards for controllers know.
package struct OperatorMetrics: Sendable {
    private let total: LabelledInstruments<Counter>
    private let errors: LabelledInstruments<Counter>
    private let time: LabelledInstruments<Histogram>
    private let waiting: Gauge
    private let plans: Counter
    private let planTime: Histogram
    let isLeader: Gauge

    package init(_ registry: MetricsRegistry) {
        self.total = registry.counters(
            "controller_runtime_reconcile_total", help: "Changes carried out, by kind and result.", labels: ["controller", "result"])
        self.errors = registry.counters(
            "controller_runtime_reconcile_errors_total", help: "Changes that failed, by kind.", labels: ["controller"])
        self.time = registry.histograms(
            "controller_runtime_reconcile_time_seconds", help: "How long one change took.", labels: ["controller"])
        self.waiting = registry.gauges("workqueue_depth", help: "Changes waiting for another attempt.", labels: ["name"]).with("plan")
        self.plans = registry.counter("egret_cp_plans_total", help: "Plans made from the caches.")
        self.planTime = registry.histogram("egret_cp_plan_seconds", help: "How long making a plan took.")
        self.isLeader = registry.gauges(
            "leader_election_master_status", help: "1 while this replica writes.", labels: ["name"]
        ).with("egret-control-plane")
        let build = registry.gauges("egret_cp_build_info", help: "Always 1; the label tells the version.", labels: ["version"])
        build.with(EgretVersion.current).set(1)
    }

    func reconciled(_ kind: String, result: String, took: Duration) {
        self.total.with(kind, result).add()
        if result == "error" { self.errors.with(kind).add() }
        self.time.with(kind).observe(Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18)
    }

    func planned(in time: Duration) {
        self.plans.add()
        self.planTime.observe(time / .seconds(1))
    }

    func depth(_ count: Int) { self.waiting.set(Double(count)) }
}
