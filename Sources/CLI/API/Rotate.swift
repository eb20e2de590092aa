import ArgumentParser
import FoundationEssentials
import JSONModel
import MeshModel

struct Rotate: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Replace what expires or has leaked.", subcommands: [RotateAuthority.self])
}

struct RotateAuthority: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ca", abstract: "Take the next step of replacing a mesh's builtin certificate authority.",
        discussion: """
            Call it three times: the first makes the new authority and has both trusted, the second has the new one sign, the third \
            ends trust in the old one. Each step looks first whether all connected proxies are ready for it, and refuses otherwise: \
            they say themselves whom they trust and whose certificate they have. \
            No connection is cut.

            Example:
              egretctl rotate ca --mesh default
            """)

    @Option(help: "The mesh.") var mesh = "default"
    @Flag(help: "Take the step although proxies are not ready for it: those may distrust others for a while.") var force = false
    @OptionGroup var connection: ConnectionOptions

    func validate() throws { try ResourceKind.check(name: nil, mesh: self.mesh) }

    private struct Place {
        /// Which of the list, and as it is.
        var backend: Int
        var json: JSON
        var generations: [Int]
    }

    func run() async throws {
        let client = try self.connection.client()
        var mesh = try await client.get("/meshes/\(self.mesh)")
        let place = try self.place(mesh)
        let step = RotationStep(from: place.generations)
        if !self.force {
            let overviews =
                try await client.list("/zoneegresses/_overview") + client.list("/meshes/\(self.mesh)/dataplanes/_overview")
            let obstacles = step.obstacles(overviews, mesh: self.mesh)
            if !obstacles.isEmpty {
                throw CLIFailure(
                    "it is too early for the next step:\n" + obstacles.map { "  \($0)" }.joined(separator: "\n")
                        + "\nWait and repeat the command, or use --force")
            }
        }
        let generations = JSON.array(step.generations.map { JSON($0) })
        // On Kubernetes a Mesh is kubectl's.
        if try await client.get("/")["environment"] == "kubernetes" {
            let (path, value) = Self.addition(to: place.json, generations)
            let patch: JSON = [["op": "add", "path": .string("/spec/mtls/backends/\(place.backend)\(path)"), "value": value]]
            print("kubectl patch mesh \(self.mesh) --type=json -p '\(patch.text)'")
            return
        }
        var backend = place.json
        backend.set(["conf", "caCert", "generations"], to: generations)
        var backends = mesh.at("mtls", "backends")?.array ?? []
        backends[place.backend] = backend
        mesh.set(["mtls", "backends"], to: .array(backends))
        _ = try await client.put("/meshes/\(self.mesh)", mesh)
        print("mesh \(self.mesh): \(step.sentence)")
    }

    /// A JSON patch adds to what is there only.
    private static func addition(to backend: JSON, _ generations: JSON) -> (path: String, value: JSON) {
        if backend["conf"] == nil { return ("/conf", ["caCert": ["generations": generations]]) }
        if backend.at("conf", "caCert") == nil { return ("/conf/caCert", ["generations": generations]) }
        return ("/conf/caCert/generations", generations)
    }

    private func place(_ mesh: JSON) throws(CLIFailure) -> Place {
        let enabled = mesh.at("mtls", "enabledBackend")?.string ?? ""
        let backends = mesh.at("mtls", "backends")?.array ?? []
        guard !enabled.isEmpty, let index = backends.firstIndex(where: { $0["name"]?.string == enabled }) else {
            throw CLIFailure("mesh \(self.mesh) has no mTLS, so there is no authority to rotate")
        }
        guard backends[index]["type"] == "builtin" else {
            throw CLIFailure(
                "the authority \(enabled) of mesh \(self.mesh) is provided by you: add the new certificate to conf.cert, then replace "
                    + "conf.key, then take the old certificate out, and give proxies time in between")
        }
        let generations = backends[index].at("conf", "caCert", "generations")?.array?.compactMap(\.int) ?? [1]
        return Place(backend: index, json: backends[index], generations: generations.isEmpty ? [1] : generations)
    }
}
