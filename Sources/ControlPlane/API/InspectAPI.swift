import ConfigSync
import FoundationEssentials
import JSONModel
import MeshModel
import Planning
import Store

/// What a proxy itself says: `/zoneegresses/{name}/xds`, `/stats`, `/clusters`, and the same behind zone ingresses and dataplanes.
/// The proxy is asked over its stream.
package struct InspectAPI: Sendable {
    private let reader: any ResourceReader
    private let hub: ConfigHub

    package init(reader: any ResourceReader, hub: ConfigHub) {
        self.reader = reader
        self.hub = hub
    }

    private static let pages: [String: Question.Page] = ["xds": .config, "stats": .stats, "clusters": .clusters]

    /// Nil for another path.
    package func respond(to request: APIRequest) async throws(APIProblem) -> APIReply? {
        guard request.path.count >= 3, let page = request.path.last.flatMap({ Self.pages[$0] }), let id = Self.id(request.path.dropLast())
        else { return nil }
        guard request.method == .get else {
            throw APIProblem(
                405, "Method not allowed", "\(request.method.rawValue) is not offered at /\(request.path.joined(separator: "/"))")
        }
        guard request.isAdmin else { throw ResourceAPI.adminOnly }
        guard self.reader.resource(id) != nil else { throw .notFound("the \(id)") }
        for proxy in self.reader.proxies(of: id) {
            guard let text = await self.hub.ask(proxy, page) else { continue }
            if page == .stats { return APIReply(text: text) }
            do { return APIReply(try JSON(parsing: text)) } catch {
                throw APIProblem(502, "The proxy's answer makes no sense", "\(proxy) answered something that is not JSON")
            }
        }
        throw APIProblem(
            503, "The proxy does not answer", "no proxy of the \(id) has a stream to this control plane, or it did not answer within 5 s")
    }

    private static func id(_ path: ArraySlice<String>) -> ResourceID? {
        let path = Array(path)
        let inMesh = path.count == 4 && path[0] == "meshes"
        guard inMesh || path.count == 2, let kind = ResourceKind.at(path: path[path.count - 2]), kind.isOfMesh == inMesh,
            Overviews.kinds.contains(kind.name)
        else { return nil }
        return ResourceID(kind: kind.name, mesh: inMesh ? path[1] : "", name: path[path.count - 1])
    }
}
