import JSONModel
import KubeAPI

/// Where the service proxy listens, and whom each listener forwards to.
struct ProxyTable: Hashable, Sendable {
    struct Listener: Hashable, Sendable {
        var address: String
        var port: Int
    }

    struct Backend: Hashable, Sendable {
        var address: String
        var port: Int
    }

    /// A listener without backends stays: it accepts and closes, as a Service without endpoints refuses.
    private(set) var backends: [Listener: [Backend]] = [:]
    /// Which Service a listener is for, for messages.
    private(set) var names: [Listener: String] = [:]

    init() {}

    init(services: [KubeObject], slices: [KubeObject]) {
        let slices = Dictionary(grouping: slices) {
            ObjectKey(namespace: $0.namespace, name: $0.metadata.labels[EndpointSlicePlan.serviceLabel] ?? "")
        }
        for service in services where !service.metadata.isBeingDeleted {
            guard let address = service.spec["clusterIP"]?.string, IPv4Text.parse(address) != nil else { continue }
            for port in service.spec["ports"].elements where port["protocol"]?.string ?? "TCP" == "TCP" {
                guard let number = port["port"]?.int else { continue }
                let listener = Listener(address: address, port: number)
                let name = port["name"]?.string ?? ""
                self.backends[listener] = (slices[service.key] ?? []).flatMap { Self.ready($0, port: name) }.sorted {
                    ($0.address, $0.port) < ($1.address, $1.port)
                }
                self.names[listener] = "\(service.key)"
            }
        }
    }

    private static func ready(_ slice: KubeObject, port name: String) -> [Backend] {
        let port = slice["ports"].elements.first { $0["name"]?.string ?? "" == name }?["port"]?.int
        guard let port, slice["addressType"]?.string == "IPv4" else { return [] }
        return slice["endpoints"].elements.filter { $0.at("conditions", "ready")?.bool ?? true }
            .flatMap { $0["addresses"].strings }.map { Backend(address: $0, port: port) }
    }
}
