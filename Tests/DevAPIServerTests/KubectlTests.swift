import FoundationEssentials
import JSONModel
import Logging
import TestKit
import Testing

@testable import DevAPIServer

/// The real kubectl against the real server: every binary of `EGRET_KUBECTLS`, or the one in PATH.
@Suite(.serialized) struct KubectlTests {
    static let kubectls: [String] = {
        if let named = ProcessInfo.processInfo.environment["EGRET_KUBECTLS"] {
            return named.split(whereSeparator: { " :,".contains($0) }).map(String.init)
        }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/kubectl" }.filter { FileManager.default.isExecutableFile(atPath: $0) }.prefix(1).map { $0 }
    }()

    private static func withServer(_ body: @escaping @Sendable (_ kubeconfig: String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "egret-\(UUID().uuidString)").path
        let ready = AsyncStream<String>.makeStream()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let server = APIServer(options: APIServerOptions(dataDirectory: directory), logger: logger) { kubeconfig in
            ready.continuation.yield(kubeconfig)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.run()
                ready.continuation.finish()
            }
            var kubeconfigs = ready.stream.makeAsyncIterator()
            let kubeconfig = try #require(await kubeconfigs.next())
            try await body(kubeconfig)
            group.cancelAll()
        }
        try? FileManager.default.removeItem(atPath: directory)
    }

    @Test("kubectl applies, explains, shows, patches, scales, waits and deletes", arguments: Self.kubectls)
    func everyday(kubectl: String) async throws {
        try await Self.withServer { kubeconfig in
            let cache = "\(kubeconfig).cache"
            @Sendable func run(_ arguments: String..., input: String = "") async throws -> String {
                try await Command.output(kubectl, ["--kubeconfig", kubeconfig, "--cache-dir", cache] + arguments, input: input)
            }
            let manifest = Samples.deployment("web", replicas: 2).text
            #expect(try await run("apply", "-f", "-", input: manifest) == "deployment.apps/web created\n")
            #expect(try await run("apply", "-f", "-", input: manifest) == "deployment.apps/web unchanged\n")
            let newer = Samples.deployment("web", image: "egret-dp:2", replicas: 2).text
            #expect(try await run("apply", "-f", "-", input: newer) == "deployment.apps/web configured\n")
            #expect(try await run("get", "deploy", "web").contains("0/2"))
            #expect(try await run("explain", "deploy.spec").contains("progressDeadlineSeconds"))
            #expect(try await run("patch", "deploy", "web", "-p", #"{"metadata":{"labels":{"a":"b"}}}"#).contains("patched"))
            #expect(try await run("scale", "deploy/web", "--replicas=3").contains("scaled"))
            #expect(
                try await run("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}{.spec.template.spec.containers[0].image}")
                    == "3egret-dp:2")
            let refused = try await Command.run(
                kubectl, ["--kubeconfig", kubeconfig, "--cache-dir", cache, "apply", "-f", "-"],
                input: manifest.replacing("image", with: "imaje"))
            #expect(refused.status != 0 && refused.errors.contains("unknown field"))
            #expect(try await run("apply", "--server-side", "-f", "-", "--force-conflicts", input: manifest).contains("serverside-applied"))
            #expect(try await run("diff", "-f", "-", input: manifest) == "")
            #expect(try await run("create", "configmap", "c", "--from-literal=a=b").contains("configmap/c created"))
            #expect(try await run("delete", "deploy/web", "configmap/c", "--wait=true").contains("deleted"))
            #expect(try await run("get", "all", "-n", "kube-system") == "")
        }
    }

    @Test("kubectl works with custom resources", arguments: Self.kubectls)
    func custom(kubectl: String) async throws {
        try await Self.withServer { kubeconfig in
            @Sendable func run(_ arguments: String..., input: String = "") async throws -> String {
                try await Command.output(
                    kubectl, ["--kubeconfig", kubeconfig, "--cache-dir", "\(kubeconfig).cache"] + arguments, input: input)
            }
            _ = try await run("apply", "-f", "-", input: Samples.definition.text)
            _ = try await run("wait", "--for=condition=Established", "crd/widgets.example.com")
            _ = try await run("apply", "--server-side", "-f", "-", input: Samples.widget("w", ["size": 3]).text)
            let line = try #require(try await run("get", "wg", "--no-headers").split(separator: "\n").first)
            #expect(line.split(separator: " ").prefix(2) == ["w", "3"])
            #expect(try await run("explain", "widget.spec").contains("colour"))
            _ = try await run("scale", "wg/w", "--replicas=4")
            #expect(try await run("get", "wg", "w", "-o", "jsonpath={.spec.replicas}") == "4")
        }
    }
}

@Suite struct StartTests {
    private static func run(_ options: APIServerOptions) async throws {
        try await APIServer(options: options, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })).run()
    }

    @Test("a directory that cannot be made ends the start with a sentence")
    func directory() async throws {
        let failure = await #expect(throws: StartFailure.self) {
            try await Self.run(APIServerOptions(dataDirectory: "/proc/nowhere/at/all"))
        }
        #expect(failure?.description.contains("cannot write into /proc/nowhere/at/all") == true)
    }

    @Test("an address that is not ours ends the start with a sentence, and leaves no files")
    func address() async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "egret-\(UUID().uuidString)").path
        let failure = await #expect(throws: StartFailure.self) {
            try await Self.run(APIServerOptions(address: "192.0.2.1", port: 1, dataDirectory: directory))
        }
        #expect(failure?.description.hasPrefix("cannot listen on 192.0.2.1:1") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
        try FileManager.default.removeItem(atPath: directory)
    }
}
