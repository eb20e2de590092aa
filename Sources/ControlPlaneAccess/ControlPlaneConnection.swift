package import ConfigSync
package import CurlTransport
import FoundationEssentials
import Identity
import JSONModel
import Synchronization

/// Requests to a control plane. Token and CA are read anew for each, so that a rotated one is used at once.
///
/// Without a CA of its own the caller goes by the token: it fetches the control plane's CA certificate unverified and without
/// showing the token, and believes it if it has the hash that the token names.
package final class ControlPlaneConnection: Sendable {
    /// How sentences call the two sides.
    package struct Words: Sendable {
        /// `this proxy's token`
        package var token: String
        /// `the control plane`
        package var peer: String
        /// Where a person gives the CA.
        package var authorityFlag: String

        package init(token: String, peer: String, authorityFlag: String) {
            self.token = token
            self.peer = peer
            self.authorityFlag = authorityFlag
        }
    }

    package let address: ControlPlaneAddress
    private let transport: CurlTransport
    private let userAgent: String
    private let words: Words
    /// The CA that a token's hash led to, by that hash.
    private let found = Mutex<(hash: String, pem: String)?>(nil)

    /// - Parameter userAgent: `egret-dp/0.1.0`
    package init(_ address: ControlPlaneAddress, transport: CurlTransport, userAgent: String, words: Words) {
        self.address = address
        self.transport = transport
        self.userAgent = userAgent
        self.words = words
    }

    package enum Failure: Error, CustomStringConvertible {
        case unreachable(String)
        case refused(status: Int, detail: String)

        package var description: String {
            switch self {
            case .unreachable(let sentence): sentence
            case .refused(let status, let detail): detail.isEmpty ? "the control plane answered with HTTP \(status)" : detail
            }
        }

        /// What the session machine is told of it.
        package var input: SessionMachine.Input {
            switch self {
            case .unreachable(let sentence): .failed(sentence)
            case .refused(let status, let detail): .refused(status: status, detail: detail)
            }
        }
    }

    /// The answer to a GET that goes on, with status 200.
    package func openStream(_ target: String) async throws(Failure) -> HTTPStream {
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

    package func post(_ path: String, _ body: some Encodable, atMost limit: Duration = .seconds(10)) async throws(Failure) -> [UInt8] {
        guard let json = try? JSON(encoding: body) else { preconditionFailure("a message always encodes") }
        return try await self.post(path, bytes: Array(json.data), type: "application/json", atMost: limit)
    }

    @discardableResult
    package func post(_ path: String, bytes: [UInt8], type: String, atMost limit: Duration = .seconds(10)) async throws(Failure) -> [UInt8]
    {
        var request = try await self.request("POST", path)
        request.body = bytes
        request.headers.append(HTTPHeader("content-type", type))
        request.timeout = limit
        let response: HTTPResponse
        do { response = try await self.transport.send(request) } catch { throw .unreachable(error.message) }
        guard response.isSuccess else { throw .refused(status: response.status, detail: Self.detail(response.body)) }
        return response.body
    }

    private func request(_ method: String, _ target: String) async throws(Failure) -> HTTPRequest {
        var headers = [HTTPHeader("user-agent", self.userAgent)]
        let token: String?
        var tls: TLSSettings
        do {
            token = try self.address.token?.read(self.words.token)
            tls = TLSSettings(
                ca: try self.address.ca?.read("\(self.words.peer)'s CA certificate"), insecureSkipVerify: self.address.skipVerify)
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
            "GET", self.address.url + "/v1/ca", headers: [HTTPHeader("user-agent", self.userAgent)],
            tls: TLSSettings(insecureSkipVerify: true))
        request.timeout = .seconds(10)
        let response: HTTPResponse
        do { response = try await self.transport.send(request) } catch { throw .unreachable(error.message) }
        let pem = String(decoding: response.body, as: UTF8.self)
        guard response.isSuccess, CertificateHash.of(pem: pem) == hash else {
            throw .unreachable(
                "\(self.address.url) is not the control plane that issued this token: its CA certificate is another one. Is the address right? "
                    + "If the control plane got a new CA, make a new token or give the CA with \(self.words.authorityFlag)")
        }
        self.found.withLock { $0 = (hash, pem) }
        return pem
    }

    private static func detail(_ body: [UInt8]) -> String {
        (try? JSONDecoder().decode(ProblemDetails.self, from: Data(body)))?.detail ?? ""
    }
}
