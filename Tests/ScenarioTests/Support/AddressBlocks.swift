import DevNode
import TestKit
import Testing

/// Addresses for the pods and Services of one real API server, which takes no loopback address in an EndpointSlice. The
/// blocks are made local to this machine, which needs root; no other suite of this machine has the same ones.
struct AddressBlocks: Sendable {
    let pods: String
    let services: String
    /// The API's own ClusterIP.
    let serviceAddress: String

    /// Blocks that nobody has. Held until this process ends.
    static func take() throws -> AddressBlocks {
        let share = try #require(
            MachineShare.take("egret-scenario-blocks", of: 0..<250), "250 clusters of tests have their addresses on this machine")
        return AddressBlocks(pods: "10.127.\(share).0/24", services: "10.126.\(share).0/24", serviceAddress: "10.126.\(share).1")
    }

    /// Local while `body` runs.
    func whileLocal(_ body: () async throws -> Void) async throws {
        for block in [self.services, self.pods] {
            try await Command.output("ip", ["route", "replace", "local", block, "dev", "lo"])
        }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
        for block in [self.services, self.pods] { _ = try await Command.run("ip", ["route", "del", "local", block, "dev", "lo"]) }
        try outcome.get()
    }
}
