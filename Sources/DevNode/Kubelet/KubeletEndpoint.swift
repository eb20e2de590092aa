import FoundationEssentials
import Hummingbird
import HummingbirdTLS
import KubeAPI
import Logging
import NIOCore
import SystemPackage
import Telemetry

/// The kubelet's own HTTPS endpoint, which the API server asks for logs. On loopback only, for this machine only.
struct KubeletEndpoint: Sendable {
    let kubelet: Kubelet
    let world: NodeWorld

    /// - Parameter bound: told the port once connections are accepted.
    func run(bound: @escaping @Sendable (Int) async -> Void) async throws {
        let router = Router()
        router.get("healthz") { _, _ in "ok" }
        router.get("containerLogs/:namespace/:pod/:container") { request, context in
            self.logs(
                ObjectKey(namespace: context.parameters.get("namespace"), name: context.parameters.get("pod") ?? ""),
                LogRequest(
                    container: context.parameters.get("container") ?? "",
                    follow: request.uri.queryParameters["follow"].map { $0 == "true" || $0 == "1" } ?? false,
                    tailLines: request.uri.queryParameters["tailLines"].flatMap { Int($0) },
                    limitBytes: request.uri.queryParameters["limitBytes"].flatMap { Int($0) },
                    previous: request.uri.queryParameters["previous"].map { $0 == "true" || $0 == "1" } ?? false))
        }
        let tls = try ServingCertificate.configuration(name: self.world.options.name, address: NodeWorld.address, now: Date())
        let application = Application(
            router: router, server: try .tls(.http1(), tlsConfiguration: tls),
            configuration: .init(address: .hostname(NodeWorld.address, port: 0), serverName: nil),
            onServerRunning: { await bound($0.localAddress?.port ?? 0) }, logger: self.world.logger.ofServer)
        try await application.run()
    }

    private func logs(_ pod: ObjectKey, _ wanted: LogRequest) -> Response {
        guard let runner = self.kubelet.runner(pod) else { return Self.refuse("pod \"\(pod.name)\" does not run on this node") }
        let view = runner.view
        guard let newest = view.attempts[wanted.container] else {
            return Self.refuse("container \(wanted.container) is not valid for pod \(pod.name)")
        }
        // Between a crash and the restart the newest process is the one that crashed.
        let exists = FileManager.default.fileExists(atPath: runner.folders.log(wanted.container, attempt: newest))
        let attempt = (exists ? newest : newest - 1) - (wanted.previous ? 1 : 0)
        let path = runner.folders.log(wanted.container, attempt: attempt)
        guard attempt >= 0, FileManager.default.fileExists(atPath: path) else {
            return wanted.previous
                ? Self.refuse("previous terminated container \"\(wanted.container)\" in pod \"\(pod.name)\" not found", status: .badRequest)
                : Self.refuse(
                    "container \"\(wanted.container)\" in pod \"\(pod.name)\" is waiting to start: it has no log yet", status: .badRequest)
        }
        let body = ResponseBody { writer in
            try await Self.copy(path, wanted, to: &writer) {
                let now = runner.view
                return !now.isFinished && now.attempts[wanted.container] == attempt && now.running.contains(wanted.container)
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: [.contentType: "text/plain; charset=utf-8"], body: body)
    }

    private static func refuse(_ message: String, status: HTTPResponse.Status = .notFound) -> Response {
        Response(status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: .init(byteBuffer: ByteBuffer(string: message)))
    }

    /// - Parameter isWriting: whether the log may still grow.
    private static func copy(
        _ path: String, _ wanted: LogRequest, to writer: inout any ResponseBodyWriter, isWriting: @Sendable () -> Bool
    ) async throws {
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        defer { try? file.close() }
        var left = wanted.limitBytes ?? .max
        if let lines = wanted.tailLines {
            let all = FileManager.default.contents(atPath: path).map(Array.init) ?? []
            try file.seek(offset: Int64(LogRequest.tailStart(all, lines: lines)), from: .start)
        }
        while left > 0, !Task.isCancelled {
            // Asked before reading, so that what a program wrote with its last breath is read too.
            let mayGrow = isWriting()
            let bytes = try [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
                count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            if !bytes.isEmpty {
                try await writer.write(ByteBuffer(bytes: bytes.prefix(left)))
                left -= min(left, bytes.count)
            } else if wanted.follow, mayGrow {
                try await Task.sleep(for: .milliseconds(100))
            } else {
                return
            }
        }
    }
}
