/// How names are resolved. Defaults are the product's.
package struct ResolverPolicy: Sendable {
    package var resolvConf = "/etc/resolv.conf"
    package var hosts = "/etc/hosts"
    /// Of the DNS servers; 0 is 53.
    package var port: UInt16 = 0
    /// For the first try of one question; each further one has twice the time.
    package var timeout = Duration.seconds(1)
    /// Per server.
    package var tries = 3
    /// A TTL below is taken for this: even a name with TTL 0 is not asked for at every connection.
    package var shortest = Duration.seconds(1)
    /// A TTL beyond is taken for this.
    package var longest = Duration.seconds(300)
    /// How long "there is no such name" or a failure holds before the next question.
    package var negative = Duration.seconds(5)
    /// How long the faster family's answer waits for the other's (RFC 8305 section 3, Resolution Delay).
    package var familyDelay = Duration.milliseconds(50)
    /// Who has an old answer waits this long for a new one (RFC 8767 section 5 has 1.8 s).
    package var staleDelay = Duration.seconds(1)
    /// Names nobody has asked for that long are forgotten.
    package var memory = Duration.seconds(3600)

    package init() {}
}
