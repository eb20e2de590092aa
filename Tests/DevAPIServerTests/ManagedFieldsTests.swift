import JSONModel
import Testing

@testable import DevAPIServer

@Suite struct ManagedFieldsTests {
    private let schema = BuiltIns.types["Deployment"]
    private let egret = ManagedFields.Manager(name: "egret", operation: .apply, apiVersion: "apps/v1")
    private let kubectl = ManagedFields.Manager(name: "kubectl-edit", operation: .update, apiVersion: "apps/v1")

    private func containers(_ containers: JSON) -> JSON { ["spec": ["template": ["spec": ["containers": containers]]]] }

    @Test("owned fields read and write as FieldsV1")
    func fieldsV1() {
        let json: JSON = ["f:a": [:], "f:l": [".": [:], "k:{\"name\":\"x\"}": [".": [:], "f:y": [:]], "v:\"s\"": [:]]]
        let set = FieldSet(fieldsV1: json)
        #expect(set.fieldsV1 == json)
        #expect(set.paths.map { $0.map(\.shown).joined() } == [".a", ".l", ".l[name=\"x\"]", ".l[=\"s\"]", ".l[name=\"x\"].y"])
    }

    @Test("sets unite, intersect and subtract")
    func algebra() {
        let a = FieldSet(fieldsV1: ["f:x": [:], "f:y": ["f:z": [:]]])
        let b = FieldSet(fieldsV1: ["f:y": ["f:z": [:]], "f:w": [:]])
        #expect(a.union(b).fieldsV1 == ["f:x": [:], "f:y": ["f:z": [:]], "f:w": [:]])
        #expect(a.intersection(b).fieldsV1 == ["f:y": ["f:z": [:]]])
        #expect(a.difference(b).fieldsV1 == ["f:x": [:]])
    }

    @Test("applying the same again changes neither object nor books")
    func idempotent() throws {
        var managed = ManagedFields(of: [:])
        let wanted: JSON = ["spec": ["replicas": 2, "template": ["spec": ["containers": [["name": "a", "image": "1"]]]]]]
        let once = try managed.apply(wanted, to: [:], by: self.egret, force: false, schema: self.schema, now: "t1")
        let books = managed
        let twice = try managed.apply(wanted, to: once, by: self.egret, force: false, schema: self.schema, now: "t2")
        #expect(once == twice)
        #expect(managed == books)
    }

    @Test("what is no longer applied goes, unless somebody else owns it")
    func removal() throws {
        var managed = ManagedFields(of: [:])
        let first = try managed.apply(
            self.containers([["name": "a", "image": "1", "env": [["name": "X", "value": "1"]]], ["name": "b", "image": "1"]]), to: [:],
            by: self.egret, force: false, schema: self.schema, now: "t")
        let edited = try StrategicMergePatch.apply(
            self.containers([["name": "a", "workingDir": "/", "env": [["name": "Y", "value": "2"]]]]), to: first, schema: self.schema)
        managed.recordUpdate(from: first, to: edited, by: self.kubectl, schema: self.schema, now: "t")
        let second = try managed.apply(
            self.containers([["name": "a", "image": "1"]]), to: edited, by: self.egret, force: false, schema: self.schema, now: "t")
        #expect(second == self.containers([["name": "a", "image": "1", "workingDir": "/", "env": [["name": "Y", "value": "2"]]]]))
    }

    @Test("a field of another manager is a conflict that names manager and field; force takes it over")
    func conflict() throws {
        var managed = ManagedFields(of: [:])
        let live = try managed.apply(["spec": ["replicas": 1]], to: [:], by: self.egret, force: false, schema: self.schema, now: "t")
        let scaled: JSON = ["spec": ["replicas": 5]]
        managed.recordUpdate(from: live, to: scaled, by: self.kubectl, schema: self.schema, now: "2026-01-01T00:00:00Z")
        #expect(managed.owners[self.egret] == nil)
        let error = #expect(throws: APIError.self) {
            var copy = managed
            _ = try copy.apply(["spec": ["replicas": 1]], to: scaled, by: self.egret, force: false, schema: self.schema, now: "t")
        }
        #expect(
            error?.message
                == "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using apps/v1: .spec.replicas")
        #expect(error?.details?.at("causes")?[0]?["field"] == ".spec.replicas")
        let forced = try managed.apply(["spec": ["replicas": 1]], to: scaled, by: self.egret, force: true, schema: self.schema, now: "t")
        #expect(forced == ["spec": ["replicas": 1]])
        #expect(managed.owners[self.kubectl] == nil)
    }

    @Test("an equal value is owned by both, and stays when one lets go")
    func sharing() throws {
        var managed = ManagedFields(of: [:])
        let other = ManagedFields.Manager(name: "other", operation: .apply, apiVersion: "apps/v1")
        let wanted: JSON = ["spec": ["replicas": 3]]
        let live = try managed.apply(wanted, to: [:], by: self.egret, force: false, schema: self.schema, now: "t")
        _ = try managed.apply(wanted, to: live, by: other, force: false, schema: self.schema, now: "t")
        let after = try managed.apply(["spec": ["paused": true]], to: live, by: other, force: false, schema: self.schema, now: "t")
        #expect(after == ["spec": ["replicas": 3, "paused": true]])
    }

    @Test("an applied list keeps its own order, and other elements their place")
    func order() {
        func names(_ text: String) -> JSON { .array(text.map { ["name": JSON(String($0))] }) }
        func merged(_ live: String, _ applied: String) -> String {
            let list = TypedValue.merge(names(live), names(applied), schema: BuiltIns.types["PodSpec"].member("containers"))
            return (list.array ?? []).compactMap { $0["name"]?.string }.joined()
        }
        #expect(merged("abc", "abc") == "abc")
        #expect(merged("abc", "ca") == "bca")
        #expect(merged("axb", "bac") == "xbac")
        #expect(merged("", "ba") == "ba")
    }
}
