import Relay
import StaticConfig
import TLSRelay

extension RelayOptions {
    /// What the file sets; the rest stays as it is.
    mutating func take(_ settings: StaticSettings) {
        let times = settings.timeouts
        self.helloTimeout = times.hello ?? self.helloTimeout
        self.connectTimeout = times.connect ?? self.connectTimeout
        self.idleTimeout = times.idle ?? self.idleTimeout
        self.lingerTimeout = times.linger ?? self.lingerTimeout
        self.peerTimeout = times.peer ?? self.peerTimeout
        self.keepAliveInterval = times.keepAlive ?? self.keepAliveInterval
        self.maxHelloBytes = settings.maxHelloBytes ?? self.maxHelloBytes
        self.connectAttempts = settings.connectAttempts ?? self.connectAttempts
        self.recordAllowed = settings.accessLog != .refused
        self.bindsUnspecified = true
    }
}

extension TLSRelayOptions {
    mutating func take(_ settings: StaticSettings) {
        let times = settings.timeouts
        self.handshakeTimeout = times.handshake ?? self.handshakeTimeout
        self.connectTimeout = times.connect ?? self.connectTimeout
        self.idleTimeout = times.idle ?? self.idleTimeout
        self.peerTimeout = times.peer ?? self.peerTimeout
        self.keepAliveInterval = times.keepAlive ?? self.keepAliveInterval
        self.connectAttempts = settings.connectAttempts ?? self.connectAttempts
    }
}
