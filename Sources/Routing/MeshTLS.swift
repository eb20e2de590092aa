import ClientHello

/// TLS between proxies of a mesh.
package enum MeshTLS {
    /// What its clients offer by ALPN (RFC 7301), Kuma's as ours. Servers select nothing of it.
    package static let alpn: StaticString = "kuma"
}

extension ClientHello {
    package var isOfMesh: Bool { self.alpn.offers(MeshTLS.alpn) }
}
