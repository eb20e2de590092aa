/// Extension numbers of the IANA registry that we read.
private enum Extension {
    static let serverName = 0
    static let alpn = 16
    static let supportedVersions = 43
    static let keyShare = 51
    static let encryptedClientHello = 0xFE0D
}

extension ClientHello {
    /// Reads the body of the handshake message (RFC 8446 section 4.1.2), without its type and length:
    ///
    ///     2   legacy_version             major 3
    ///     32  random
    ///     1+n legacy_session_id          0 to 32 bytes
    ///     2+n cipher_suites              2 bytes each, at least one
    ///     1+n legacy_compression_methods at least one
    ///     2+n extensions                 absent in hellos before TLS 1.2
    ///
    /// Nothing may follow.
    init(message bytes: Span<UInt8>, body: Range<Int>) throws(HelloRefusal) {
        var reader = FieldReader(body)
        let version = try reader.uint16(bytes)
        guard version >> 8 == 3 else { throw .malformed }
        _ = try reader.take(32)
        guard try reader.vector8(bytes).count <= 32 else { throw .malformed }
        let suites = try reader.vector16(bytes)
        guard suites.count >= 2, suites.count % 2 == 0 else { throw .malformed }
        guard try !reader.vector8(bytes).isEmpty else { throw .malformed }
        guard !reader.isAtEnd else { throw .noServerName }
        let extensions = try reader.vector16(bytes)
        guard reader.isAtEnd else { throw .malformed }

        var facts = ExtensionFacts()
        try facts.read(bytes, extensions)
        guard let serverName = facts.serverName else { throw .noServerName }
        self.init(
            serverName: serverName, alpn: facts.alpn ?? ALPNOffer(), ech: facts.ech,
            versions: facts.versions ?? TLSVersions(upTo: version), hasPostQuantumKeyShare: facts.hasPostQuantumKeyShare ?? false)
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

/// What the extensions said. An extension that we read and that comes twice is malformed (RFC 8446 section 4.2); those we
/// pass over are the server's to judge.
private struct ExtensionFacts {
    var serverName: ServerName?
    var alpn: ALPNOffer?
    var ech = EncryptedClientHello.none
    var versions: TLSVersions?
    var hasPostQuantumKeyShare: Bool?

    /// A list of
    ///
    ///     2   extension_type
    ///     2+n extension_data
    ///
    /// A refusable name is reported only when the rest holds together, so that broken bytes are always called broken.
    mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HelloRefusal) {
        var reader = FieldReader(range)
        var nameRefusal: HelloRefusal?
        var hasServerName = false
        while !reader.isAtEnd {
            let type = try reader.uint16(bytes)
            let data = try reader.vector16(bytes)
            switch type {
            case Extension.serverName:
                if hasServerName { throw .duplicateServerName }
                hasServerName = true
                let name = try Self.hostName(bytes, data)
                do { self.serverName = try ServerName(bytes, name) } catch { nameRefusal = error }
            case Extension.alpn:
                guard self.alpn == nil else { throw .malformed }
                self.alpn = try Self.protocols(bytes, data)
            case Extension.supportedVersions:
                guard self.versions == nil else { throw .malformed }
                self.versions = try Self.versions(bytes, data)
            case Extension.keyShare:
                guard self.hasPostQuantumKeyShare == nil else { throw .malformed }
                self.hasPostQuantumKeyShare = try Self.postQuantumShare(bytes, data)
            case Extension.encryptedClientHello:
                guard self.ech == .none else { throw .malformed }
                var fields = FieldReader(data)
                switch try fields.uint8(bytes) {
                case 0: self.ech = .outer
                case 1: self.ech = .inner
                default: throw .malformed
                }
            default: break
            }
        }
        if let nameRefusal { throw nameRefusal }
    }

    /// RFC 6066 section 3:
    ///
    ///     2   server_name_list length
    ///     1   name_type          0 = host_name, the only one there is
    ///     2+n HostName
    private static func hostName(_ bytes: Span<UInt8>, _ data: Range<Int>) throws(HelloRefusal) -> Range<Int> {
        var fields = FieldReader(data)
        let list = try fields.vector16(bytes)
        guard fields.isAtEnd else { throw .malformed }
        guard !list.isEmpty else { throw .emptyServerName }
        var names = FieldReader(list)
        guard try names.uint8(bytes) == 0 else { throw .malformed }
        let name = try names.vector16(bytes)
        if !names.isAtEnd {
            // A second name of the same type, or a type whose layout nobody defined.
            guard try names.uint8(bytes) == 0 else { throw .malformed }
            _ = try names.vector16(bytes)
            throw .duplicateServerName
        }
        return name
    }

    /// RFC 7301 section 3.1: a 2-byte length, then names behind 1-byte lengths, none empty.
    private static func protocols(_ bytes: Span<UInt8>, _ data: Range<Int>) throws(HelloRefusal) -> ALPNOffer {
        var fields = FieldReader(data)
        var names = FieldReader(try fields.vector16(bytes))
        guard fields.isAtEnd, !names.isAtEnd else { throw .malformed }
        var offer = ALPNOffer()
        while !names.isAtEnd {
            let name = try names.vector8(bytes)
            guard !name.isEmpty else { throw .malformed }
            offer.append(bytes, name)
        }
        return offer
    }

    /// RFC 8446 section 4.2.1: a 1-byte length, then versions of 2 bytes.
    private static func versions(_ bytes: Span<UInt8>, _ data: Range<Int>) throws(HelloRefusal) -> TLSVersions {
        var fields = FieldReader(data)
        var list = FieldReader(try fields.vector8(bytes))
        guard fields.isAtEnd, !list.isAtEnd else { throw .malformed }
        var versions: TLSVersions = []
        while !list.isAtEnd { versions.insert(TLSVersions(wireVersion: UInt16(try list.uint16(bytes)))) }
        return versions
    }

    /// RFC 8446 section 4.2.8: a 2-byte length, then
    ///
    ///     2   group
    ///     2+n key_exchange
    private static func postQuantumShare(_ bytes: Span<UInt8>, _ data: Range<Int>) throws(HelloRefusal) -> Bool {
        var fields = FieldReader(data)
        var shares = FieldReader(try fields.vector16(bytes))
        guard fields.isAtEnd else { throw .malformed }
        var isPostQuantum = false
        while !shares.isAtEnd {
            switch try shares.uint16(bytes) {
            // ML-KEM 512, 768, 1024; SecP256r1MLKEM768, X25519MLKEM768, SecP384r1MLKEM1024; X25519Kyber768Draft00.
            case 0x0200...0x0202, 0x11EB...0x11ED, 0x6399: isPostQuantum = true
            default: break
            }
            _ = try shares.vector16(bytes)
        }
        return isPostQuantum
    }
}
