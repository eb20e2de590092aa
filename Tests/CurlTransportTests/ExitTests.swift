import CurlTransport
import Foundation
import TestServer
import Testing

extension TransportTests {
    @Suite("Exit", .timeLimit(.minutes(1)))
    struct ExitTests {
        /// The TLS library frees itself at that moment, and the threads of transports end their connections with it.
        @Test("A process that exits while its connections end does so without a crash", arguments: 0..<20)
        func exits(_: Int) async {
            await #expect(processExitsWith: .exitCode(7)) {
                try await ScriptedServer.with(tls: true) { _, reply in
                    try await reply.answer(200, "")
                } _: { server in
                    let transports = (0..<30).map { _ in CurlTransport() }
                    for transport in transports {
                        _ = try await transport.send(HTTPRequest("GET", server.url, tls: TLSSettings(ca: TestPKI.ca)))
                    }
                    for transport in transports { transport.shutDown() }
                    exit(7)
                }
            }
        }
    }
}
