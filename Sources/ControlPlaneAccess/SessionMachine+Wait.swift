package import ConfigSync

extension SessionMachine {
    /// Waits, but not longer than until the token or the CA changes.
    package static func pause(_ time: Duration, credentialsOf address: ControlPlaneAddress) async -> SessionMachine.Input {
        let before = address.credentials
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            do {
                try await Task.sleep(for: min(.seconds(1), ContinuousClock.now.duration(to: end)))
            } catch {
                return .waited
            }
            if address.credentials != before { return .credentialsChanged }
        }
        return .waited
    }
}
