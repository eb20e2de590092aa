/// Durations as resources write them: one whole number and one unit of `y w d h m s ms`.
package enum KumaDuration {
    package static let pattern = "^([0-9]+)(y|w|d|h|m|s|ms)$"

    /// Nil when the text has another form or does not fit. A year is 365 days.
    package static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits) else { return nil }
        let milliseconds: Int64
        switch text.dropFirst(digits.count) {
        case "ms": milliseconds = 1
        case "s": milliseconds = 1000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        case "d": milliseconds = 86_400_000
        case "w": milliseconds = 7 * 86_400_000
        case "y": milliseconds = 365 * 86_400_000
        default: return nil
        }
        let (total, overflow) = count.multipliedReportingOverflow(by: milliseconds)
        return overflow ? nil : .milliseconds(total)
    }
}
