import ArgumentParser
import FoundationEssentials
import Identity
import JSONModel
import MeshModel
import Tokens

struct Generate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make tokens and keys.",
        subcommands: [
            GenerateZoneToken.self, GenerateDataplaneToken.self, GenerateUserToken.self, GenerateSigningKey.self, GeneratePublicKey.self,
        ])
}

/// How long a token is good, and who signs it: the control plane, or a key at hand.
struct SigningOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How long the token is good, such as 720h.", valueName: "time")) var validFor: String
    @Option(help: "Sign with the key in this file instead of asking the control plane.") var signingKeyPath: String?
    @Option(help: "The id under which the control plane knows the public half of that key.") var kid: String?
    @Option(help: "With --signing-key-path: file with the control plane's CA certificate, so that proxies know it by the token alone.")
    var caCertFile: String?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard let life = GoDuration.parse(self.validFor) else {
            throw ValidationError("--valid-for is \"\(self.validFor)\"; write a time such as 720h or 30m")
        }
        if let objection = TokenRules.objection(toLife: life) { throw ValidationError("--valid-for \(objection), is \(self.validFor)") }
        if self.signingKeyPath != nil, self.kid == nil { throw ValidationError("--kid is required when --signing-key-path is used") }
        if self.signingKeyPath == nil {
            if self.kid != nil { throw ValidationError("--kid is of no use without --signing-key-path") }
            if self.caCertFile != nil { throw ValidationError("--ca-cert-file is of no use without --signing-key-path") }
        }
    }

    var life: Duration { GoDuration.parse(self.validFor) ?? .zero }

    /// Nil: the control plane signs.
    func key() throws(CLIFailure) -> SigningKey? {
        guard let path = self.signingKeyPath, let kid else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else { throw CLIFailure("the signing key \(path) cannot be read") }
        do { return try SigningKey(id: kid, pem: String(decoding: data, as: UTF8.self), what: path) } catch { throw CLIFailure("\(error)") }
    }

    func authorityHash() throws(CLIFailure) -> String? {
        guard let path = self.caCertFile else { return nil }
        guard let data = FileManager.default.contents(atPath: path),
            let hash = CertificateHash.of(pem: String(decoding: data, as: UTF8.self))
        else { throw CLIFailure("\(path) is not a certificate in PEM") }
        return hash
    }
}

struct GenerateZoneToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zone-token", abstract: "Make a token for an egress or ingress outside of Kubernetes, or for a zone's control plane.",
        discussion: """
            Examples:
              egretctl generate zone-token --valid-for 720h --scope egress > egress.token
              egretctl generate zone-token --valid-for 8760h --scope cp --zone zone-1 > zone-1.token    (at the global control plane)
            """)

    @Option(help: "The zone it is for. (default: that of the control plane)") var zone: String?
    @Option(help: "egress, ingress or cp; repeatable, or separated by commas. (default: egress and ingress)") var scope: [String] = []
    @OptionGroup var signing: SigningOptions

    private var scopes: [String] { self.scope.flatMap { $0.split(separator: ",").map(String.init) } }

    func validate() throws {
        let unknown = self.scopes.filter { ZoneToken.Scope(rawValue: $0) == nil }
        if !unknown.isEmpty {
            throw ValidationError("invalid --scope values: \(unknown.joined(separator: ", ")); there are egress, ingress and cp")
        }
        if self.signing.signingKeyPath != nil, self.zone == nil {
            throw ValidationError("--zone is required when --signing-key-path is used; no control plane is asked for its own")
        }
    }

    func run() async throws {
        let scopes = self.scopes.isEmpty ? ZoneToken.Scope.proxies : self.scopes.compactMap(ZoneToken.Scope.init)
        if let key = try self.signing.key() {
            let token = ZoneToken(
                zone: self.zone ?? "", scopes: scopes, id: UUID().uuidString.lowercased(), now: Date(), life: self.signing.life,
                authorityHash: try self.signing.authorityHash())
            print(try TokenIssuer.issue(token, with: key))
            return
        }
        let body: JSON = [
            "zone": .string(self.zone ?? ""), "scope": .array(scopes.map { .string($0.rawValue) }),
            "validFor": .string(self.signing.validFor),
        ]
        print(try await self.signing.connection.client().post("/tokens/zone", body))
    }
}

struct GenerateDataplaneToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dataplane-token", abstract: "Make a token for a dataplane outside of Kubernetes.",
        discussion: "Example:\n  egretctl generate dataplane-token --mesh default --name web-1 --valid-for 720h > web-1.token")

    @Option(help: "The mesh it is for.") var mesh = "default"
    @Option(help: "The dataplane it is for. (default: any that the tags allow)") var name: String?
    @Option(help: "key=value that the dataplane's inbounds must have; repeatable, several values of one key are alternatives.")
    var tag: [String] = []
    @OptionGroup var signing: SigningOptions

    func validate() throws { _ = try self.tags() }

    private func tags() throws -> [String: [String]] {
        var tags: [String: [String]] = [:]
        for pair in self.tag {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("--tag is \"\(pair)\"; write key=value") }
            tags[parts[0], default: []].append(parts[1])
        }
        return tags
    }

    func run() async throws {
        let tags = try self.tags()
        if let key = try self.signing.key() {
            let token = DataplaneToken(
                mesh: self.mesh, name: self.name ?? "", tags: tags, id: UUID().uuidString.lowercased(), now: Date(),
                life: self.signing.life,
                authorityHash: try self.signing.authorityHash())
            print(try TokenIssuer.issue(token, with: key))
            return
        }
        let body: JSON = [
            "mesh": .string(self.mesh), "name": .string(self.name ?? ""), "validFor": .string(self.signing.validFor),
            "tags": .object(tags.mapValues { .array($0.map(JSON.string)) }),
        ]
        print(try await self.signing.connection.client().post("/tokens/dataplane", body))
    }
}

struct GenerateUserToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user-token", abstract: "Make a token for a person or a script that uses the API.")

    @Option(help: "Who it is for.") var name: String
    @Option(help: "A group; repeatable. \(UserToken.adminGroup) may change everything.") var group: [String] = []
    @OptionGroup var signing: SigningOptions

    func run() async throws {
        if let key = try self.signing.key() {
            let token = UserToken(
                name: self.name, groups: self.group, id: UUID().uuidString.lowercased(), now: Date(), life: self.signing.life)
            print(try TokenIssuer.issue(token, with: key))
            return
        }
        let body: JSON = [
            "name": .string(self.name), "groups": .array(self.group.map(JSON.string)), "validFor": .string(self.signing.validFor),
        ]
        print(try await self.signing.connection.client().post("/tokens/user", body))
    }
}

struct GenerateSigningKey: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signing-key", abstract: "Make an RSA key that signs tokens.",
        discussion: """
            Example: rotate the key of zone tokens
              egretctl generate signing-key > key.pem
              printf 'type: GlobalSecret\\nname: zone-token-signing-key-2\\ndata: %s\\n' "$(base64 -w0 key.pem)" | egretctl apply -f -
            """)

    func run() throws {
        do { print(try SigningKey(id: "1").pem, terminator: "") } catch { throw CLIFailure("\(error)") }
    }
}

struct GeneratePublicKey: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "public-key", abstract: "Print the public half of a signing key.")

    @Option(help: "File with the signing key.") var signingKeyPath: String

    func run() throws {
        guard let data = FileManager.default.contents(atPath: self.signingKeyPath) else {
            throw CLIFailure("the signing key \(self.signingKeyPath) cannot be read")
        }
        do {
            let key = try SigningKey(id: "1", pem: String(decoding: data, as: UTF8.self), what: self.signingKeyPath)
            print(try key.verificationKey.pem, terminator: "")
        } catch { throw CLIFailure("\(error)") }
    }
}
