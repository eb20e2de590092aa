import JSONModel
import Testing
import YAMLDocument

@Suite("Writing YAML")
struct WriteTests {
    @Test("An object is written the way people write it")
    func object() {
        let text = YAMLDocument.text([
            "kind": "Mesh", "apiVersion": "kuma.io/v1alpha1", "metadata": ["name": "default", "labels": [:]],
            "spec": ["list": [["b": 1, "a": "x"], "y"], "empty": [], "flag": true, "nothing": nil],
        ])
        #expect(
            text == """
                apiVersion: kuma.io/v1alpha1
                kind: Mesh
                metadata:
                  labels: {}
                  name: default
                spec:
                  empty: []
                  flag: true
                  list:
                  - a: x
                    b: 1
                  - "y"
                  nothing: null

                """)
    }

    @Test("Documents are separated")
    func documents() { #expect(YAMLDocument.text([["a": 1], ["b": 2]]) == "a: 1\n---\nb: 2\n") }

    private static let texts = [
        "", " ", "x", "true", "no", "y", "null", "~", "1", "1.5", "0x1f", "1:30", "2026-11-23", "a: b", "- a", "# c", "a #b", "'", "\"",
        "\\",
        "*a", "&a", "!t", "%x", "@x", "`x", "{", "[", "|", ">", "<<", "=", "a\nb", "a\nb\n", "\n", "\n\n a", " a\n  b\n", "a\tb", "\u{1}",
        "ä🌍",
        "-----BEGIN CERTIFICATE-----\nabc=\n-----END CERTIFICATE-----\n", "trailing ", "a: b\nc", "\r\n", "\u{feff}x", "\u{85}", "?", "-",
        "...",
        String(repeating: "long words ", count: 40),
    ]

    @Test("Any text comes back as the same text, as value and as name", arguments: texts)
    func roundTrip(text: String) throws {
        let value: JSON = ["v": .string(text), "l": [.string(text)], "m": .object([text: "x"])]
        #expect(try YAMLDocument.parseOne(YAMLDocument.text(value)) == value, "\(YAMLDocument.text(value))")
    }

    @Test("Numbers come back as the same numbers")
    func numbers() throws {
        let value: JSON = ["a": .int(.min), "b": .int(.max), "c": .double(1.5), "d": .double(1e300), "e": .double(-2.5e-7)]
        #expect(try YAMLDocument.parseOne(YAMLDocument.text(value)) == value)
    }
}
