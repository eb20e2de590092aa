import KubeAPI
import MeshModel
import Routing

/// How much of an external server's certificate is verified, and whose choice that was. Everything, unless somebody said
/// otherwise in so many words.
struct Verification: Hashable {
    let level: ExternalTLS.Verification
    /// The field or annotation that says so; nil by default.
    let because: String?

    /// On an ExternalService without `caCert`, which 2.7 would not verify: `none` keeps to that. Universal resources have
    /// labels only, so there it is one.
    static let annotation = "egret.io/tls-verify"

    init(level: ExternalTLS.Verification, because: String?) {
        self.level = level
        self.because = because
    }

    init(_ object: KubeObject, _ service: ExternalService) {
        if service.tls?.ca == nil, Self.wish(object) == "none" {
            self.init(level: .none, because: "\(Self.annotation): none")
        } else if service.tls?.skipHostnameVerification == true {
            self.init(level: .chain, because: "networking.tls.skipHostnameVerification")
        } else {
            self.init(level: .full, because: nil)
        }
    }

    init(_ tls: MeshExternalService.TLS) {
        let because = tls.mode == .secured ? nil : "tls.verification.mode \(tls.mode.rawValue)"
        switch tls.mode {
        case .secured: self.init(level: .full, because: because)
        case .skipSAN: self.init(level: .chain, because: because)
        case .skipCA, .skipAll: self.init(level: .none, because: because)
        }
    }

    private static func wish(_ object: KubeObject) -> String? {
        object.metadata.annotations[self.annotation] ?? object.metadata.labels[self.annotation]
    }

    /// The annotation is there and does nothing: another value, TLS that is off, or a CA to verify by.
    static func ignores(_ object: KubeObject, _ service: ExternalService) -> Bool {
        guard let wish = self.wish(object) else { return false }
        return wish != "none" || service.tls == nil || service.tls?.ca != nil
    }

    var verdict: Verdict {
        switch self.level {
        case .full: .good(.accepted, "The server's certificate is verified, chain and name.")
        case .chain:
            .off(
                .notVerified,
                "The chain of the server's certificate is verified and its name is not (\(self.because ?? "")): any server of the same authorities passes. Next: remove it."
            )
        case .none:
            .off(
                .notVerified,
                "The server is not verified (\(self.because ?? "")): whoever answers gets the connections. Next: remove it, and set caCert if the server's authority is a private one."
            )
        }
    }
}
