/// `matchLabels` as Services have them: every label equal; an empty selector selects nothing.
enum ServiceSelector {
    static func selects(_ selector: [String: String], _ labels: [String: String]) -> Bool {
        !selector.isEmpty && selector.allSatisfy { labels[$0.key] == $0.value }
    }
}
