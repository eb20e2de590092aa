import ConfigSync
import CurlTransport
import FoundationEssentials
import Identity
import JSONModel
import Synchronization

/// The requests a proxy makes. Token and CA are read anew for each, so that a rotated one is used at once.
///
/// Without a CA of its own the proxy goes by the token: it fetches the control plane's CA certificate unverified and without
/// showing the token, and believes it if it has the hash that the token names.
final class ControlPlaneClient: Sendable {
    let options: DataPlaneOptions
    let address: ControlPlaneAddress
    let transport: CurlTransport
    let version: String
    /// The CA that a token's hash led to, by that hash.
    private let found = Mutex<(hash: String, pem: String)?>(nil)

    init(options: DataPlaneOptions, address: ControlPlaneAddress, transport: CurlTransport, version: String) {
        self.options = options
        self.address = address
        self.transport = transport
        self.version = version
    }

    enum Failure: Error, CustomStringConvertible {
        case unreachable(String)
        case refused(status: Int, detail: String)

        var description: String {
            switch self {
            case .unreachable(let sentence): sentence
            case .refused(let status, let detail): detail.isEmpty ? "the control plane answered with HTTP \(status)" : detail
            }
        }
    }

    func openStream(have: String?) async throws(Failure) -> HTTPStream {
        let target = StreamRequest(
            proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh, have: have
        ).target
        var request = try await self.request("GET", target)
        request.timeout = StreamMessage.silenceLimit
        let stream: HTTPStream
        do { stream = try await self.transport.stream(request) } catch { throw .unreachable(error.message) }
        guard stream.status == 200 else {
            var body: [UInt8] = []
            do {
                for try await chunk in stream.body where body.count < 65536 { body += chunk }
            } catch {
                // What came is enough.
            }
            throw .refused(status: stream.status, detail: Self.detail(body))
        }
        return stream
    }

    /// Brings this proxy's own resource, where it has one.
    func register(atMost limit: Duration = .seconds(10)) async throws(Failure) {
        guard let resource = self.options.resource else { return }
        _ = try await self.post(
            Registration.path,
            Registration(
                proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh, instance: self.options.instance,
                resource: resource),
            atMost: limit)
    }

    /// Asks that nobody is sent to this proxy any more.
    func withdraw() async throws(Failure) {
        _ = try await self.post(
            Withdrawal.path, Withdrawal(proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh))
    }

    func answer(_ question: Question, _ text: String) async throws(Failure) {
        _ = try await self.post(
            Answer.path,
            Answer(
                proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh, id: question.id, text: text))
    }

    func acknowledge(_ acknowledgement: Acknowledgement) async throws(Failure) {
        _ = try await self.post(Acknowledgement.path, acknowledgement)
    }

    /// Has a signing request signed; returns the chain as PEM.
    func certificate(mesh: String, csr: String) async throws(Failure) -> String {
        let body = CertificateRequest(proxyType: self.options.proxyType, name: self.options.name, mesh: mesh, csr: csr)
        let answer = try await self.post(CertificateRequest.path, body)
        do {
            return try JSONDecoder().decode(CertificateReply.self, from: Data(answer)).chain
        } catch {
            throw .unreachable("the control plane's answer to a certificate request makes no sense")
        }
    }

    private func post(
        _ path: String, _ body: some Encodable, atMost limit: Duration = .seconds(10)
    ) async throws(Failure) -> [UInt8] {
        var request = try await self.request("POST", path)
        guard let json = try? JSON(encoding: body) else { preconditionFailure("a message always encodes") }
        request.body = Array(json.data)
        request.headers.append(HTTPHeader("content-type", "application/json"))
        request.timeout = limit
        let response: HTTPResponse
        do { response = try await self.transport.send(request) } catch { throw .unreachable(error.message) }
        guard response.isSuccess else { throw .refused(status: response.status, detail: Self.detail(response.body)) }
        return response.body
    }

    private func request(_ method: String, _ target: String) async throws(Failure) -> HTTPRequest {
        var headers = [HTTPHeader("user-agent", "egret-dp/\(self.version)")]
        let token: String?
        var tls: TLSSettings
        do {
            token = try self.address.token?.read("this proxy's token")
            tls = TLSSettings(
                ca: try self.address.ca?.read("the control plane's CA certificate"), insecureSkipVerify: self.address.skipVerify)
        } catch {
            throw .unreachable(error.description)
        }
        if let token { headers.append(HTTPHeader("authorization", "Bearer \(token)")) }
        if tls.ca == nil, !tls.insecureSkipVerify, let hash = token.flatMap(TokenAuthority.hash) {
            tls.ca = try await self.authority(hash)
            // The CA signs for this control plane alone, which goes by many names.
            tls.skipsName = true
        }
        return HTTPRequest(method, self.address.url + target, headers: headers, tls: tls)
    }

    private func authority(_ hash: String) async throws(Failure) -> String {
        if let found = self.found.withLock({ $0 }), found.hash == hash { return found.pem }
        var request = HTTPRequest(
            "GET", self.address.url + "/v1/ca", headers: [HTTPHeader("user-agent", "egret-dp/\(self.version)")],
            tls: TLSSettings(insecureSkipVerify: true))
        request.timeout = .seconds(10)
        let response: HTTPResponse
        do { response = try await self.transport.send(request) } catch { throw .unreachable(error.message) }
        let pem = String(decoding: response.body, as: UTF8.self)
        guard response.isSuccess, CertificateHash.of(pem: pem) == hash else {
            throw .unreachable(
                "\(self.address.url) is not the control plane that issued this token: its CA certificate is another one. Is the address right? "
                    + "If the control plane got a new CA, make a new token or give the CA with --ca-cert-file")
        }
        self.found.withLock { $0 = (hash, pem) }
        return pem
    }

    private static func detail(_ body: [UInt8]) -> String {
        (try? JSONDecoder().decode(ProblemDetails.self, from: Data(body)))?.detail ?? ""
    }
}
