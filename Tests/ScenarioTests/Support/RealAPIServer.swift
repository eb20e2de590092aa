import Foundation
import TestKit
import Testing

/// etcd and kube-apiserver of `KUBEBUILDER_ASSETS`, with our node: the reference that the development API is held to.
struct RealAPIServer: Sendable {
    let process: BackgroundProcess
    let kubeconfig: String
    let auditLog: String

    static func with(
        assets: String, directory: String, images: [String], _ body: @Sendable @escaping (RealAPIServer) async throws -> Void
    ) async throws {
        let blocks = try AddressBlocks.take()
        try await self.makeCertificates(in: directory, serviceAddress: blocks.serviceAddress)
        try Data(Self.auditPolicy.utf8).write(to: URL(fileURLWithPath: "\(directory)/audit-policy.yaml"))
        let etcd = try await RemoteService.freePort("127.0.0.1"), peers = try await RemoteService.freePort("127.0.0.1")
        let port = try await RemoteService.freePort("127.0.0.1")
        let kubeconfig = "\(directory)/kubeconfig"
        try Data(self.kubeconfig(directory, port).utf8).write(to: URL(fileURLWithPath: kubeconfig))
        try await blocks.whileLocal {
            try await BackgroundProcess.with(
                "\(assets)/etcd",
                [
                    "--data-dir=\(directory)/etcd", "--listen-client-urls=http://127.0.0.1:\(etcd)",
                    "--advertise-client-urls=http://127.0.0.1:\(etcd)", "--listen-peer-urls=http://127.0.0.1:\(peers)",
                    "--unsafe-no-fsync",
                ], logFile: "\(directory)/etcd.log"
            ) { _ in
                try await BackgroundProcess.with(
                    "\(assets)/kube-apiserver", self.arguments(directory, blocks, etcd: etcd, port: port),
                    logFile: "\(directory)/apiserver.log"
                ) { process in
                    try await eventually("the real API server answers", timeout: .seconds(120)) {
                        let ready = try await Command.run("kubectl", ["--kubeconfig", kubeconfig, "get", "--raw", "/readyz"])
                        return ready.status == 0 ? true : nil
                    }
                    try await BackgroundProcess.with(
                        Repository.program("egret-devcluster"),
                        ["node", "--kubeconfig", kubeconfig, "--dir", "\(directory)/node", "--pods", blocks.pods] + images,
                        logFile: "\(directory)/node.log"
                    ) { _ in
                        try await body(RealAPIServer(process: process, kubeconfig: kubeconfig, auditLog: "\(directory)/audit.log"))
                    }
                }
            }
        }
    }

    /// Who asked for what, without bodies; each request once.
    private static let auditPolicy = """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules:
        - level: Metadata

        """

    private static func arguments(_ directory: String, _ blocks: AddressBlocks, etcd: Int, port: Int) -> [String] {
        [
            "--etcd-servers=http://127.0.0.1:\(etcd)", "--bind-address=127.0.0.1", "--secure-port=\(port)",
            // Nobody calls it there. Without a word it asks the default route, and some machines have none.
            "--advertise-address=192.0.2.1",
            "--service-cluster-ip-range=\(blocks.services)", "--authorization-mode=RBAC", "--client-ca-file=\(directory)/ca.crt",
            "--tls-cert-file=\(directory)/server.crt", "--tls-private-key-file=\(directory)/server.key",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=\(directory)/server.key",
            "--service-account-signing-key-file=\(directory)/server.key", "--kubelet-client-certificate=\(directory)/admin.crt",
            "--kubelet-client-key=\(directory)/admin.key", "--kubelet-preferred-address-types=InternalIP",
            "--audit-policy-file=\(directory)/audit-policy.yaml", "--audit-log-path=\(directory)/audit.log",
        ]
    }

    private static func kubeconfig(_ directory: String, _ port: Int) -> String {
        """
        apiVersion: v1
        kind: Config
        clusters:
        - {name: test, cluster: {server: "https://127.0.0.1:\(port)", certificate-authority: \(directory)/ca.crt}}
        users:
        - {name: admin, user: {client-certificate: \(directory)/admin.crt, client-key: \(directory)/admin.key}}
        contexts:
        - {name: test, context: {cluster: test, user: admin}}
        current-context: test

        """
    }

    private static func makeCertificates(in directory: String, serviceAddress: String) async throws {
        func openssl(_ arguments: String...) async throws { try await Command.output("openssl", arguments) }
        func file(_ name: String) -> String { "\(directory)/\(name)" }
        try await openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test-ca", "-keyout", file("ca.key"), "-out",
            file("ca.crt"))
        for (name, subject, extensions) in [
            ("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:kubernetes.default.svc,IP:\(serviceAddress)"),
            ("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth"),
        ] {
            try Data("\(extensions)\n".utf8).write(to: URL(fileURLWithPath: file("\(name).ext")))
            try await openssl(
                "req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", file("\(name).key"), "-out", file("\(name).csr"))
            try await openssl(
                "x509", "-req", "-in", file("\(name).csr"), "-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days",
                "2",
                "-extfile", file("\(name).ext"), "-out", file("\(name).crt"))
        }
    }
}
