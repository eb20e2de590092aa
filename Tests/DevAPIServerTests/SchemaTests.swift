import JSONModel
import Testing

@testable import DevAPIServer

@Suite struct SchemaTests {
    private let schema: Schema

    init() throws { self.schema = try Schema(crd: Samples.schema, at: FieldPath()) }

    @Test("defaults are filled in, also inside lists")
    func defaults() {
        var object: JSON = ["spec": ["size": 1, "parts": [["name": "a"]]]]
        self.schema.fillDefaults(&object)
        #expect(object == ["spec": ["size": 1, "replicas": 1, "colour": "red", "parts": [["name": "a", "weight": 1]]]])
    }

    @Test("undeclared fields go and are named; free objects keep theirs")
    func pruning() {
        var object: JSON = [
            "apiVersion": "v1", "kind": "X", "metadata": ["name": "n"], "more": 1,
            "spec": ["size": 1, "colour": .null, "oops": true, "free": ["any": ["thing": 1]], "parts": [["name": "a", "bad": 1]]],
        ]
        let unknown = self.schema.prune(&object)
        #expect(unknown == ["more", "spec.oops", "spec.parts[0].bad"])
        #expect(object["spec"] == ["size": 1, "free": ["any": ["thing": 1]], "parts": [["name": "a"]]])
        #expect(object["metadata"] != nil)
    }

    @Test(
        "values are checked in a real API server's words",
        arguments: [
            ("{}", "spec.size: Required value"),
            (#"{"size": "x"}"#, #"spec.size: Invalid value: "string": spec.size in body must be of type integer: "string""#),
            (#"{"size": 11}"#, "spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10"),
            (#"{"size": 0}"#, "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
            (#"{"size": 1, "colour": "green"}"#, #"spec.colour: Unsupported value: "green": supported values: "red", "blue""#),
            (#"{"size": 1, "name": "A"}"#, #"spec.name: Invalid value: "A": spec.name in body should match '^[a-z]+$'"#),
            (#"{"size": 1, "name": "abcdef"}"#, "spec.name: Too long: may not be more than 5 bytes"),
            (
                #"{"size": 1, "tags": {"a": 1}}"#,
                #"spec.tags.a: Invalid value: "integer": spec.tags.a in body must be of type string: "integer""#
            ),
            (
                #"{"size": 1, "port": true}"#,
                #"spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean""#
            ),
            (#"{"size": 1, "parts": [{"name": "a"}, {"name": "a"}]}"#, #"spec.parts[1]: Duplicate value: {"name":"a"}"#),
            (
                #"{"size": 1, "parts": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}]}"#,
                "spec.parts: Too many: 4: must have at most 3 items"
            ),
        ])
    func validation(spec: String, sentence: String) throws {
        #expect(self.schema.validate(["spec": try JSON(parsing: spec)]).map(\.sentence) == [sentence])
    }

    @Test(
        "a value of the wrong type is checked like any other",
        arguments: [
            (
                #"{"size": 0.5}"#,
                [
                    #"spec.size: Invalid value: "number": spec.size in body must be of type integer: "number""#,
                    #"<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.size"#,
                    "spec.size: Invalid value: 0.5: spec.size in body should be greater than or equal to 1",
                ]
            ),
            (
                #"{"size": 1, "colour": 3}"#,
                [
                    #"spec.colour: Invalid value: "integer": spec.colour in body must be of type string: "integer""#,
                    #"spec.colour: Unsupported value: 3: supported values: "red", "blue""#,
                ]
            ),
            (
                #"{"size": 1, "parts": ["a"]}"#,
                [
                    #"spec.parts[0]: Invalid value: "string": spec.parts[0] in body must be of type object: "string""#,
                    #"spec.parts[0]: Invalid value: "a": must be an object for an array of list-type map"#,
                ]
            ),
        ])
    func wrongTypes(spec: String, sentences: [String]) throws {
        #expect(self.schema.validate(["spec": try JSON(parsing: spec)]).map(\.sentence) == sentences)
    }

    @Test("limits are printed as Go prints numbers of the value's kind", arguments: [("1500001", "1500000"), ("1500000.5", "1.5e+06")])
    func limits(value: String, limit: String) throws {
        let schema = try Schema(crd: ["type": "number", "maximum": 1_500_000], at: FieldPath())
        #expect(schema.validate(try JSON(parsing: value)).map(\.message).first?.hasSuffix(" \(limit)") == true)
    }

    @Test("a map's null goes, or becomes the default")
    func nulls() throws {
        var object: JSON = ["spec": ["size": 1, "tags": ["a": .null, "b": "c"]]]
        #expect(self.schema.prune(&object).isEmpty)
        #expect(object == ["spec": ["size": 1, "tags": ["b": "c"]]])
        var map = Samples.configMap("a", ["a": .null])
        _ = Registry().types["ConfigMap"].prune(&map)
        #expect(map["data"] == ["a": ""])
    }

    @Test("a good object passes")
    func fine() throws {
        let spec: JSON = ["size": 10, "name": "abcde", "port": "http", "tags": ["a": "b"], "parts": [["name": "a"]], "free": [:]]
        #expect(self.schema.validate(["spec": spec]).isEmpty)
    }

    @Test("every built-in type's table is sound")
    func builtIns() {
        #expect(Registry().builtIn.count == 25)
        _ = KubernetesProtobuf(types: BuiltIns.types)
    }
}

@Suite struct JSONPathTests {
    private let object: JSON = [
        "metadata": ["labels": ["a.b/c": "x"]], "list": [["n": 1], ["n": 2]],
        "conditions": [["type": "Ready", "status": "True"], ["type": "Accepted", "status": "False"]],
    ]

    @Test(
        "paths",
        arguments: [
            (".list[0].n", "[1]"), ("{.list[*].n}", "[1,2]"), (".list[-1].n", "[2]"),
            (#".conditions[?(@.type=="Ready")].status"#, #"["True"]"#),
            (".conditions[?(@.type!='Ready')].status", #"["False"]"#), (#".metadata.labels.a\.b/c"#, #"["x"]"#),
            (".metadata.labels['a.b/c']", #"["x"]"#), (".nothing.here", "[]"),
        ])
    func paths(path: String, found: String) throws {
        #expect(JSON.array(try JSONPath(path).values(in: self.object)).text == found)
    }

    @Test("nonsense is refused", arguments: [".a[", ".a[?(x)]", "..", ".a b[zz]"])
    func nonsense(path: String) { #expect(throws: JSONPath.Invalid.self) { try JSONPath(path) } }
}
