import FoundationEssentials
import JSONModel
import KubeAPI
import KubeRuntime
import TestServer
import Testing

@Suite("Exec plugins", .timeLimit(.minutes(1)))
struct ExecPluginTests {
    /// Runs `body` with a client whose credentials come from a shell script, through a real kubeconfig.
    private func with(
        _ script: String, exec: String = "", answer: @escaping ScriptedServer.Script = { _, reply in try await reply.answer(json: "{}") },
        _ body: (KubeClient, ScriptedServer, TemporaryFolder) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        try folder.write("plugin", "#!/bin/sh\n\(script)\n", isExecutable: true)
        try await ScriptedServer.with(script: answer) { server in
            try folder.write(
                "config",
                """
                current-context: main
                clusters: [{name: c, cluster: {server: '\(server.url)'}}]
                contexts: [{name: main, context: {cluster: c, user: u}}]
                users:
                - name: u
                  user:
                    exec:
                      apiVersion: client.authentication.k8s.io/v1
                      command: ./plugin
                      interactiveMode: IfAvailable
                      \(exec)
                """)
            let config = try ClusterConfig.load(file: "\(folder.path)/config", environment: [:])
            try await body(KubeClient(config, userAgent: "t"), server, folder)
        }
    }

    private static func credential(_ status: String) -> String {
        "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":\(status)}"
    }

    @Test("The program gets its arguments, environment and cluster, and its token is used until it expires")
    func token() async throws {
        let script = """
            echo run >> "$(dirname "$0")/runs"
            echo "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"
            echo '\(Self.credential("{\"token\":\"TOKEN\"}"))' | sed "s/TOKEN/$1-$WHO/"
            """
        try await self.with(script, exec: "args: [a]\n      env: [{name: WHO, value: me}]\n      provideClusterInfo: true") {
            client, server, folder in
            _ = try await client.get(.pods, "p")
            _ = try await client.get(.pods, "p")
            #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer a-me", "Bearer a-me"])
            #expect(try String(contentsOfFile: "\(folder.path)/runs", encoding: .utf8) == "run\n")
            let info = try JSON(parsing: String(contentsOfFile: "\(folder.path)/info", encoding: .utf8))
            #expect(info["apiVersion"] == "client.authentication.k8s.io/v1" && info["kind"] == "ExecCredential")
            #expect(info.at("spec", "interactive") == false)
            #expect(info.at("spec", "cluster", "server") == .string(server.url))
        }
    }

    @Test("An expired credential is fetched again, once for all who ask at the same time")
    func expiry() async throws {
        let script = """
            echo run >> "$(dirname "$0")/runs"
            echo '\(Self.credential("{\"token\":\"t\",\"expirationTimestamp\":\"2000-01-01T00:00:00Z\"}"))'
            """
        try await self.with(script) { client, _, folder in
            _ = try await client.get(.pods, "p")
            _ = try await client.get(.pods, "p")
            #expect(try String(contentsOfFile: "\(folder.path)/runs", encoding: .utf8) == "run\nrun\n")
        }
    }

    @Test("A refused credential is fetched again once")
    func refused() async throws {
        let script = """
            echo x >> "$(dirname "$0")/runs"
            echo '\(Self.credential("{\"token\":\"COUNT\"}"))' | sed "s/COUNT/$(wc -l < "$(dirname "$0")/runs" | tr -d ' ')/"
            """
        try await self.with(
            script,
            answer: { request, reply in
                try await reply.answer(request.headers["authorization"] == "Bearer 2" ? 200 : 401, "{}")
            }
        ) { client, server, _ in
            _ = try await client.get(.pods, "p")
            #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer 1", "Bearer 2"])
        }
    }

    /// What a plugin does, and words that must be in the sentence about it.
    private static let broken: [(String, [String])] = [
        ("echo 'log in first' >&2; exit 3", ["plugin failed", "3", "log in first"]),
        ("echo nonsense", ["printed no ExecCredential"]),
        ("echo '{\"kind\":\"Pod\"}'", ["printed no ExecCredential"]),
        (
            "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"s3cret\"}}'",
            ["v1beta1", "make them equal"]
        ),
        ("echo '\(credential("{}"))'", ["neither a token nor a client certificate"]),
        ("echo '\(credential("{\"clientCertificateData\":\"s3cret\"}"))'", ["a client certificate or a key without the other"]),
        ("kill -9 $$", ["plugin failed"]),
    ]

    @Test("What goes wrong with a plugin is one sentence, without what it printed", arguments: broken)
    func failures(script: String, words: [String]) async throws {
        try await self.with(script) { client, server, _ in
            let error = await #expect(throws: KubeError.self) { try await client.get(.pods, "p") }
            for word in words { #expect(error?.description.contains(word) == true, "\(error?.description ?? "")") }
            #expect(error?.description.contains("s3cret") == false)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("A program that is not there is said to be missing, with the hint of whoever wrote the kubeconfig")
    func missing() async throws {
        for (command, hint) in [("egret-no-such-plugin", "get it from example.org"), ("/nowhere/plugin", "")] {
            let plugin = ExecPlugin(command: command, installHint: hint)
            let client = KubeClient(ClusterConfig(server: "http://127.0.0.1:1", credential: .plugin(plugin)), userAgent: "t")
            let error = await #expect(throws: KubeError.self) { try await client.get(.pods, "p") }
            let expected = hint.isEmpty ? "install it or correct exec.command" : hint
            #expect(
                error?.description
                    == "the credential plugin \(command) is not there: \(expected)\(hint.isEmpty ? " in the kubeconfig" : "")")
        }
    }
}
