import ConfigSync
import ControlPlaneAccess
import CurlTransport
import FoundationEssentials
import Identity
import JSONModel

/// The requests a proxy makes.
final class ControlPlaneClient: Sendable {
    let options: DataPlaneOptions
    let address: ControlPlaneAddress
    private let connection: ControlPlaneConnection

    init(options: DataPlaneOptions, address: ControlPlaneAddress, transport: CurlTransport, version: String) {
        self.options = options
        self.address = address
        self.connection = ControlPlaneConnection(
            address, transport: transport, userAgent: "egret-dp/\(version)",
            words: .init(token: "this proxy's token", peer: "the control plane", authorityFlag: "--ca-cert-file"))
    }

    typealias Failure = ControlPlaneConnection.Failure

    func openStream(have: String?) async throws(Failure) -> HTTPStream {
        try await self.connection.openStream(
            StreamRequest(
                proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh, instance: self.options.instance,
                have: have
            ).target)
    }

    /// Brings this proxy's own resource, where it has one.
    func register(atMost limit: Duration = .seconds(10)) async throws(Failure) {
        guard let resource = self.options.resource else { return }
        _ = try await self.connection.post(
            Registration.path,
            Registration(
                proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh, instance: self.options.instance,
                resource: resource),
            atMost: limit)
    }

    /// Asks that nobody is sent to this proxy any more.
    func withdraw() async throws(Failure) {
        _ = try await self.connection.post(
            Withdrawal.path,
            Withdrawal(
                proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh, instance: self.options.instance))
    }

    func answer(_ question: Question, _ text: String) async throws(Failure) {
        _ = try await self.connection.post(
            Answer.path,
            Answer(
                proxyType: self.options.proxyType, name: self.options.name, mesh: self.options.mesh, id: question.id, text: text))
    }

    func acknowledge(_ acknowledgement: Acknowledgement) async throws(Failure) {
        _ = try await self.connection.post(Acknowledgement.path, acknowledgement)
    }

    /// Has a signing request signed; returns the chain as PEM.
    func certificate(mesh: String, csr: String) async throws(Failure) -> String {
        let body = CertificateRequest(proxyType: self.options.proxyType, name: self.options.name, mesh: mesh, csr: csr)
        let answer = try await self.connection.post(CertificateRequest.path, body)
        do {
            return try JSONDecoder().decode(CertificateReply.self, from: Data(answer)).chain
        } catch {
            throw .unreachable("the control plane's answer to a certificate request makes no sense")
        }
    }
}
