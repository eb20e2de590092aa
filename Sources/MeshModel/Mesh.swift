package import JSONModel

/// A mesh: its CA and how its traffic leaves the zone.
package struct Mesh: MeshResource {
    package static let kind = "Mesh"

    package let name: MeshName
    /// The enabled CA backend; nil means that mTLS is off.
    package let backend: Backend?
    package let routing: Routing
    /// `networking.outbound.passthrough`.
    package let passthrough: Bool
    /// 2.7 fields in use that Egret accepts and does not act on, sorted.
    package let ignoredFields: [String]

    package struct Routing: Hashable, Sendable {
        package let zoneEgress: Bool
        /// `localityAwareLoadBalancing`: other zones serve when nothing of the own zone is left.
        package let prefersOwnZone: Bool
        package let egressMode: EgressMode
        /// `defaultForbidMeshExternalServiceAccess`: without it everybody in the mesh may call a MeshExternalService that no
        /// permission is about.
        package let forbidsExternal: Bool
    }

    package enum EgressMode: String, Hashable, Sendable {
        case enforce = "Enforce"
        case report = "Report"
    }

    package struct Backend: Hashable, Sendable {
        package let name: String
        package let authority: Authority
        /// Life of a workload certificate.
        package let certificateLife: Duration
        package let mode: Mode
    }

    /// What inbounds of workloads take.
    package enum Mode: String, Hashable, Sendable {
        /// Mesh TLS only.
        case strict = "STRICT"
        /// Mesh TLS, and whatever else comes, unchanged.
        case permissive = "PERMISSIVE"
    }

    package enum Authority: Hashable, Sendable {
        /// Without `rsaBits` the key is P-256.
        /// Of its generations the first signs, and all are trusted: two during a rotation.
        case builtin(rsaBits: Int?, expiration: Duration, generations: [Int] = [1])
        case provided(certificate: DataSource, key: DataSource)
    }

    /// Cross-zone and external traffic of this mesh goes through the egress.
    package var usesEgress: Bool { self.backend != nil && self.routing.zoneEgress }

    package init(name: String, mesh _: String? = nil, spec: JSON) throws(InvalidResource) {
        let fields = Fields(spec)
        var ignored: [String] = []

        let mtls = fields.object("mtls")
        let backends = mtls.map { mtls in mtls.objects("backends").compactMap { Self.backend($0, &ignored) } } ?? []
        if backends.count > 1 { mtls?.violate("backends", "cannot have more than 1 backends") }
        let enabled = mtls?.string("enabledBackend").flatMap { $0.isEmpty ? nil : $0 }
        if mtls?.bool("skipValidation") == true { ignored.append("mtls.skipValidation") }

        let routing = fields.object("routing")
        let mode = routing?.string("egressMode").map { text in
            EgressMode(rawValue: text)
                ?? {
                    routing?.violate("egressMode", "has to be one of Enforce, Report; is \"\(text)\"")
                    return .enforce
                }()
        }
        self.routing = Routing(
            zoneEgress: routing?.bool("zoneEgress") ?? false,
            prefersOwnZone: routing?.bool("localityAwareLoadBalancing") ?? false, egressMode: mode ?? .enforce,
            forbidsExternal: routing?.bool("defaultForbidMeshExternalServiceAccess") ?? false)

        self.passthrough = fields.object("networking")?.object("outbound")?.bool("passthrough") ?? true
        if !self.passthrough { ignored.append("networking.outbound.passthrough") }
        ignored += ["constraints", "logging", "metrics", "skipCreatingInitialPolicies", "tracing"].filter { Self.isUsed(spec[$0]) }

        do { self.name = try MeshName(name) } catch {
            fields.violate("name", error.message)
            self.name = .default
        }
        self.backend = backends.first { $0.name == enabled }
        self.ignoredFields = ignored.sorted()
        try Self.check(name: name, spec: spec, fields)
    }

    private static func isUsed(_ value: JSON?) -> Bool {
        switch value {
        case nil, .null: false
        case .array(let elements): !elements.isEmpty
        case .object(let members): members.values.contains { Self.isUsed($0) }
        case .string(let text): !text.isEmpty
        default: true
        }
    }

    private static func backend(_ fields: Fields, _ ignored: inout [String]) -> Backend? {
        guard let name = fields.string("name"), !name.isEmpty else {
            fields.violate("name", "cannot be empty")
            return nil
        }
        let mode = fields.string("mode").map { text in
            Mode(rawValue: text)
                ?? {
                    fields.violate("mode", "has to be one of STRICT, PERMISSIVE; is \"\(text)\"")
                    return .strict
                }()
        }
        if fields.object("rootChain")?.duration("requestTimeout") != nil { ignored.append("mtls.backends[].rootChain") }
        let dpCert = fields.object("dpCert")
        if dpCert?.duration("requestTimeout") != nil { ignored.append("mtls.backends[].dpCert.requestTimeout") }
        let life = dpCert?.object("rotation")?.duration("expiration") ?? .seconds(86_400)
        if life < .seconds(10) { fields.violate("dpCert.rotation.expiration", "has to be at least 10s") }
        guard let authority = Self.authority(fields) else { return nil }
        return Backend(name: name, authority: authority, certificateLife: life, mode: mode ?? .strict)
    }

    private static func authority(_ fields: Fields) -> Authority? {
        let conf = fields.object("conf")
        switch fields.string("type") {
        case "builtin":
            let caCert = conf?.object("caCert")
            let bits = caCert?.int("RSAbits")
            if let bits, ![2048, 3072, 4096].contains(bits) { caCert?.violate("RSAbits", "has to be one of 2048, 3072, 4096; is \(bits)") }
            let generations = caCert?.ints("generations") ?? [1]
            if !(1...2).contains(generations.count) || !generations.allSatisfy({ (1...1_000_000).contains($0) }) {
                caCert?.violate("generations", "has to be one or two numbers from 1 to 1000000: the one that signs, and another to trust")
            } else if Set(generations).count < generations.count {
                caCert?.violate("generations", "has to name different authorities")
            }
            return .builtin(
                rsaBits: bits, expiration: caCert?.duration("expiration") ?? .seconds(10 * 365 * 86_400), generations: generations)
        case "provided":
            guard let certificate = conf?.dataSource("cert"), let key = conf?.dataSource("key") else { return nil }
            return .provided(certificate: certificate, key: key)
        case .some(let other):
            fields.violate("type", "could not find installed plugin for this type: \"\(other)\"; use builtin or provided")
            return nil
        case nil:
            fields.violate("type", "cannot be empty; use builtin or provided")
            return nil
        }
    }
}
