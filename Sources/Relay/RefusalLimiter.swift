import Routing

/// Bounds how many refusals are written down: so many per reason in a window of ten seconds. All are counted elsewhere.
struct RefusalLimiter {
    private struct Window {
        var start: Int64 = .min / 2
        var written = 0
        var suppressed = 0
    }

    private static let window: Int64 = 10_000_000_000
    private let limit: Int
    private var windows: [RefusalReason: Window] = [:]

    init(limit: Int) { self.limit = limit }

    /// Whether to write this one down: if so, how many were passed over since the last.
    mutating func permit(_ reason: RefusalReason, now: Int64) -> Int? {
        var window = self.windows[reason, default: Window()]
        defer { self.windows[reason] = window }
        if now - window.start >= Self.window {
            window.start = now
            window.written = 0
        }
        guard window.written < self.limit else {
            window.suppressed += 1
            return nil
        }
        window.written += 1
        defer { window.suppressed = 0 }
        return window.suppressed
    }
}
