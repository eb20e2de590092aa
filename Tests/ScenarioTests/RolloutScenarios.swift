import JSONModel
import TestKit
import Testing

extension Scenarios {
    @Suite("Rollout")
    struct Rollout {
        @Test("Restarting the egress by rollout, and deleting its pods one by one, fails no request")
        func underLoad() async throws {
            try await Cluster.withTraffic { cluster, _, _ in
                try await cluster.scaleEgress(2)
                try await cluster.ready(2)
                let load = RequestLoad(Loopback.client, 10080)
                load.run(threads: 4)
                defer { load.stop() }
                try await load.serves(50)

                let before = Set(try await cluster.egressPods().map(\.name))
                try await cluster.kubectl("-n", Cluster.system, "rollout", "restart", "deployment/egret-egress")
                try await cluster.kubectl("-n", Cluster.system, "rollout", "status", "deployment/egret-egress", "--timeout=120s")
                try await eventually("the old pods are gone", timeout: .seconds(90)) {
                    before.isDisjoint(with: try await cluster.egressPods().map(\.name)) ? true : nil
                }
                try await load.serves(50)
                #expect(load.now.failures.isEmpty, "by the rollout, of \(load.now.served): \(load.now.failures.prefix(5))")

                for pod in try await cluster.egressPods() {
                    try await cluster.kubectl("-n", Cluster.system, "delete", "pod", pod.name, "--wait=true", "--timeout=90s")
                    try await cluster.ready(2, without: pod.name)
                    try await load.serves(20)
                }
                load.stop()
                let all = load.now
                #expect(all.failures.isEmpty, "\(all.failures.count) of \(all.served): \(all.failures.prefix(5))")
                print("rollout and deletions: \(all.served) requests, \(all.failures.count) failures")
            }
        }
    }
}

extension Cluster {
    fileprivate func ready(_ replicas: Int, without gone: String? = nil) async throws {
        try await eventually("\(replicas) replicas are ready", timeout: .seconds(90)) { () -> Bool? in
            let names = try await self.egressPods().map(\.name)
            guard names.count == replicas, !names.contains(where: { $0 == gone }) else { return nil }
            return try await self.object("deploy/egret-egress")?.at("status", "readyReplicas") == .int(Int64(replicas)) ? true : nil
        }
    }
}
