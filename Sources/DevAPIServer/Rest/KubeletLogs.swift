import CurlTransport
import FoundationEssentials
import JSONModel

/// Reads container logs where the pod runs.
protocol KubeletReading: Sendable {
    /// - Returns: a function that hands on the bytes as they come
    func open(_ url: String) async throws -> @Sendable (_ emit: (Data) async throws -> Void) async throws -> Void
}

/// The kubelet's own HTTPS endpoint. Its certificate is not verified, as by a real API server without
/// `--kubelet-certificate-authority`.
struct KubeletClient: KubeletReading {
    let transport = CurlTransport()

    func open(_ url: String) async throws -> @Sendable (_ emit: (Data) async throws -> Void) async throws -> Void {
        let stream: HTTPStream
        do {
            stream = try await self.transport.stream(
                HTTPRequest("GET", url, timeout: nil, tls: TLSSettings(insecureSkipVerify: true), proxy: .none))
        } catch {
            throw APIError.internalError("Get \"\(url)\": \(error)")
        }
        guard stream.status == 200 else {
            var text = Data()
            for try await chunk in stream.body where text.count < 10_000 { text.append(contentsOf: chunk) }
            throw APIError(
                code: stream.status, reason: stream.status == 404 ? "NotFound" : "BadRequest",
                message: String(decoding: text, as: UTF8.self))
        }
        return { emit in for try await chunk in stream.body { try await emit(Data(chunk)) } }
    }
}

extension APIService {
    /// `kubectl logs`: passes the question on to the node that runs the pod.
    func log(_ call: Call, pod name: String) async throws -> APIReply {
        let pod = try self.get(call.type, call.target.namespace, name)
        let names = ["containers", "initContainers", "ephemeralContainers"].flatMap { list in
            (pod.at("spec", list)?.array ?? []).compactMap { $0["name"]?.string }
        }
        let main = (pod.at("spec", "containers")?.array ?? []).compactMap { $0["name"]?.string }
        let asked = call.request.query["container"].flatMap { $0.isEmpty ? nil : $0 }
        guard let container = asked ?? (main.count == 1 ? main[0] : nil) else {
            throw APIError.badRequest("a container name must be specified for pod \(name), choose one of: [\(main.joined(separator: " "))]")
        }
        guard names.contains(container) else { throw APIError.badRequest("container \(container) is not valid for pod \(name)") }
        guard let nodeName = pod.at("spec", "nodeName")?.string, !nodeName.isEmpty else {
            // As a real server: a pod that nobody runs has said nothing.
            throw APIError.badRequest("pod \(name) does not have a host assigned")
        }
        guard let node = self.store.object(ObjectKey(resource: "nodes", namespace: "", name: nodeName)),
            let port = node.at("status", "daemonEndpoints", "kubeletEndpoint", "Port")?.int,
            let address = (node.at("status", "addresses")?.array ?? []).first(where: { $0["type"] == "InternalIP" })?["address"]?.string
        else { throw APIError.internalError("node \(nodeName) names no address and port of its kubelet") }
        let known = ["follow", "previous", "tailLines", "limitBytes", "sinceSeconds", "sinceTime", "timestamps"]
        let query = known.compactMap { key in call.request.query[key].map { "\(key)=\($0.percentEncoded)" } }.joined(separator: "&")
        let url = "https://\(address):\(port)/containerLogs/\(call.namespace)/\(name)/\(container)?\(query)"
        let feed = try await self.kubelets.open(url)
        return APIReply(code: 200, body: .feed(feed, contentType: "text/plain"))
    }
}

extension String {
    var percentEncoded: String {
        self.utf8.map { byte -> String in
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || [45, 46, 95, 126].contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
