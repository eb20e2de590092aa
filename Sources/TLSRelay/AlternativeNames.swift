import CNIOBoringSSL
import CNIOBoringSSLShims
import Routing

/// The subject alternative names of a certificate (RFC 5280 section 4.2.1.6), where one of several will do.
enum AlternativeNames {
    static func has(_ certificate: OpaquePointer, _ name: ExpectedName, or others: [NameMatch]) -> Bool {
        switch name {
        case .any: return true
        case .host(let host):
            let flags = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
            if X509_check_host(certificate, host, host.utf8.count, flags, nil) == 1 { return true }
        case .address(let bytes): if X509_check_ip(certificate, bytes, bytes.count, 0) == 1 { return true }
        case .either(let one, let more): if self.has(certificate, one, or: more) { return true }
        }
        return self.matches(certificate, others)
    }

    private static func matches(_ certificate: OpaquePointer, _ wanted: [NameMatch]) -> Bool {
        guard !wanted.isEmpty, let names = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return false }
        let stack = OpaquePointer(names)
        defer { GENERAL_NAMES_free(stack) }
        for index in 0..<CNIOBoringSSLShims_sk_GENERAL_NAME_num(stack) {
            guard let name = CNIOBoringSSLShims_sk_GENERAL_NAME_value(stack, index) else { continue }
            switch name.pointee.type {
            case GEN_DNS:
                let text = self.text(name.pointee.d.ia5).lowercased()
                if wanted.contains(where: { $0.isMet(by: text, as: $0.value.lowercased()) }) { return true }
            case GEN_URI:
                let text = self.text(name.pointee.d.ia5)
                if wanted.contains(where: { $0.isMet(by: text, as: $0.value) }) { return true }
            case GEN_IPADD:
                let bytes = self.bytes(name.pointee.d.ip)
                if wanted.contains(where: { !$0.isPrefix && IPEndpoint(address: $0.value, port: 0)?.addressBytes == bytes }) { return true }
            default: break
            }
        }
        return false
    }

    private static func bytes(_ text: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
        guard let text, let bytes = ASN1_STRING_get0_data(text) else { return [] }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(text))))
    }

    /// A name with a zero byte is another name than the one before it: compared whole, never as a C string.
    private static func text(_ text: UnsafePointer<ASN1_STRING>?) -> String { String(decoding: self.bytes(text), as: UTF8.self) }
}

extension NameMatch {
    fileprivate func isMet(by name: String, as value: String) -> Bool { self.isPrefix ? name.hasPrefix(value) : name == value }
}
