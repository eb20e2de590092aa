import FoundationEssentials
import Glibc
import NIOCore

/// An address that cannot be had, in one sentence.
package struct CannotListen: Error, CustomStringConvertible {
    package let description: String
}

extension ProxyServer.Address {
    /// Runs a server at this address. Input and output fail for good only where it begins to listen; what happens on a
    /// connection ends that connection.
    func listening(flag: String, _ run: () async throws -> Void) async throws {
        do {
            try await run()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            throw CannotListen(
                description: "cannot listen on \(self.host):\(self.port): \(reason). Stop what listens there, or choose another \(flag)")
        }
    }
}
