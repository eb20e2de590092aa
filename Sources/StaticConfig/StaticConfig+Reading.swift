import JSONModel
import MeshModel
package import Routing
import YAMLDocument

extension StaticConfig {
    /// Reads the file's text. What is wrong with its form (syntax, an unknown key, a value of the wrong type) refuses it whole
    /// and names every such place; an item that is well written but cannot be used (a file that is missing, a name given twice)
    /// is named in `errors` and keeps the form it has in `previous`, if it is there.
    ///
    /// - Parameters:
    ///   - path: of the file; for messages, and because paths in it are relative to its folder.
    ///   - read: gives the text of another file.
    package static func read(
        _ text: String, path: String, previous: StaticConfig? = nil, read: @escaping (String) -> StaticFile
    ) throws(InvalidStaticConfig) -> StaticConfig {
        let json: JSON
        do { json = try YAMLDocument.parseOne(text, file: path) } catch { throw InvalidStaticConfig(problems: [error.description]) }
        guard json.object != nil else {
            let found = json.isNull ? "it is empty" : "it holds one of type \(json.typeName)"
            throw InvalidStaticConfig(problems: ["\(path): should be an object with listeners and clusters, but \(found)"])
        }
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ""
        var reader = StaticReader(files: StaticFiles(folder: folder, read: read), previous: previous)
        let fields = Fields(json)
        reader.read(fields)
        let problems = fields.violations.map { violation in
            // `Fields` was made for resources, whose fields are below `spec`.
            "\(path): \(violation.field.isEmpty ? "the file" : violation.field): \(violation.message)"
        }
        guard problems.isEmpty else { throw InvalidStaticConfig(problems: problems) }
        reader.result.files = reader.files.paths
        return reader.result
    }

    /// Gives each external cluster that cannot be used its form in `previous`.
    /// - Parameter problem: why a cluster cannot be used; nil if it can.
    package mutating func keepUsableClusters(of previous: StaticConfig?, problem: (Cluster) -> String?) {
        for index in self.config.clusters.indices {
            let cluster = self.config.clusters[index]
            guard let sentence = problem(cluster) else { continue }
            let old = previous?.config.clusters.first { $0.name == cluster.name }
            if let old, problem(old) == nil {
                self.config.clusters[index] = old
                self.errors.append(ItemError(item: "cluster \(cluster.name)", message: "\(sentence); it is served as it was before"))
            }
            // Without an older form whoever applies the configuration says the same, and the cluster refuses.
        }
    }
}

/// One pass over the file.
struct StaticReader {
    let files: StaticFiles
    let previous: StaticConfig?
    var result = StaticConfig()
    /// Meshes with an entry in `trust` and `identities`, usable or not.
    private var trusted: Set<String> = []
    private var identified: Set<String> = []

    init(files: StaticFiles, previous: StaticConfig?) {
        self.files = files
        self.previous = previous
    }

    mutating func read(_ fields: Fields) {
        fields.only(
            "admin", "workers", "accessLog", "maxConnections", "maxHelloBytes", "connectAttempts", "timeouts", "removedRoutes", "trust",
            "identities", "listeners", "clusters")
        self.readSettings(fields)
        self.result.config.maxConnections = fields.int("maxConnections", in: 1...Int.max)
        self.result.config.removedRoutes = fields.choice("removedRoutes", ["keep", "cut"]).flatMap { .init(rawValue: $0) }
        self.readTrust(fields.objects("trust"))
        self.readIdentities(fields.objects("identities"))
        self.readListeners(fields)
        self.readClusters(fields.objects("clusters"))
        self.noteMeshesWithoutCredentials()
    }

    private mutating func readSettings(_ fields: Fields) {
        var settings = StaticSettings()
        if let admin = fields.object("admin") {
            admin.only("address", "port")
            settings.adminAddress = admin.has("address") ? admin.address("address") : nil
            settings.adminPort = admin.int("port", in: 0...65535)
        }
        settings.workers = fields.int("workers", in: 1...1024)
        settings.accessLog = fields.choice("accessLog", StaticSettings.AccessLog.allCases.map(\.rawValue)).flatMap { .init(rawValue: $0) }
        settings.maxHelloBytes = fields.int("maxHelloBytes", in: 512...65536)
        settings.connectAttempts = fields.int("connectAttempts", in: 1...4)
        if let times = fields.object("timeouts") {
            times.only("hello", "connect", "idle", "handshake", "linger", "peer", "keepAlive")
            settings.timeouts = StaticSettings.Timeouts(
                hello: times.time("hello"), connect: times.time("connect"), idle: times.time("idle"), handshake: times.time("handshake"),
                linger: times.time("linger"), peer: times.time("peer"), keepAlive: times.time("keepAlive"))
        }
        self.result.settings = settings
    }

    private mutating func readTrust(_ items: [Fields]) {
        for fields in items {
            fields.only("mesh", "ca")
            guard let mesh = fields.required("mesh"), let reference = fields.required("ca") else { continue }
            let item = "trust \(mesh)"
            guard self.trusted.insert(mesh).inserted else {
                self.note(item, "the mesh is named twice; its first entry counts")
                continue
            }
            if let ca = self.text(reference, "the CA", item) {
                self.result.config.trust.append(Trust(mesh: mesh, ca: ca))
            } else if let old = self.previous?.config.trust.first(where: { $0.mesh == mesh }) {
                self.result.config.trust.append(old)
            }
        }
    }

    private mutating func readIdentities(_ items: [Fields]) {
        for fields in items {
            fields.only("mesh", "certificate", "key")
            guard let mesh = fields.required("mesh"), let certificate = fields.required("certificate"), let key = fields.required("key")
            else { continue }
            let item = "identity \(mesh)"
            guard self.identified.insert(mesh).inserted else {
                self.note(item, "the mesh is named twice; its first entry counts")
                continue
            }
            // Both are asked for: a file that is missing now is watched all the same.
            let pair = (self.text(certificate, "the certificate", item), self.text(key, "the key", item))
            if case (let certificate?, let key?) = pair {
                self.result.identities.append(StaticIdentity(mesh: mesh, certificate: certificate, key: key))
            } else if let old = self.previous?.identities.first(where: { $0.mesh == mesh }) {
                self.result.identities.append(old)
            }
        }
    }

    /// Routes and clusters of a mesh refuse until there are a CA and a certificate for it.
    private mutating func noteMeshesWithoutCredentials() {
        var meshes: Set<String> = []
        for listener in self.result.config.listeners {
            switch listener.kind {
            case .sni(let routes), .permissive(let routes, _):
                for case .terminate(let mesh, _, _) in routes.map(\.action) { meshes.insert(mesh) }
            case .outbound(_, .originate(let mesh, _)): meshes.insert(mesh)
            case .outbound: break
            }
        }
        for case .mesh(let mesh, _, _) in self.result.config.clusters.map(\.tls) { meshes.insert(mesh) }
        for mesh in meshes.sorted() {
            if !self.trusted.contains(mesh) { self.note("mesh \(mesh)", "is used, but trust has no CA of it; its connections are refused") }
            if !self.identified.contains(mesh) {
                self.note("mesh \(mesh)", "is used, but identities has no certificate in it; its connections are refused")
            }
        }
    }

    mutating func note(_ item: String, _ message: String) { self.result.errors.append(ItemError(item: item, message: message)) }

    /// Nil, with an error of the item, when the file cannot be read.
    mutating func text(_ reference: String, _ what: String, _ item: String) -> String? {
        guard !Self.isContent(reference) else {
            // Not to be repeated in a log: it may be a key.
            self.note(item, "\(what) should be PEM text or the path of a file; what is given (\(reference.utf8.count) bytes) is neither")
            return nil
        }
        switch self.files.text(reference) {
        case .text(let text): return text
        case .unreadable(let reason):
            self.note(item, "\(what) should be in \(reference), which \(reason)")
            return nil
        }
    }

    /// Whether somebody gave the thing itself, but not as PEM: base64, as Kubernetes' Secrets have it, or PEM without its first line.
    private static func isContent(_ text: String) -> Bool {
        if text.contains("-----BEGIN ") { return false }
        let isBase64 = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="):
                true
            default: false
            }
        }
        return text.contains(where: \.isNewline) || text.utf8.count > 4095 || isBase64 && text.utf8.count > 100
    }
}
