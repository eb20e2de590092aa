import JSONModel

/// Why a container cannot be made now, in the words the kubelet uses: a reason for `state.waiting` and a sentence.
struct ContainerProblem: Error, Hashable, Sendable {
    var reason: String
    var message: String

    static func config(_ message: String) -> Self { Self(reason: "CreateContainerConfigError", message: message) }
}

/// Everything a container's environment and volumes may be made of.
struct PodContext: Sendable {
    var pod: JSON
    var spec: PodSpec
    var address: String
    var nodeName: String
    var nodeAddress: String
    /// What one container may use where it has no limit of its own.
    var capacity: NodeCapacity
    /// Content of the ConfigMaps and Secrets that exist.
    var objects: [DataObject: [String: [UInt8]]] = [:]

    var namespace: String { self.pod.at("metadata", "namespace")?.string ?? "default" }
    var name: String { self.pod.at("metadata", "name")?.string ?? "" }
    var uid: String { self.pod.at("metadata", "uid")?.string ?? "" }

    /// The value of a `fieldPath`; nil where the kubelet would refuse the path.
    func field(_ path: String) -> String? {
        if let (map, key) = Self.subscripted(path) {
            guard map == "metadata.labels" || map == "metadata.annotations" else { return nil }
            return self.pod.at(map.split(separator: ".").map(String.init))?[key]?.string ?? ""
        }
        switch path {
        case "metadata.name": return self.name
        case "metadata.namespace": return self.namespace
        case "metadata.uid": return self.uid
        case "metadata.labels": return Self.lines(self.pod.at("metadata", "labels"))
        case "metadata.annotations": return Self.lines(self.pod.at("metadata", "annotations"))
        case "spec.nodeName": return self.nodeName
        case "spec.serviceAccountName": return self.spec.serviceAccountName
        case "status.podIP", "status.podIPs": return self.address
        case "status.hostIP", "status.hostIPs": return self.nodeAddress
        default: return nil
        }
    }

    /// `metadata.labels['app']` → ("metadata.labels", "app")
    private static func subscripted(_ path: String) -> (map: String, key: String)? {
        guard path.hasSuffix("']"), let open = path.firstRange(of: "['") else { return nil }
        return (String(path[..<open.lowerBound]), String(path[open.upperBound...].dropLast(2)))
    }

    /// One `key="value"` per line, as the kubelet writes labels into files.
    private static func lines(_ map: JSON?) -> String {
        map.stringMembers.sorted { $0.key < $1.key }.map { "\($0.key)=\(JSON($0.value).text)" }.joined(separator: "\n")
    }

    func resource(_ field: ResourceField, asking: ContainerSpec?) throws(ContainerProblem) -> String {
        let container = field.container.map { name in self.spec.everyContainer.first { $0.name == name } } ?? asking
        let parts = field.resource.split(separator: ".", maxSplits: 1).map(String.init)
        guard let container, parts.count == 2, ["limits", "requests"].contains(parts[0]), let divisor = Quantity(field.divisor) else {
            throw .config("resourceFieldRef \"\(field.resource)\" names no container's limits or requests")
        }
        let written = parts[0] == "limits" ? container.limits[parts[1]] : container.requests[parts[1]]
        // A limit that is not set is all the node has, a request that is not set is 0: as the kubelet does.
        let fallback = parts[0] == "limits" ? self.capacity.quantity(parts[1]) : "0"
        guard let quantity = Quantity(written ?? fallback) else {
            throw .config("\"\(written ?? "")\" in the \(field.resource) of container \(container.name) is not a quantity")
        }
        return String(quantity.divided(by: divisor))
    }

    func value(_ value: EnvironmentEntry.Value, asking: ContainerSpec?) throws(ContainerProblem) -> [UInt8]? {
        switch value {
        case .literal(let text): return Array(text.utf8)
        case .resource(let field): return Array(try self.resource(field, asking: asking).utf8)
        case .field(let path):
            guard let text = self.field(path) else { throw .config("fieldPath \"\(path)\" is not supported") }
            return Array(text.utf8)
        case .key(let reference):
            guard let keys = self.objects[reference.object] else {
                if reference.optional { return nil }
                throw .config("\(reference.object.kind.rawValue.lowercased()) \"\(reference.object.name)\" not found")
            }
            guard let bytes = keys[reference.key] else {
                if reference.optional { return nil }
                throw .config(
                    "couldn't find key \(reference.key) in \(reference.object.kind.rawValue) \(self.namespace)/\(reference.object.name)")
            }
            return bytes
        }
    }
}

struct NodeCapacity: Hashable, Sendable {
    var cpus: Int
    var memoryBytes: Int

    func quantity(_ resource: String) -> String {
        switch resource {
        case "cpu": String(self.cpus)
        case "memory": String(self.memoryBytes)
        default: "0"
        }
    }
}
