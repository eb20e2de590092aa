import TestKit
import Testing

@Suite("Benchmarks")
struct BenchmarkTests {
    @Test("Every work of hack/bench runs through egret without a failed connection")
    func smoke() async throws {
        let result = try await Command.run(
            "python3",
            [
                "-B", "\(Repository.root)/Tests/Benchmarks/bench.py", "--smoke", "--egret", Repository.program("egret-dp"), "--generator",
                Repository.program("egret-bench"),
            ])
        #expect(result.status == 0, "\(result)")
        for work in ["bulk passthrough", "ping-pong", "idle connection", "mTLS handshakes", "10,000 routes", "start to ready"] {
            #expect(result.output.contains(work), "\(result)")
        }
    }
}
