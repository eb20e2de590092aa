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
    private let pages: any PageSource

    package init(reader: any ResourceReader, hub: ConfigHub) {
        self.init(reader: reader, pages: ProxyPages(reader: reader, hub: hub))
    }

    init(reader: any ResourceReader, pages: any PageSource) {
        self.reader = reader
        self.pages = pages
    }

    private static let pageNames: [String: Question.Page] = ["xds": .config, "stats": .stats, "clusters": .clusters]

    /// Nil for another path.
    package func respond(to request: APIRequest) async throws(APIProblem) -> APIReply? {
        guard request.path.count >= 3, let page = request.path.last.flatMap({ Self.pageNames[$0] }),
            let id = Self.id(request.path.dropLast())
        else { return nil }
        guard request.method == .get else {
            throw APIProblem(
                405, "Method not allowed", "\(request.method.rawValue) is not offered at /\(request.path.joined(separator: "/"))")
        }
        guard request.isAdmin else { throw ResourceAPI.adminOnly }
        guard let resource = self.reader.resource(id) else { throw .notFound("the \(id)") }
        guard let text = await self.pages.page(page, of: resource) else {
            throw APIProblem(503, "The proxy does not answer", self.pages.silence(of: resource))
        }
        if page == .stats { return APIReply(text: text) }
        do { return APIReply(try JSON(parsing: text)) } catch {
            throw APIProblem(502, "The proxy's answer makes no sense", "the \(id) answered something that is not JSON")
        }
    }

    private static func id(_ path: ArraySlice<String>) -> ResourceID? {
        let path = Array(path)
        let inMesh = path.count == 4 && path[0] == "meshes"
        guard inMesh || path.count == 2, let kind = ResourceKind.at(path: path[path.count - 2]), kind.isOfMesh == inMesh,
            Overviews.proxyKinds.contains(kind.name)
        else { return nil }
        return ResourceID(kind: kind.name, mesh: inMesh ? path[1] : "", name: path[path.count - 1])
    }
}
