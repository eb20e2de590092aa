import JSONModel
import Testing
import YAMLDocument

@Suite("Reading YAML")
struct ParseTests {
    /// What `sigs.k8s.io/yaml` (goyaml.v2 inside) makes of plain scalars.
    private static let scalars: [(String, JSON)] = [
        ("", .null), ("~", .null), ("null", .null), ("Null", .null), ("nULL", "nULL"), ("true", true), ("True", true), ("yes", true),
        ("Yes", true), ("on", true), ("y", true), ("no", false), ("off", false), ("N", false), ("FALSE", false), ("yEs", "yEs"), ("0", 0),
        ("-1", -1), ("+7", 7), ("0777", 511), ("0o17", 15), ("0x1F", 31), ("0b101", 5), ("-0x10", -16), ("1_000", 1000), ("08", 8),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("18446744073709551615", .double(18_446_744_073_709_551_616)),
        ("1.5", .double(1.5)), (".5", .double(0.5)), ("-.5", .double(-0.5)), ("1.", 1), ("1e3", 1000), ("1.5e-3", .double(0.0015)),
        ("1.0", 1), ("1e400", "1e400"), ("1.2.3", "1.2.3"), ("10.0.0.1", "10.0.0.1"), ("1:30", "1:30"), ("2026-11-23", "2026-11-23"),
        ("2026-11-23T08:24:32Z", "2026-11-23T08:24:32Z"), ("+", "+"), ("-+1", "-+1"), ("0x", "0x"), ("0xg", "0xg"), ("1k", "1k"),
        ("30s", "30s"), ("NaN", "NaN"), ("inf", "inf"), ("_1", "_1"), (".", "."), ("..", ".."), ("e3", "e3"), ("'1'", "1"),
        ("\"true\"", "true"),
        ("!!str 1", "1"), ("!!int 1", 1), ("!!float 1", 1), ("!!bool yes", true), ("!!null ~", .null), ("! 1", "1"),
    ]

    @Test("Scalars mean what Kubernetes takes them for", arguments: scalars)
    func scalar(text: String, meaning: JSON) throws { #expect(try YAMLDocument.parseOne("v: \(text)")["v"] == meaning) }

    @Test("Several documents come in order, and those that hold nothing are left out")
    func documents() throws {
        let documents = try YAMLDocument.parse("# first\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n---\n[1, 2]\n")
        #expect(documents == [["a": 1], ["b": 2], [1, 2]])
        #expect(try YAMLDocument.parse("") == [])
        #expect(try YAMLDocument.parseOne("# only a comment\n") == .null)
    }

    @Test("Block texts keep or fold their lines")
    func blocks() throws {
        let document = try YAMLDocument.parseOne("a: |\n  x\n  y\nb: >-\n  x\n  y\nc: |+\n  x\n\nd: 1\n")
        #expect(document == ["a": "x\ny\n", "b": "x y", "c": "x\n\n", "d": 1])
    }

    @Test("Aliases and merge keys are expanded, and a mapping's own members win")
    func aliases() throws {
        let document = try YAMLDocument.parseOne(
            """
            base: &base {a: 1, b: 2}
            other: &other {b: 3, c: 4}
            one: {<<: *base, b: 9}
            two:
              <<: [*base, *other]
            same: *base
            """)
        #expect(document["one"] == ["a": 1, "b": 9])
        #expect(document["two"] == ["a": 1, "b": 2, "c": 4])
        #expect(document["same"] == ["a": 1, "b": 2])
    }

    @Test("Names that are numbers or booleans become texts")
    func names() throws {
        #expect(try YAMLDocument.parseOne("1: a\ntrue: b\n1.5: c\n'x': d") == ["1": "a", "true": "b", "1.5": "c", "x": "d"])
    }

    @Test("JSON is read too, even where its tabs are no YAML")
    func json() throws {
        #expect(try YAMLDocument.parse("{\n\t\"a\": [1, null, \"x\"]\n}") == [["a": [1, nil, "x"]]])
    }

    /// Nonsense, where it is found, and words that must be in the sentence.
    private static let nonsense: [(String, Int, Int, String)] = [
        ("a: 1\na: 2\n", 2, 1, "\"a\" is given twice"),
        ("a:\n  b: 1\n  b: 2\n", 3, 3, "\"b\" is given twice"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
        ("a: [1, 2\n", 2, 1, "expected ',' or ']'"),
        ("a: 'x\n", 2, 1, "while scanning a quoted scalar"),
        ("a:\n\tb: 1\n", 2, 1, "not with tabs"),
        ("a: *nobody\n", 1, 4, "there is no &nobody"),
        ("a: &a [*a]\n", 1, 8, "inside what it stands for"),
        ("a: !thing x\n", 1, 4, "the tag !thing is not supported"),
        ("a: !!int x\n", 1, 4, "not a value of type int"),
        ("a: .nan\n", 1, 4, "a number that JSON cannot say"),
        ("? [1]\n: 2\n", 1, 3, "a member's name must be a text, not array"),
        ("~: 1\n", 1, 1, "a member's name must be a text, not null"),
        ("<<: 3\n", 1, 1, "merges mappings, not integer"),
        ("a: \u{1}\n", 1, 4, "control characters are not allowed"),
        ("%YAML 9.9\n---\na\n", 1, 1, "incompatible YAML document"),
        ("{", 2, 1, "did not find expected node content"),
        ("a: @x\n", 1, 4, "cannot start any token"),
    ]

    @Test("Nonsense is one sentence with file, line and column", arguments: nonsense)
    func errors(text: String, line: Int, column: Int, words: String) {
        let error = #expect(throws: YAMLError.self) { try YAMLDocument.parse(text, file: "mesh.yaml") }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.file == "mesh.yaml")
        #expect(error.map { [$0.line, $0.column] } == [line, column], "\(error?.description ?? "")")
    }

    @Test("An alias bomb is refused before it explodes")
    func bomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 { text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n" }
        let error = #expect(throws: YAMLError.self) { try YAMLDocument.parse(text) }
        #expect(error?.reason.contains("aliases multiply") == true)
    }

    @Test("Nesting without end is refused")
    func depth() {
        let error = #expect(throws: YAMLError.self) { try YAMLDocument.parse(String(repeating: "[", count: 100_000)) }
        #expect(error?.reason.contains("nested more than 200 deep") == true)
    }

    @Test("Every prefix of a manifest is read or refused, never a crash")
    func prefixes() {
        let text = "apiVersion: v1\nkind: &k \"Co\\u00e9nfig\"\nlist: [a, {b: *k}]\ntext: |-\n  a\n  b\n---\n? x\n: !!str 1\n"
        for end in text.indices { _ = try? YAMLDocument.parse(String(text[..<end])) }
    }

    @Test("One document is expected where one is asked for")
    func tooMany() {
        let error = #expect(throws: YAMLError.self) { try YAMLDocument.parseOne("a: 1\n---\nb: 2\n", file: "f") }
        #expect(error?.description == "f:1:1: holds 2 documents where one is expected")
    }
}
