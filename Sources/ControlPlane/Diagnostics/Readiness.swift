import Synchronization

/// What has to be true before this replica is sent proxies.
package final class Readiness: Sendable {
    package enum Check: String, CaseIterable, Sendable {
        case definitions, caches, plan, proxyServer = "proxy-server"
    }

    private let failures: Mutex<[Check: String]>

    package init() {
        self.failures = Mutex([
            .definitions: "not looked at yet", .caches: "the caches are not filled yet", .plan: "no plan has been made yet",
            .proxyServer: "not listening yet",
        ])
    }

    /// Nil: the check holds.
    package func set(_ check: Check, _ failure: String?) { self.failures.withLock { $0[check] = failure } }

    package var isReady: Bool { self.failures.withLock { $0.isEmpty } }

    /// One line per check, as the API server's own `/readyz?verbose` has them.
    package var report: String {
        let failures = self.failures.withLock { $0 }
        let lines = Check.allCases.map { check in
            failures[check].map { "[-]\(check.rawValue) failed: \($0)" } ?? "[+]\(check.rawValue) ok"
        }
        return (lines + [failures.isEmpty ? "readyz check passed" : "readyz check failed"]).joined(separator: "\n") + "\n"
    }
}
