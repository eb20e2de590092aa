package import JSONModel

/// A kind of resource as people name it outside of Kubernetes: in documents, in paths of the REST API, on the command line.
package struct ResourceKind: Sendable {
    /// `ZoneEgress`: a document's `type`, and `kind` on Kubernetes.
    package let name: String
    /// The collection in paths: `zoneegresses`, `external-services`.
    package let path: String
    package let isOfMesh: Bool
    /// The newer policies keep their fields under `spec`; the others have them beside `name`.
    package let nestsSpec: Bool
    /// Whether its content is never shown in lists or logs.
    package let isSecret: Bool
    /// Its own fields, at the top of a spec. What else is there is a mistake.
    package let fields: Set<String>
    /// Everything that is wrong with a spec.
    package let check: @Sendable (_ name: String, _ mesh: String?, _ spec: JSON) throws(InvalidResource) -> Void

    private init(
        _ name: String, _ path: String, isOfMesh: Bool, nestsSpec: Bool = false, isSecret: Bool = false, fields: Set<String>,
        check: @escaping @Sendable (String, String?, JSON) throws(InvalidResource) -> Void
    ) {
        self.name = name
        self.path = path
        self.isOfMesh = isOfMesh
        self.nestsSpec = nestsSpec
        self.isSecret = isSecret
        self.fields = fields
        self.check = check
    }

    private init<Resource: MeshResource>(_ type: Resource.Type, _ path: String, isOfMesh: Bool, fields: Set<String>) {
        self.init(Resource.kind, path, isOfMesh: isOfMesh, nestsSpec: Resource.nestsSpec, fields: fields) {
            (name, mesh, spec) throws(InvalidResource) in
            _ = try Resource(name: name, mesh: mesh, spec: spec)
        }
    }

    package static let mesh = ResourceKind(
        Mesh.self, "meshes", isOfMesh: false,
        fields: ["constraints", "logging", "metrics", "mtls", "networking", "routing", "skipCreatingInitialPolicies", "tracing"])
    package static let zoneEgress = ResourceKind(
        ZoneEgress.self, "zoneegresses", isOfMesh: false, fields: ["deployment", "networking", "zone"])
    package static let zoneIngress = ResourceKind(
        ZoneIngress.self, "zone-ingresses", isOfMesh: false, fields: ["availableServices", "deployment", "networking", "zone"])
    package static let dataplane = ResourceKind(
        Dataplane.self, "dataplanes", isOfMesh: true, fields: ["metrics", "networking", "probes"])
    package static let externalService = ResourceKind(
        ExternalService.self, "external-services", isOfMesh: true, fields: ["networking", "tags"])
    package static let trafficPermission = ResourceKind(
        TrafficPermission.self, "traffic-permissions", isOfMesh: true, fields: ["destinations", "sources"])
    package static let trafficRoute = ResourceKind(
        TrafficRoute.self, "traffic-routes", isOfMesh: true, fields: ["conf", "destinations", "sources"])
    package static let meshTrafficPermission = ResourceKind(
        MeshTrafficPermission.self, "meshtrafficpermissions", isOfMesh: true, fields: ["from", "targetRef"])
    package static let meshTCPRoute = ResourceKind(
        MeshTCPRoute.self, "meshtcproutes", isOfMesh: true, fields: ["targetRef", "to"])
    package static let meshHTTPRoute = ResourceKind(
        MeshHTTPRoute.self, "meshhttproutes", isOfMesh: true, fields: ["targetRef", "to"])
    package static let meshLoadBalancingStrategy = ResourceKind(
        MeshLoadBalancingStrategy.self, "meshloadbalancingstrategies", isOfMesh: true, fields: ["targetRef", "to"])
    package static let meshExternalService = ResourceKind(
        MeshExternalService.self, "meshexternalservices", isOfMesh: true, fields: ["endpoints", "extension", "match", "tls"])
    package static let secret = ResourceKind(
        "Secret", "secrets", isOfMesh: true, isSecret: true, fields: ["data"], check: checkSecret)
    package static let globalSecret = ResourceKind(
        "GlobalSecret", "global-secrets", isOfMesh: false, isSecret: true, fields: ["data"], check: checkSecret)

    /// A zone as the global control plane knows it. Nobody writes one: its control plane makes it by coming.
    package static let zone = ResourceKind("Zone", "zones", isOfMesh: false, fields: ["enabled"]) { (_, _, spec) throws(InvalidResource) in
        let fields = Fields(spec)
        _ = fields.bool("enabled")
        if !fields.violations.isEmpty { throw InvalidResource(fields.violations) }
    }

    package static let all = [
        mesh, zone, zoneEgress, zoneIngress, dataplane, externalService, meshExternalService, trafficPermission, meshTrafficPermission,
        trafficRoute,
        meshTCPRoute, meshHTTPRoute, meshLoadBalancingStrategy, secret, globalSecret,
    ]

    package static func named(_ name: String) -> ResourceKind? { self.all.first { $0.name == name } }
    package static func at(path: String) -> ResourceKind? { self.all.first { $0.path == path } }

    /// By whatever a person may write on a command line: the type, the path, or either without hyphens, plural or not.
    package static func spoken(_ word: String) -> ResourceKind? {
        let word = word.lowercased().replacing("-", with: "")
        return self.all.first { kind in
            let forms = [kind.name.lowercased(), kind.path.replacing("-", with: "")]
            return forms.contains(word) || forms.contains(word + "s") || forms.contains(word + "es")
        }
    }

    @Sendable private static func checkSecret(name: String, mesh _: String?, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        if fields.nonEmpty("data") == nil, fields.violations.isEmpty { fields.violate("data", "is missing; write the value in base64") }
        if !fields.violations.isEmpty { throw InvalidResource(fields.violations) }
    }
}
