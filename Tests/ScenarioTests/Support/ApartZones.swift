import Foundation
import JSONModel
import TestKit
import Testing

/// Two zones of one global control plane, each on a machine of its own network: real programs, driven by egretctl.
///
/// Zone 1 has the proxy of `web` in each mesh, zone 2 that of `backend`, with an application behind it. The external service `partner`
/// is bound to zone 2. Both zones have two egresses and two ingresses, `a` and `b`.
struct ApartZones: Sendable {
    let internet: Internet
    let global: ControlPlaneProcess
    let one: ControlPlaneProcess
    let two: ControlPlaneProcess
    private let folder: String

    /// What runs, by names: `zone-1.egress-a`, `zone-2.backend-of-default`.
    struct Running: Sendable {
        let processes: [String: BackgroundProcess]
        let applications: [String: Application]
    }

    static func with(
        meshes: [String] = ["default"], _ body: @Sendable @escaping (ApartZones, Running) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/egret-apart-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let zones = ApartZones(folder: folder, internet: try await Internet.make())
        do {
            try await zones.global.run { _ in
                for zone in [zones.one, zones.two] { _ = try await zones.global.zoneToken(zone.name) }
                try await zones.one.run { _ in
                    try await zones.two.run { _ in
                        for mesh in meshes { try await zones.global.apply(Self.mesh(mesh)) }
                        try await zones.serve(meshes) { try await body(zones, $0) }
                    }
                }
            }
        } catch {
            print("\(error)\n\(TestLogs.account(of: zones.folder))")
            throw error
        }
    }

    private init(folder: String, internet: Internet) {
        func zone(_ place: Internet.Place) -> ControlPlaneProcess {
            ControlPlaneProcess(
                place.rawValue, folder: folder, in: internet[place],
                [
                    "--zone", place.rawValue, "--global-address", "https://\(Internet.Place.global.address):5685",
                    "--global-token-file", "\(folder)/\(place.rawValue).token",
                ])
        }
        self.folder = folder
        self.internet = internet
        self.global = ControlPlaneProcess("global", folder: folder, in: internet[.global], ["--role", "global"])
        self.one = zone(.one)
        self.two = zone(.two)
    }

    func controlPlane(of zone: Internet.Place) -> ControlPlaneProcess { zone == .one ? self.one : self.two }

    private static func mesh(_ name: String) -> String {
        """
        type: Mesh
        name: \(name)
        mtls: {enabledBackend: ca-1, backends: [{name: ca-1, type: builtin}]}
        routing: {zoneEgress: true}
        ---
        type: MeshTrafficPermission
        mesh: \(name)
        name: web
        spec:
          targetRef: {kind: Mesh}
          from: [{targetRef: {kind: MeshService, name: web}, default: {action: Allow}}]
        """
    }

    // MARK: Proxies

    private func serve(_ meshes: [String], _ body: @Sendable (Running) async throws -> Void) async throws {
        var (proxies, applications): ([Program], [String: Application]) = ([], [:])
        for zone in [Internet.Place.one, .two] {
            for letter in ["a", "b"] {
                for kind in ["egress", "ingress"] { proxies.append(try await self.zoneProxy(kind, letter, zone)) }
            }
        }
        for (number, mesh) in meshes.enumerated() {
            let (backend, partner) = try await self.internet[.two].run {
                (try Application("backend of \(mesh)"), try Application("partner of \(mesh)", address: "10.2.9.\(number + 1)"))
            }
            (applications["backend of \(mesh)"], applications["partner of \(mesh)"]) = (backend, partner)
            try await self.global.apply(
                """
                type: ExternalService
                mesh: \(mesh)
                name: partner-of-\(mesh)
                tags: {kuma.io/service: partner, kuma.io/protocol: tcp, kuma.io/zone: zone-2}
                networking: {address: "10.2.9.\(number + 1):\(partner.port)"}
                """)
            let web = Self.web(number)
            proxies += [
                try await self.dataplane(
                    "web", mesh, .one, number,
                    """
                    {address: \(web), inbound: [{port: 8080, tags: {kuma.io/service: web}}], outbound: [
                      {address: \(web), port: 10080, tags: {kuma.io/service: backend}},
                      {address: \(web), port: 10081, tags: {kuma.io/service: partner}}]}
                    """),
                try await self.dataplane(
                    "backend", mesh, .two, number,
                    "{address: 10.2.2.\(number + 1), inbound: [{port: 8080, servicePort: \(backend.port), tags: {kuma.io/service: backend}}]}"
                ),
            ]
        }
        let started = applications
        try await self.running(proxies) { processes in
            for (number, mesh) in meshes.enumerated() {
                for port in [10080, 10081] {
                    try await eventually("web of \(mesh) reaches zone-2 at \(port)") {
                        try await self.curl(.one, "http://\(Self.web(number)):\(port)/").status == 0 ? true : nil
                    }
                }
            }
            try await body(Running(processes: processes, applications: started))
        }
    }

    /// Where the application `web` of a mesh calls others: `backend` at port 10080, `partner` at 10081.
    static func web(_ number: Int = 0) -> String { "10.1.2.\(number + 1)" }

    /// Admin servers of egresses have the ports 9901 and 9902, those of ingresses 9911 and 9912.
    func zoneProxy(_ kind: String, _ letter: String, _ zone: Internet.Place) async throws -> Program {
        let number = letter == "a" ? 1 : 2
        let resource =
            kind == "egress"
            ? "{type: ZoneEgress, name: egress-\(letter), networking: {address: \(zone.inside).1.\(number), port: 10002}}"
            : """
            {type: ZoneIngress, name: ingress-\(letter), networking: {address: \(zone.address), port: \(10000 + number), \
            advertisedAddress: \(zone.address), advertisedPort: \(10000 + number)}}
            """
        let token = try await self.controlPlane(of: zone).egretctl("generate", "zone-token", "--scope", kind, "--valid-for", "1h")
        return self.proxy(kind, "\(kind)-\(letter)", zone, admin: (kind == "egress" ? 9900 : 9910) + number, resource, token)
    }

    /// Admin servers have ports from 9921 on, in the order of meshes.
    private func dataplane(
        _ service: String, _ mesh: String, _ zone: Internet.Place, _ number: Int, _ networking: String
    ) async throws -> Program {
        // For a mesh that has come from above.
        let token = try await eventually("\(zone.rawValue) makes a token for \(mesh)") {
            try await self.controlPlane(of: zone).egretctl(
                "generate", "dataplane-token", "--mesh", mesh, "--tag", "kuma.io/service=\(service)", "--valid-for", "1h")
        }
        return self.proxy(
            "dataplane", "\(service)-of-\(mesh)", zone, admin: 9921 + number,
            "{type: Dataplane, mesh: \(mesh), name: \(service)-1, networking: \(networking)}", token)
    }

    private func proxy(
        _ type: String, _ name: String, _ zone: Internet.Place, admin: Int, _ resource: String, _ token: String
    ) -> Program {
        let file = "\(zone.rawValue).\(name)"
        return Program(
            name: file, place: zone,
            arguments: [
                "run", "--proxy-type=\(type)", "--cp-address=https://localhost:5678",
                "--dataplane-token-file=\(self.write(token, to: "\(file).token"))",
                "--dataplane-file=\(self.write(resource, to: "\(file).yaml"))", "--admin-port=\(admin)",
            ])
    }

    /// A proxy to be run.
    struct Program: Sendable {
        let name: String
        let place: Internet.Place
        let arguments: [String]
    }

    /// Runs proxies while `body` runs, which knows them by their names. They are killed afterwards, all at once.
    func running(_ programs: [Program], _ body: @Sendable ([String: BackgroundProcess]) async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            let (started, start) = AsyncStream<(name: String, process: BackgroundProcess)>.makeStream()
            for program in programs {
                group.addTask {
                    defer { start.finish() }
                    let (command, arguments) = self.internet[program.place].command(Repository.program("egret-dp"), program.arguments)
                    try await BackgroundProcess.with(command, arguments, logFile: "\(self.folder)/\(program.name).log") { process in
                        start.yield((program.name, process))
                        try await Task.sleep(for: .seconds(3600))
                    }
                }
            }
            var processes: [String: BackgroundProcess] = [:]
            for await one in started {
                processes[one.name] = one.process
                if processes.count == programs.count { break }
            }
            defer { group.cancelAll() }
            try await body(processes)
        }
    }

    // MARK: Questions

    func curl(_ place: Internet.Place, _ url: String, seconds: Int = 5) async throws -> CommandResult {
        let (command, arguments) = self.internet[place].command("curl", ["-sSf", "--max-time", "\(seconds)", url])
        return try await Command.run(command, arguments)
    }

    /// What the proxy with this admin port has let through.
    func allowed(_ place: Internet.Place, _ admin: Int) async throws -> Int {
        try await self.curl(place, "http://127.0.0.1:\(admin)/metrics").output.split(separator: "\n")
            .filter { $0.hasPrefix(#"egret_connections_total{verdict="allowed""#) }
            .reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
    }

    /// `address:port` of all endpoints that the proxy with this admin port has.
    func endpoints(_ place: Internet.Place, _ admin: Int) async throws -> Set<String> {
        let page = try JSON(parsing: try await self.curl(place, "http://127.0.0.1:\(admin)/clusters").output)
        return Set(
            (page.array ?? []).flatMap { $0["endpoints"]?.array ?? [] }.map { "\($0["address"]?.string ?? ""):\($0["port"]?.int ?? 0)" })
    }

    private func write(_ text: String, to name: String) -> String {
        let path = "\(self.folder)/\(name)"
        try? Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}
