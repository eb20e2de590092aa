internal import KubeAPI
package import Telemetry

/// `rest_client_requests_total`, under the name dashboards for Go clients know.
package struct KubeClientMetrics: Sendable {
    private let requests: LabelledInstruments<Counter>

    package init(_ registry: MetricsRegistry) {
        self.requests = registry.counters(
            "rest_client_requests_total", help: "Requests to the Kubernetes API by method and status code.", labels: ["method", "code"])
    }

    func count(_ request: KubeRequest, code: String) { self.requests.with([request.method.rawValue, code]).add() }
}
