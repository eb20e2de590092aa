import CurlTransport
import FoundationEssentials
import JSONModel
import TestKit
import Testing

@testable import DevAPIServer

/// etcd and kube-apiserver with one token and no service account admission, which would need its controller.
struct RealServer {
    let url: String
    let transport: CurlTransport

    static func with(assets: String, _ body: @Sendable (RealServer) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "egret-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Data("token,admin,1,system:masters\n".utf8).write(to: URL(filePath: "\(directory)/tokens.csv"))
        try await Command.output("openssl", ["genrsa", "-out", "\(directory)/key", "2048"])
        let probe = "import socket as s\nl=[s.create_server(('127.0.0.1',0)) for _ in range(3)]\nprint(*[x.getsockname()[1] for x in l])"
        let ports = try await Command.output("python3", ["-c", probe]).split(whereSeparator: \.isWhitespace).map(String.init)
        let etcd = "http://127.0.0.1:\(ports[0])"
        try await BackgroundProcess.with(
            "\(assets)/etcd",
            [
                "--data-dir=\(directory)/etcd", "--unsafe-no-fsync", "--listen-client-urls=\(etcd)", "--advertise-client-urls=\(etcd)",
                "--listen-peer-urls=http://127.0.0.1:\(ports[1])",
            ], logFile: "\(directory)/etcd.log"
        ) { _ in
            try await BackgroundProcess.with(
                "\(assets)/kube-apiserver",
                [
                    "--etcd-servers=\(etcd)", "--cert-dir=\(directory)/certs", "--bind-address=127.0.0.1", "--secure-port=\(ports[2])",
                    // Nobody calls it there. Without a word it asks the default route, and some machines have none.
                    "--advertise-address=192.0.2.1",
                    "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=\(directory)/key",
                    "--service-account-signing-key-file=\(directory)/key", "--token-auth-file=\(directory)/tokens.csv",
                    "--service-cluster-ip-range=10.200.0.0/16", "--authorization-mode=AlwaysAllow",
                    "--disable-admission-plugins=ServiceAccount",
                ], logFile: "\(directory)/apiserver.log"
            ) { _ in
                let server = RealServer(url: "https://127.0.0.1:\(ports[2])", transport: CurlTransport())
                try await eventually("the real API server answers", timeout: .seconds(120)) {
                    try await server.answer(Exchange(.get, "readyz")).code == 200 ? true : nil
                }
                try await body(server)
            }
        }
    }

    func answer(_ exchange: Exchange) async throws -> (code: Int, body: JSON) {
        let response = try await self.transport.send(
            HTTPRequest(
                exchange.method.rawValue, "\(self.url)/\(exchange.path)",
                headers: [
                    HTTPHeader("authorization", "Bearer token"), HTTPHeader("content-type", exchange.type),
                    HTTPHeader("accept", "application/json"), HTTPHeader("user-agent", "tester/1.0 (linux)"),
                ], body: exchange.body.map { Array($0.data) }, tls: TLSSettings(insecureSkipVerify: true), proxy: .none))
        return (response.status, (try? JSON(parsing: Data(response.body))) ?? .null)
    }
}
