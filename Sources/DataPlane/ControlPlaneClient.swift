import ConfigSync
import CurlTransport
import FoundationEssentials
import JSONModel

/// The three requests a proxy makes. Token and CA are read anew for each, so that a rotated one is used at once.
struct ControlPlaneClient: Sendable {
    let options: DataPlaneOptions
    let address: ControlPlaneAddress
    let transport: CurlTransport
    let version: String

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
        var request = try self.request("GET", target)
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

    private func post(_ path: String, _ body: some Encodable) async throws(Failure) -> [UInt8] {
        var request = try self.request("POST", path)
        guard let json = try? JSON(encoding: body) else { preconditionFailure("a message always encodes") }
        request.body = Array(json.data)
        request.headers.append(HTTPHeader("content-type", "application/json"))
        request.timeout = .seconds(10)
        let response: HTTPResponse
        do { response = try await self.transport.send(request) } catch { throw .unreachable(error.message) }
        guard response.isSuccess else { throw .refused(status: response.status, detail: Self.detail(response.body)) }
        return response.body
    }

    private func request(_ method: String, _ target: String) throws(Failure) -> HTTPRequest {
        var headers = [HTTPHeader("user-agent", "egret-dp/\(self.version)")]
        let tls: TLSSettings
        do {
            if let token = try self.address.token?.read("this proxy's token") {
                headers.append(HTTPHeader("authorization", "Bearer \(token)"))
            }
            tls = TLSSettings(
                ca: try self.address.ca?.read("the control plane's CA certificate"), insecureSkipVerify: self.address.skipVerify)
        } catch {
            throw .unreachable(error.description)
        }
        return HTTPRequest(method, self.address.url + target, headers: headers, tls: tls)
    }

    private static func detail(_ body: [UInt8]) -> String {
        (try? JSONDecoder().decode(ProblemDetails.self, from: Data(body)))?.detail ?? ""
    }
}
