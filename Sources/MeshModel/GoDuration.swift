/// Durations as command lines and tokens write them, in the form of Go's `time.ParseDuration`: `720h`, `1h30m`, `250ms`.
package enum GoDuration {
    /// Nil when the text has another form or does not fit. Whole numbers only; a day (`d`) is 24 hours.
    package static func parse(_ text: String) -> Duration? {
        var rest = text[...]
        var total = Duration.zero
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let count = Int64(digits), let factor = Self.milliseconds[String(unit)] else { return nil }
            let (part, overflow) = count.multipliedReportingOverflow(by: factor)
            // A hundred years are enough for every sum of parts to fit.
            guard !overflow, part <= 100 * 365 * 86_400_000 else { return nil }
            total += .milliseconds(part)
        }
        return total
    }

    private static let milliseconds: [String: Int64] = [
        "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
    ]
}
