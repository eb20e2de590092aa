import CurlTransport
import TestServer
import Testing

extension TransportTests {
    @Suite("TLS", .timeLimit(.minutes(1)))
    struct TLSTests {
        private let transport = CurlTransport()

        private func outcome(_ tls: TLSSettings, clientCA: String? = nil) async throws -> Result<HTTPResponse, TransportError> {
            try await ScriptedServer.with(tls: true, clientCA: clientCA) { request, reply in
                try await reply.answer(200, request.headers["host"] ?? "")
            } _: { server in
                do throws(TransportError) {
                    let response = try await self.transport.send(HTTPRequest("GET", server.url, tls: tls))
                    #expect(response.text == "127.0.0.1:\(server.port)", "the Host header stays that of the URL")
                    return .success(response)
                } catch {
                    return .failure(error)
                }
            }
        }

        private func code(_ tls: TLSSettings, clientCA: String? = nil) async throws -> TransportError.Code? {
            if case .failure(let error) = try await self.outcome(tls, clientCA: clientCA) { error.code } else { nil }
        }

        @Test("The given CA is believed, and only it")
        func ca() async throws {
            #expect(try await self.code(TLSSettings(ca: TestPKI.ca)) == nil)
            #expect(try await self.code(TLSSettings(ca: TestPKI.otherCA)) == .untrustedServer)
            #expect(try await self.code(TLSSettings()) == .untrustedServer)
        }

        @Test("A bundle may hold several CAs")
        func bundle() async throws { #expect(try await self.code(TLSSettings(ca: TestPKI.otherCA + TestPKI.ca)) == nil) }

        @Test("A CA that is no certificate is said to be that")
        func badCA() async throws { #expect(try await self.code(TLSSettings(ca: "nonsense")) == .badRequest) }

        @Test("Another server name is the one verified, while the connection goes to the URL's host")
        func serverName() async throws {
            #expect(try await self.code(TLSSettings(ca: TestPKI.ca, serverName: "api.egret.test")) == nil)
            #expect(try await self.code(TLSSettings(ca: TestPKI.ca, serverName: "evil.egret.test")) == .untrustedServer)
        }

        @Test("Verification is skipped only when told so")
        func insecure() async throws { #expect(try await self.code(TLSSettings(insecureSkipVerify: true)) == nil) }

        @Test("A client certificate is shown; without one the server refuses")
        func clientCertificate() async throws {
            let with = TLSSettings(ca: TestPKI.ca, clientCertificate: TestPKI.clientCertificate, clientKey: TestPKI.clientKey)
            #expect(try await self.code(with, clientCA: TestPKI.ca) == nil)
            #expect(try await self.code(TLSSettings(ca: TestPKI.ca), clientCA: TestPKI.ca) != nil)
        }

        @Test("A key that does not fit its certificate is a bad request, and is not shown")
        func badKey() async throws {
            let settings = TLSSettings(ca: TestPKI.ca, clientCertificate: TestPKI.clientCertificate, clientKey: TestPKI.serverKey)
            #expect(try await self.code(settings) == .badRequest)
            #expect("\(settings)" == "TLSSettings(key: …)")
        }

        @Test("Connections are not shared between settings: what one caller skips, another still verifies")
        func noSharing() async throws {
            try await ScriptedServer.with(tls: true) { _, reply in
                try await reply.answer()
            } _: { server in
                _ = try await self.transport.send(HTTPRequest("GET", server.url, tls: TLSSettings(insecureSkipVerify: true)))
                await #expect(throws: TransportError(.untrustedServer, "")) {
                    try await self.transport.send(HTTPRequest("GET", server.url, tls: TLSSettings(ca: TestPKI.otherCA)))
                }
                let named = try await self.transport.send(HTTPRequest("GET", server.url, tls: TLSSettings(ca: TestPKI.ca)))
                #expect(named.status == 200)
                #expect(Set(server.requests.map(\.connection)).count == 2)
            }
        }
    }
}
