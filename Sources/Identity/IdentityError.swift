/// Why a certificate, key or request was not accepted. Two errors are equal when their codes are: the sentence is for people.
/// Never carries key material.
package struct IdentityError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable {
        /// Not PEM, or PEM of something else.
        case malformed
        /// The certificate and the private key do not belong together.
        case keyMismatch = "key_mismatch"
        /// The certificate may not sign others.
        case notAnAuthority = "not_an_authority"
        /// Outside its time of validity.
        case expired
        /// A key type or size we do not sign or sign with.
        case unsupportedKey = "unsupported_key"
        /// A signing request without a good signature of its own key.
        case badSignature = "bad_signature"
        /// A signing request for another name than the one allowed.
        case wrongName = "wrong_name"
        /// A signing request that another proxy made, or nobody says who.
        case wrongHolder = "wrong_holder"
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { self.message }
}

extension IdentityError: Equatable {
    package static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}
