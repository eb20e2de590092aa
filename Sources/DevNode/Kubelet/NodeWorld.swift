import CurlTransport
import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import Logging
import Synchronization

/// What the node's parts share: the client, the caches, and what never changes while the node runs.
final class NodeWorld: Sendable {
    let options: NodeOptions
    let client: KubeClient
    let transport: CurlTransport
    let caches: InformerGroup
    let logger: Logger
    let host: SandboxCommand.Host
    let capacity: NodeCapacity
    let images: ImageMap
    private let addresses: Mutex<AddressPool>

    /// The node is reached, and its pods' host is, here.
    static let address = "127.0.0.1"
    static let cached: [ResourceType] = [
        .pods, .deployments, .replicaSets, .services, .endpointSlices, .configMaps, .secrets, .serviceAccounts, .namespaces,
    ]

    init(options: NodeOptions, client: KubeClient, transport: CurlTransport, caches: InformerGroup, logger: Logger) {
        self.options = options
        self.client = client
        self.transport = transport
        self.caches = caches
        self.logger = logger
        self.host = .current()
        self.capacity = .current()
        self.images = ImageMap(programs: options.images)
        self.addresses = Mutex(AddressPool(options.addressBlock))
    }

    func objects(_ type: ResourceType) -> [KubeObject] { self.caches[type].snapshot.values.map { $0.typed(type) } }
    func object(_ type: ResourceType, _ key: ObjectKey) -> KubeObject? { self.caches[type].object(key)?.typed(type) }

    func takeAddress(for uid: String) -> String? { self.addresses.withLock { $0.take(for: uid) } }
    func releaseAddress(of uid: String) { self.addresses.withLock { $0.release(uid) } }

    /// The content of those of the objects that exist.
    func contents(_ wanted: Set<DataObject>, namespace: String) -> [DataObject: [String: [UInt8]]] {
        var contents: [DataObject: [String: [UInt8]]] = [:]
        for object in wanted {
            let key = ObjectKey(namespace: namespace, name: object.name)
            let found = self.caches[object.kind == .secret ? .secrets : .configMaps].object(key)
            if let found { contents[object] = object.kind.content(of: found) }
        }
        return contents
    }

    /// Services by name, for pods' `/etc/hosts`.
    func hostsEntries() -> [HostsFile.Service] {
        let slices = Dictionary(grouping: self.objects(.endpointSlices)) {
            ObjectKey(namespace: $0.namespace, name: $0.metadata.labels[EndpointSlicePlan.serviceLabel] ?? "")
        }
        return self.objects(.services).compactMap { HostsFile.Service($0, slices: slices[$0.key] ?? []) }
    }

    /// What in-cluster configuration reads from the environment: the API at the address we use ourselves, which is one its
    /// certificate is made for.
    var apiVariables: [String: String] {
        guard let url = URL(string: self.client.config.server), let host = url.host() else { return [:] }
        let port = String(url.port ?? 443)
        return ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "KUBERNETES_SERVICE_PORT_HTTPS": port]
    }
}

extension KubeObject {
    /// The object with its type's name: the elements of a list come without.
    func typed(_ type: ResourceType) -> KubeObject {
        if self.kind == type.kind { return self }
        var object = self
        object.apiVersion = type.apiVersion
        object.kind = type.kind
        return object
    }
}

extension DataObject.Kind {
    /// A ConfigMap's `data` and `binaryData`, or a Secret's `data`, as bytes.
    func content(of object: KubeObject) -> [String: [UInt8]] {
        let encoded = object[self == .secret ? "data" : "binaryData"].stringMembers.compactMapValues {
            Data(base64Encoded: $0).map(Array.init)
        }
        guard self == .configMap else { return encoded }
        return object["data"].stringMembers.mapValues { Array($0.utf8) }.merging(encoded) { text, _ in text }
    }
}

extension HostsFile.Service {
    init?(_ service: KubeObject, slices: [KubeObject]) {
        let address = service.spec["clusterIP"]?.string ?? ""
        let ready = slices.flatMap { $0["endpoints"].elements }.filter { $0.at("conditions", "ready")?.bool ?? true }
            .flatMap { $0["addresses"].strings }.sorted()
        let addresses = address == "None" ? ready : address.isEmpty ? [] : [address]
        guard !addresses.isEmpty else { return nil }
        self.init(name: service.name, namespace: service.namespace ?? "default", addresses: addresses)
    }
}
