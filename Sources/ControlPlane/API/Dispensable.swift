import Logging
import ServiceLifecycle

/// A server that may be missing: the rest goes on without it, and a person is told.
struct Dispensable: Service {
    let server: any Service
    let logger: Logger

    func run() async throws {
        do {
            try await self.server.run()
        } catch let error as CannotListen {
            self.logger.warning("Going on without a server", metadata: ["cause": "\(error)"])
            try? await gracefulShutdown()
        }
    }
}
