package import FoundationEssentials

/// RFC 3339 as Kubernetes writes it: `metav1.Time` in whole seconds, `metav1.MicroTime` (leases) with six digits.
extension Date {
    /// `2026-11-23T08:24:32Z`. The fraction is dropped, as the API server does.
    package var rfc3339: String { Self.text(seconds: self.wholeMicroseconds.seconds, fraction: nil) }

    /// `2026-11-23T08:24:32.000125Z`.
    package var rfc3339Micro: String {
        let (seconds, micros) = self.wholeMicroseconds
        return Self.text(seconds: seconds, fraction: micros)
    }

    /// Reads `date T time [.fraction] (Z | ±hh:mm)`. Nil for anything else.
    package init?(rfc3339 text: String) {
        var scanner = DigitScanner(text)
        guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2), scanner.skip("-"),
            let day = scanner.digits(2), scanner.skip("T") || scanner.skip("t") || scanner.skip(" "), let hour = scanner.digits(2),
            scanner.skip(":"), let minute = scanner.digits(2), scanner.skip(":"), let second = scanner.digits(2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction = 0.0
        if scanner.skip(".") {
            guard let value = scanner.fraction() else { return nil }
            fraction = value
        }
        var offset = 0
        if !(scanner.skip("Z") || scanner.skip("z")) {
            let sign = scanner.skip("-") ? -1 : scanner.skip("+") ? 1 : 0
            guard sign != 0, let hours = scanner.digits(2), scanner.skip(":"), let minutes = scanner.digits(2) else { return nil }
            offset = sign * (hours * 3600 + minutes * 60)
        }
        guard scanner.isAtEnd else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        self.init(timeIntervalSince1970: Double(days * 86400 + hour * 3600 + minute * 60 + second - offset) + fraction)
    }

    private var wholeMicroseconds: (seconds: Int, micros: Int) {
        // Rounded, because a decimal fraction read from text is rarely exact in binary.
        let total = (self.timeIntervalSince1970 * 1_000_000).rounded()
        let micros = Int(total.truncatingRemainder(dividingBy: 1_000_000))
        let seconds = Int((total / 1_000_000).rounded(.down))
        return (seconds, micros < 0 ? micros + 1_000_000 : micros)
    }

    private static func text(seconds: Int, fraction: Int?) -> String {
        let days = Int((Double(seconds) / 86400).rounded(.down))
        let rest = seconds - days * 86400
        let (year, month, day) = Self.civil(days: days)
        let date = "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(rest / 3600, 2)):\(pad(rest / 60 % 60, 2)):\(pad(rest % 60, 2))"
        return fraction.map { "\(date).\(pad($0, 6))Z" } ?? "\(date)Z"
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar, by eras of 400 years that start in March, so that the
    /// leap day is the last of its year.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}

private struct DigitScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { self.rest = text[...].utf8 }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard self.rest.first == UInt8(ascii: character) else { return false }
        self.rest.removeFirst()
        return true
    }

    mutating func digits(_ count: Int) -> Int? {
        var value = 0
        for _ in 0..<count {
            guard let digit = self.digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    mutating func fraction() -> Double? {
        var value = 0.0
        var scale = 1.0
        var count = 0
        while let digit = self.digit() {
            count += 1
            guard count <= 9 else { continue }  // Nanoseconds; more digits are beyond a double.
            value = value * 10 + Double(digit)
            scale *= 10
        }
        return count == 0 ? nil : value / scale
    }

    private mutating func digit() -> Int? {
        guard let byte = self.rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        self.rest.removeFirst()
        return Int(byte - UInt8(ascii: "0"))
    }
}
