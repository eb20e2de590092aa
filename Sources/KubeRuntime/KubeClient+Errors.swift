internal import CurlTransport
private import FoundationEssentials
private import JSONModel
internal import KubeAPI

// What a failure is called, for logs, conditions and terminals.
extension KubeClient {
    /// Method and path: fit for logs, because queries may hold tokens.
    static func name(_ request: KubeRequest) -> String { "\(request.method.rawValue) \(request.path)" }

    /// The server said no.
    func error(status code: Int, headers: HTTPHeaders, body: [UInt8], _ request: KubeRequest) -> KubeError {
        var status =
            (try? JSON(parsing: Data(body))).flatMap { KubeStatus($0) }
            ?? KubeStatus(code: code, reason: "", message: Self.plainMessage(code, body, request))
        status.code = code
        if code == 401 {
            // The server says no more than "Unauthorized", which helps nobody.
            status.message =
                "the API server \(self.config.server) does not accept \(self.config.credential) (\(self.config.origin)): renew it there"
        }
        if status.retryAfterSeconds == nil { status.retryAfterSeconds = headers["retry-after"].flatMap { Int($0) } }
        return KubeError(status)
    }

    private static func plainMessage(_ code: Int, _ body: [UInt8], _ request: KubeRequest) -> String {
        let text = String(decoding: body.prefix(200), as: UTF8.self).trimmed
        return "the API server answered \(code) to \(self.name(request))\(text.isEmpty ? "" : ": \(text)")"
    }

    /// Enough of an error's body to read the status in it.
    static func start(of body: HTTPBody) async -> [UInt8] {
        var bytes: [UInt8] = []
        do throws(TransportError) {
            for try await chunk in body {
                bytes += chunk
                if bytes.count > 1 << 20 { break }
            }
        } catch {
            return bytes
        }
        return bytes
    }

    /// No answer came.
    func failure(_ error: TransportError) -> KubeError {
        switch error.code {
        case .cancelled: .cancelled
        // Asking again cannot mend a certificate or a URL.
        case .badRequest: .credentials(message: "\(error.message) (\(self.config.origin))")
        case .untrustedServer:
            .credentials(message: "\(error.message): check the certificate authority and tls-server-name in \(self.config.origin)")
        default: .transport(message: error.message, isSafeToRepeat: error.isSafeToRepeat)
        }
    }
}
