/// A Kubernetes quantity (`250m`, `64Mi`, `1.5`), kept exactly in thousandths.
struct Quantity: Hashable, Sendable {
    var thousandths: Int

    private static let suffixes: [(String, Int)] = [
        ("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("Ti", 1 << 40), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
    ]

    init?(_ text: String) {
        var number = text[...]
        var scale = 1000
        if number.hasSuffix("m") {
            number.removeLast()
            scale = 1
        } else if let (suffix, factor) = Self.suffixes.first(where: { text.hasSuffix($0.0) }) {
            number.removeLast(suffix.count)
            scale = factor * 1000
        }
        guard let value = Double(number), value.isFinite, value >= 0 else { return nil }
        let scaled = (value * Double(scale)).rounded(.up)
        guard let exact = Int(exactly: scaled) else { return nil }
        self.thousandths = exact
    }

    /// Whole units, rounded up, as `resourceFieldRef` gives them.
    func divided(by divisor: Quantity) -> Int {
        guard divisor.thousandths > 0 else { return 0 }
        return (self.thousandths + divisor.thousandths - 1) / divisor.thousandths
    }
}
