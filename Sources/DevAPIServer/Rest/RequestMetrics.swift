import Synchronization

/// Counts requests. Who asked for what is in the audit log.
final class RequestMetrics: Sendable {
    struct Label: Hashable, Comparable, Sendable {
        let verb: String
        let resource: String
        let code: Int

        static func < (left: Self, right: Self) -> Bool {
            (left.resource, left.verb, left.code) < (right.resource, right.verb, right.code)
        }
    }

    private let counts = Mutex<[Label: Int]>([:])

    func count(verb: String, resource: String, code: Int) {
        let label = Label(verb: verb, resource: resource, code: code)
        self.counts.withLock { $0[label, default: 0] += 1 }
    }

    /// Prometheus text.
    var text: String {
        let lines = self.counts.withLock { $0 }.sorted { $0.key < $1.key }.map { label, count in
            "apiserver_request_total{verb=\"\(label.verb)\",resource=\"\(Self.escaped(label.resource))\","
                + "code=\"\(label.code)\"} \(count)"
        }
        return
            ([
                "# HELP apiserver_request_total Requests answered, by verb, resource and code.",
                "# TYPE apiserver_request_total counter",
            ]
            + lines).joined(separator: "\n") + "\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
