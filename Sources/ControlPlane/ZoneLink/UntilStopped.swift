import ServiceLifecycle

/// Work that goes on until the process stops, and is cancelled then.
struct UntilStopped: Service {
    let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

    func run() async throws { await cancelWhenGracefulShutdown { await self.work() } }
}
