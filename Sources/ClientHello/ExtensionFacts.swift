/// Extension numbers of the IANA registry that we read.
private enum Extension {
    static let serverName = 0
    static let alpn = 16
    static let preSharedKey = 41
    static let supportedVersions = 43
    static let keyShare = 51
    static let encryptedClientHello = 0xFE0D
}

/// What the extensions said.
///
/// No extension may come twice (RFC 8446 section 4.2), whether we read it or not: two readers of such a hello can believe
/// two things, and only one of them is the server.
struct ExtensionFacts {
    /// The first host name, judged by nobody yet.
    private(set) var nameRange: Range<Int>?
    /// What is wrong with the list of names, whatever is in it.
    private(set) var nameRefusal: HelloRefusal?
    private(set) var alpn: ALPNOffer?
    private(set) var ech = EncryptedClientHello.none
    private(set) var versions: TLSVersions?
    private(set) var hasPostQuantumKeyShare = false

    /// A list of
    ///
    ///     2   extension_type
    ///     2+n extension_data
    mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HelloRefusal) {
        var reader = FieldReader(range)
        var seen = SeenExtensions()
        while !reader.isAtEnd {
            let type = try reader.uint16(bytes)
            let data = try reader.vector16(bytes)
            guard seen.insert(UInt16(type)) else {
                guard type == Extension.serverName else { throw .malformed }
                self.nameRefusal = .duplicateServerName
                continue
            }
            switch type {
            case Extension.serverName: try self.readNames(bytes, data)
            case Extension.alpn: self.alpn = try Self.protocols(bytes, data)
            case Extension.supportedVersions: self.versions = try Self.versions(bytes, data)
            case Extension.keyShare: self.hasPostQuantumKeyShare = try Self.postQuantumShare(bytes, data)
            case Extension.encryptedClientHello: self.ech = try Self.encryptedHello(bytes, data)
            // RFC 8446 section 4.2.11: the last one, or its binders don't cover the hello.
            case Extension.preSharedKey: guard reader.isAtEnd else { throw .malformed }
            default: break
            }
        }
    }

    /// RFC 6066 section 3:
    ///
    ///     2   server_name_list length
    ///     1   name_type          0 = host_name
    ///     2+n HostName
    ///
    /// Types other than host_name were foreseen and never came; OpenSSL and BoringSSL refuse them too, so no client can
    /// send one and be served.
    private mutating func readNames(_ bytes: Span<UInt8>, _ data: Range<Int>) throws(HelloRefusal) {
        var fields = FieldReader(data)
        var names = FieldReader(try fields.vector16(bytes))
        guard fields.isAtEnd else { throw .malformed }
        if names.isAtEnd { self.nameRefusal = .emptyServerName }
        while !names.isAtEnd {
            guard try names.uint8(bytes) == 0 else { throw .malformed }
            let name = try names.vector16(bytes)
            if self.nameRange == nil { self.nameRange = name } else { self.nameRefusal = .duplicateServerName }
        }
    }

    /// RFC 9849 section 5: type 0 from clients, with
    ///
    ///     4   KDF and AEAD
    ///     1   config_id
    ///     2+n enc
    ///     2+n payload            at least 1 byte
    ///
    /// or type 1 and nothing else: the decrypted hello that a server in front sends on to the one behind.
    private static func encryptedHello(_ bytes: Span<UInt8>, _ data: Range<Int>) throws(HelloRefusal) -> EncryptedClientHello {
        var fields = FieldReader(data)
        switch try fields.uint8(bytes) {
        case 0:
            _ = try fields.take(5)
            _ = try fields.vector16(bytes)
            guard try !fields.vector16(bytes).isEmpty, fields.isAtEnd else { throw .malformed }
            return .outer
        case 1:
            guard fields.isAtEnd else { throw .malformed }
            return .inner
        default: throw .malformed
        }
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
