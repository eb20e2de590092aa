import JSONModel
import Testing

@Suite("JSON values")
struct JSONTests {
    @Test(
        "Reading and writing text gives back the same value",
        arguments: [
            #"{"a":[1,2.5,"x",true,null,{"b":{}}],"c":-9007199254740993}"#,
            #""text with \"quotes\", é and 😀""#,
            "[]",
            "0",
        ])
    func roundTrip(text: String) throws {
        let value = try JSON(parsing: text)
        #expect(try JSON(parsing: value.text) == value)
        #expect(value.text == text)
    }

    @Test("An integer stays an integer and a boolean stays a boolean")
    func scalarsKeepTheirKind() throws {
        let value = try JSON(parsing: #"{"one":1,"true":true,"half":0.5,"string":"1"}"#)
        #expect(value["one"] == .int(1))
        #expect(value["true"] == .bool(true))
        #expect(value["half"] == .double(0.5))
        #expect(value["string"] == .string("1"))
    }

    @Test("Text is canonical: member order in the input does not matter")
    func canonicalText() throws {
        #expect(try JSON(parsing: #"{"b":1,"a":{"d":2,"c":3}}"#).text == #"{"a":{"c":3,"d":2},"b":1}"#)
    }

    @Test("Nonsense is refused with a reason", arguments: ["", "{", "{\"a\"}", "nul", "\u{0}"])
    func nonsense(text: String) {
        #expect(throws: InvalidJSON.self) { try JSON(parsing: text) }
    }

    @Test("Setting a path makes the objects on the way, and nil removes without making any")
    func setPath() {
        var value: JSON = ["a": 1]
        value.set(["spec", "networking", "port"], to: 10002)
        #expect(value == ["a": 1, "spec": ["networking": ["port": 10002]]])
        value.set(["spec", "networking", "port"], to: nil)
        #expect(value == ["a": 1, "spec": ["networking": [:]]])
        value.set(["x", "y"], to: nil)
        #expect(value["x"] == nil)
    }

    @Test("A walk over members stops quietly where there is nothing")
    func walk() {
        let value: JSON = ["spec": ["ports": [["port": 1]]]]
        #expect(value.at("spec", "ports")?[0]?["port"]?.int == 1)
        #expect(value.at("spec", "ports", "port") == nil)
        #expect(value["spec"]?["ports"]?[3] == nil)
    }
}
