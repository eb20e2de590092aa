extension ClientHello {
    /// Reads the body of the handshake message (RFC 8446 section 4.1.2), without its type and length:
    ///
    ///     2   legacy_version             3.1 to 3.4; 3.0 is SSL 3, which nobody may answer (section D.5)
    ///     32  random
    ///     1+n legacy_session_id          0 to 32 bytes
    ///     2+n cipher_suites              2 bytes each, at least one
    ///     1+n legacy_compression_methods null among them, and null alone where TLS 1.3 is offered
    ///     2+n extensions                 absent in hellos before TLS 1.2
    ///
    /// Nothing may follow.
    /// - parameter refusedName: Where the hello is refused for its name, that name as it came; otherwise left alone.
    init(message bytes: Span<UInt8>, body: Range<Int>, refusedName: inout [UInt8]) throws(HelloRefusal) {
        var reader = FieldReader(body)
        let version = try reader.uint16(bytes)
        guard 0x0301...0x0304 ~= version else { throw .malformed }
        _ = try reader.take(32)
        guard try reader.vector8(bytes).count <= 32 else { throw .malformed }
        let suites = try reader.vector16(bytes)
        guard suites.count >= 2, suites.count % 2 == 0 else { throw .malformed }
        let compression = try reader.vector8(bytes)
        var hasNull = false
        for index in compression where bytes[index] == 0 { hasNull = true }
        guard hasNull else { throw .malformed }
        guard !reader.isAtEnd else { throw .noServerName }
        let extensions = try reader.vector16(bytes)
        guard reader.isAtEnd else { throw .malformed }

        var facts = ExtensionFacts()
        try facts.read(bytes, extensions)
        let versions = facts.versions ?? TLSVersions(upTo: version)
        guard compression.count == 1 || !versions.contains(.tls13) else { throw .malformed }
        // Names come last: broken bytes are always called broken.
        guard let range = facts.nameRange else { throw facts.nameRefusal ?? .noServerName }
        let serverName: ServerName
        do throws(HelloRefusal) {
            if let refusal = facts.nameRefusal { throw refusal }
            serverName = try ServerName(bytes, range)
        } catch {
            for index in range.prefix(ServerName.maxLength) { refusedName.append(bytes[index]) }
            throw error
        }
        self.init(
            serverName: serverName, alpn: facts.alpn ?? ALPNOffer(), ech: facts.ech, versions: versions,
            hasPostQuantumKeyShare: facts.hasPostQuantumKeyShare)
    }
}

extension TLSVersions {
    /// Without `supported_versions`, `legacy_version` is the highest of all the client speaks, TLS 1.2 at most.
    fileprivate init(upTo legacyVersion: Int) {
        self = []
        if legacyVersion >= 0x0301 { self.insert(.tls10) }
        if legacyVersion >= 0x0302 { self.insert(.tls11) }
        if legacyVersion >= 0x0303 { self.insert(.tls12) }
    }
}
