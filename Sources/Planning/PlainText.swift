import MeshModel
import Routing

extension World {
    /// Whether a proxy has to do with plain text only. In a permissive mesh it does while there is no authority yet.
    func isPlain(_ proxy: ProxyID, in mesh: Mesh) -> Bool {
        mesh.backend == nil || (self.observed.trust[mesh.name] == nil && self.isWithoutCertificate(proxy, of: mesh))
    }

    /// While a mesh is permissive, workloads of its zone are called in plain text until their proxies have said that they have a
    /// certificate, as in Kuma: mTLS can be switched on under traffic. (A caller's proxy waits for its own certificate before it
    /// takes a new table into service.)
    ///
    /// Where there is an authority, who has said nothing yet is taken to have one. A control plane that has just started has heard
    /// from nobody, and what was encrypted stays so.
    private func isWithoutCertificate(_ proxy: ProxyID, of mesh: Mesh) -> Bool {
        guard mesh.backend?.mode == .permissive else { return false }
        guard let said = self.observed.acknowledgements[proxy] else { return self.observed.trust[mesh.name] == nil }
        return !said.certified.contains(mesh.name.text)
    }

    /// Whether an inbound of a permissive mesh is to be called in plain text: its proxy is not ready for more, or there is no place
    /// for one.
    func takesPlainText(_ inbound: Dataplane.Inbound, at place: ProxyPlace, _ address: String, in mesh: Mesh) -> Bool {
        guard mesh.backend?.mode == .permissive else { return false }
        return self.workload(of: inbound, at: inbound.address ?? address) == nil || self.isWithoutCertificate(place.id, of: mesh)
    }

    /// Endpoints of a service with what is spoken to those of this zone.
    func spoken(_ endpoints: [Endpoint], of service: String, in mesh: Mesh) -> [Endpoint] {
        let inbounds = self.localInbounds[mesh.name]?[service] ?? []
        let plain = Set(inbounds.filter(\.takesPlainText).map { "\($0.address):\($0.port)" })
        if plain.isEmpty { return endpoints }
        return endpoints.map { endpoint in
            guard plain.contains("\(endpoint.address):\(endpoint.port)") else { return endpoint }
            var endpoint = endpoint
            endpoint.tls = UpstreamTLS.none
            return endpoint
        }
    }
}
