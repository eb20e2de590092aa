/// One metric with its series, as a scrape sees it: what a collector returns and what the text format is made from.
package struct MetricFamily: Sendable, Equatable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package var name: String
    package var help: String
    package var kind: Kind
    package var samples: [Sample]

    package struct Sample: Sendable, Equatable {
        /// Appended to the family's name: `_bucket`, `_sum`, `_count` of a histogram.
        package var suffix: String
        package var labels: [Label]
        package var value: Double

        package init(suffix: String = "", labels: [Label] = [], value: Double) {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    package struct Label: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(name: String, help: String, kind: Kind, samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }
}

extension MetricFamily {
    /// The Prometheus text exposition format, version 0.0.4.
    package func render(into text: inout String) {
        text += "# HELP \(self.name) \(Self.escape(self.help, quotes: false))\n"
        text += "# TYPE \(self.name) \(self.kind.rawValue)\n"
        for sample in self.samples {
            text += self.name + sample.suffix
            if !sample.labels.isEmpty {
                text += "{"
                for (index, label) in sample.labels.enumerated() {
                    if index > 0 { text += "," }
                    text += "\(label.name)=\"\(Self.escape(label.value, quotes: true))\""
                }
                text += "}"
            }
            text += " \(Self.number(sample.value))\n"
        }
    }

    /// Help escapes backslash and line feed; label values the double quote too.
    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A number as the format wants it: whole ones without a fraction.
    package static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }
}
