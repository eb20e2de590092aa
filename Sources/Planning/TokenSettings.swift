package import MeshModel

/// Who issues tokens, and what proves them: the parts `dpServer.authn` and `apiServer.authn` of Kuma's configuration.
///
///     dpServer:
///       authn:
///         zoneProxy: {zoneToken: {enableIssuer: false, validator: {useSecrets: false, publicKeys: [{kid: "1", key: …}]}}}
///         dpProxy: {dpToken: {validator: {publicKeys: [{kid: "1", mesh: default, key: …}]}}}
///     apiServer:
///       authn: {tokens: {validator: {publicKeys: [{kid: "1", key: …}]}}}
package struct TokenSettings: Hashable, Sendable {
    /// One kind of token.
    package struct Kind: Hashable, Sendable {
        /// Whether the control plane signs such tokens itself.
        package var isIssuer = true
        /// Whether keys in secrets prove them.
        package var usesSecrets = true
        package var publicKeys: [PublicKey] = []

        package init() {}
    }

    /// A key that proves tokens and comes from the settings.
    package struct PublicKey: Hashable, Sendable {
        /// `kid`: how tokens name it.
        package var id: String
        /// Of dataplane tokens; empty for the others.
        package var mesh: String
        /// PEM; nil until the file is read.
        package var pem: String?
        /// The file that has it, where it is not given here.
        package var file: String?
        /// Where it stands in the settings, for what is wrong with it.
        package var field: String
    }

    package var zone = Kind()
    package var dataplane = Kind()
    package var user = Kind()

    package init() {}

    /// Reads the two parts, if they are there, into violations of `root` what is wrong with them. Keys are texts here.
    package init(_ root: Fields) {
        self.init()
        if let server = root.object("dpServer") {
            server.refuseUnknown(["authn"])
            let authn = server.object("authn")
            authn?.refuseUnknown(["zoneProxy", "dpProxy"])
            let zone = authn?.object("zoneProxy")
            zone?.refuseUnknown(["zoneToken"])
            if let token = zone?.object("zoneToken") { self.zone = Kind(token, "dpServer.authn.zoneProxy.zoneToken", hasMesh: false) }
            let dataplane = authn?.object("dpProxy")
            dataplane?.refuseUnknown(["dpToken"])
            if let token = dataplane?.object("dpToken") { self.dataplane = Kind(token, "dpServer.authn.dpProxy.dpToken", hasMesh: true) }
        }
        if let server = root.object("apiServer") {
            server.refuseUnknown(["authn"])
            let authn = server.object("authn")
            authn?.refuseUnknown(["tokens"])
            if let tokens = authn?.object("tokens") { self.user = Kind(tokens, "apiServer.authn.tokens", hasMesh: false) }
        }
    }
}

extension TokenSettings.Kind {
    fileprivate init(_ fields: Fields, _ path: String, hasMesh: Bool) {
        self.init()
        fields.refuseUnknown(["enableIssuer", "validator"])
        self.isIssuer = fields.bool("enableIssuer") ?? self.isIssuer
        guard let validator = fields.object("validator") else { return }
        validator.refuseUnknown(["useSecrets", "publicKeys"])
        self.usesSecrets = validator.bool("useSecrets") ?? self.usesSecrets
        for (index, key) in validator.objects("publicKeys").enumerated() {
            key.refuseUnknown(hasMesh ? ["kid", "key", "keyFile", "mesh"] : ["kid", "key", "keyFile"])
            let (pem, file) = (key.nonEmpty("key"), key.nonEmpty("keyFile"))
            if !key.has("kid") { key.violate("kid", "is missing; tokens name their key by it") }
            if (pem == nil) == (file == nil) { key.violate("key", "give the public key as key or as keyFile") }
            guard let id = key.nonEmpty("kid") else { continue }
            let mesh = hasMesh ? key.string("mesh") ?? MeshName.default.text : ""
            if self.publicKeys.contains(where: { $0.id == id && $0.mesh == mesh }) { key.violate("kid", "is there twice: \"\(id)\"") }
            self.publicKeys.append(
                .init(
                    id: id, mesh: mesh, pem: pem, file: file,
                    field: "\(path).validator.publicKeys[\(index)].\(pem == nil ? "keyFile" : "key")"))
        }
    }
}
