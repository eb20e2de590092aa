package import FoundationEssentials
package import X509

/// When to ask for the next certificate: once 4/5 of the life has passed, a little earlier by chance, so that many proxies
/// started together do not come back together.
package enum Renewal {
    /// The moment, in whole seconds.
    /// - Parameter jitter: 0..<1; moves the moment forward by up to a twentieth of the life. 0 gives exactly 4/5.
    package static func date(notBefore: Date, notAfter: Date, jitter: Double) -> Date {
        let life = max(0, notAfter.timeIntervalSince(notBefore))
        let earlier = life / 20 * min(max(jitter, 0), 1)
        return (notBefore + life * 4 / 5 - earlier).wholeSeconds
    }

    package static func date(of certificate: Certificate, jitter: Double) -> Date {
        self.date(notBefore: certificate.notValidBefore, notAfter: certificate.notValidAfter, jitter: jitter)
    }
}
