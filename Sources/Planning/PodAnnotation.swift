import KubeAPI
import MeshModel

/// An annotation of a pod that lists places and what is there: `10080=backend 127.0.0.2:10081=extsvc/api`. Entries stand apart by
/// white space. What makes no value is named, and the others count.
struct PodAnnotation<Value> {
    private(set) var values: [Value] = []
    private(set) var problems: [Verdict] = []

    /// - Parameters:
    ///   - form: what is wrong with an entry that has no value, as the end of a sentence.
    ///   - value: of an entry; nil where it has none.
    init(_ name: String, of pod: KubeObject, form: String, _ value: (PodAnnotationEntry) -> Value?) {
        for part in (pod.metadata.annotations[name] ?? "").split(whereSeparator: \.isWhitespace) {
            let entry = PodAnnotationEntry(part)
            if let value = entry.flatMap(value) {
                self.values.append(value)
            } else {
                let wrong = entry == nil ? "does not begin with PORT= or ADDRESS:PORT=" : form
                self.problems.append(
                    .needsPerson(
                        .invalidSpec,
                        "The annotation \(name) of Pod \(pod.key): \"\(part)\" \(wrong). The rest of it counts. Next: correct it."))
            }
        }
    }
}

struct PodAnnotationEntry: Hashable {
    let place: Place
    let value: String

    init?(_ text: Substring) {
        // What is there may have signs of equality in its tags.
        guard let equals = text.firstIndex(of: "="), let place = Place(text[..<equals]) else { return nil }
        self.place = place
        self.value = String(text[text.index(after: equals)...])
    }

    /// `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. Every address is no place.
    struct Place: Hashable {
        let address: String?
        let port: UInt16

        init?(_ text: some StringProtocol) {
            guard let colon = text.lastIndex(of: ":") else {
                guard let port = PodAnnotationEntry.port(text) else { return nil }
                self.address = nil
                self.port = port
                return
            }
            var address = String(text[..<colon])
            if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
            guard let port = PodAnnotationEntry.port(text[text.index(after: colon)...]), Address.isIP(address),
                address != "0.0.0.0", address != "::"
            else { return nil }
            self.address = address
            self.port = port
        }
    }

    static func port(_ text: some StringProtocol) -> UInt16? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let port = UInt16(text), port > 0 else {
            return nil
        }
        return port
    }
}
