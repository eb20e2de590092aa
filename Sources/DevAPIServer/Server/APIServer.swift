import Foundation
import Hummingbird
import HummingbirdHTTP2
import Identity
import JSONModel
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization
import X509

/// How the development API server listens and where it leaves the files that clients need.
package struct APIServerOptions: Sendable {
    package var address: String
    /// 0: any free port; the kubeconfig says which.
    package var port: Int
    /// Gets `kubeconfig`, `ca.crt` and `token`. Made when missing.
    package var dataDirectory: String
    /// How many changes a watch can go back.
    package var historyLimit: Int
    /// The API's own ClusterIP, whose first two numbers all Services share.
    package var serviceAddress: String
    /// A file that gets a line for each request, as a real API server's audit log.
    package var auditLog: String?

    package init(
        address: String = "127.0.0.1", port: Int = 0, dataDirectory: String, historyLimit: Int = 10_000,
        serviceAddress: String = "127.100.0.1", auditLog: String? = nil
    ) {
        self.address = address
        self.port = port
        self.dataDirectory = dataDirectory
        self.historyLimit = historyLimit
        self.serviceAddress = serviceAddress
        self.auditLog = auditLog
    }
}

/// A Kubernetes API in memory, for development only: nothing survives it, RBAC is stored and not enforced.
///
/// Kinds live in `Kinds/`, each as a table and a few functions; `Rest/` treats them all alike.
package struct APIServer: Service {
    private let options: APIServerOptions
    private let logger: Logger
    private let onReady: @Sendable (_ kubeconfig: String) async -> Void

    /// - Parameter onReady: called once requests are answered and the files are written, with the kubeconfig's path
    package init(options: APIServerOptions, logger: Logger, onReady: @escaping @Sendable (_ kubeconfig: String) async -> Void = { _ in }) {
        self.options = options
        self.logger = logger
        self.onReady = onReady
    }

    package func run() async throws {
        let credentials = try Credentials.make(address: self.options.address, serviceAddress: self.options.serviceAddress, now: Date())
        let tokens = await TokenAuthority(caPEM: credentials.caPEM, adminToken: credentials.adminToken)
        // Milliseconds: above every revision an earlier server of this machine gave.
        let store = Store(revision: Int(Date().timeIntervalSince1970 * 1000), historyLimit: self.options.historyLimit)
        let service = APIService(
            store: store, registry: Registry(), tokens: tokens, kubelets: KubeletClient(), logger: self.logger,
            audit: try self.options.auditLog.map { (path) throws(StartFailure) in try AuditLog(path: path) })
        try service.populate()
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try NIOSSLCertificate(bytes: Array(credentials.certificatePEM.utf8), format: .pem))],
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(credentials.keyPEM.utf8), format: .pem)))
        tls.minimumTLSVersion = .tlsv12
        let files = CredentialFiles(directory: self.options.dataDirectory, credentials: credentials)
        do { try files.prepare() } catch {
            throw StartFailure("cannot write into \(self.options.dataDirectory) (\(error.localizedDescription)); choose another directory")
        }
        let isListening = Atomic(false)
        let (options, logger, onReady) = (self.options, self.logger, self.onReady)
        let application = Application(
            responder: HTTPBridge(service: service), server: try .http2Upgrade(tlsConfiguration: tls),
            configuration: .init(address: .hostname(options.address, port: options.port), serverName: nil),
            onServerRunning: { channel in
                isListening.store(true, ordering: .relaxed)
                let port = channel.localAddress?.port ?? options.port
                do {
                    try service.announce(port: port, serviceAddress: options.serviceAddress)
                    let kubeconfig = try files.write(server: "https://\(options.address):\(port)")
                    logger.notice(
                        "the development API server answers; it keeps everything in memory and is for development only",
                        metadata: ["http.address": "\(options.address):\(port)", "kubeconfig": "\(kubeconfig)"])
                    await onReady(kubeconfig)
                } catch {
                    logger.error(
                        "the files for clients cannot be written", metadata: ["path": "\(options.dataDirectory)", "reason": "\(error)"])
                }
            },
            logger: Logger(label: "http", factory: { _ in SwiftLogNoOpLogHandler() }))
        defer { files.remove() }
        try await withGracefulShutdownHandler {
            do { try await application.run() } catch {
                guard isListening.load(ordering: .relaxed) else {
                    throw StartFailure("cannot listen on \(options.address):\(options.port) (\(error)); choose another port or address")
                }
                logger.error("the development API server stopped", metadata: ["reason": "\(error)"])
            }
        } onGracefulShutdown: {
            // Watches never end by themselves, and the server waits for its responses.
            store.close()
        }
    }
}

/// Why the server did not start: what, where, how to mend it.
package struct StartFailure: Error, Hashable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}
