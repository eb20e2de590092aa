import JSONModel
import Testing

@testable import DevAPIServer

@Suite struct PatchTests {
    private var pod: Schema { BuiltIns.types["PodSpec"] }

    @Test("a merge patch sets, removes and replaces lists")
    func merge() {
        let result = MergePatch.apply(["a": nil, "b": ["c": 1], "l": [3]], to: ["a": 1, "b": ["d": 2], "l": [1, 2]])
        #expect(result == ["b": ["c": 1, "d": 2], "l": [3]])
    }

    @Test("a JSON patch adds, removes, moves and tests")
    func json() throws {
        let patch: JSON = [
            ["op": "test", "path": "/a", "value": 1], ["op": "add", "path": "/l/1", "value": 9], ["op": "add", "path": "/l/-", "value": 8],
            ["op": "remove", "path": "/a"], ["op": "copy", "from": "/l/0", "path": "/m~1n"], ["op": "replace", "path": "/o/p", "value": 2],
        ]
        let result = try JSONPatch.apply(patch, to: ["a": 1, "l": [1, 2], "o": ["p": 1]])
        #expect(result == ["l": [1, 9, 2, 8], "m/n": 1, "o": ["p": 2]])
    }

    @Test("a JSON patch that does not fit is refused", arguments: ["test", "remove", "replace"])
    func misfit(operation: String) {
        #expect(throws: APIError.self) {
            try JSONPatch.apply([["op": JSON(operation), "path": "/x/y", "value": 1]], to: ["x": [:]])
        }
    }

    @Test("a strategic patch joins containers by name and keeps the others")
    func strategic() throws {
        let target: JSON = [
            "containers": [["name": "a", "image": "1", "env": [["name": "X", "value": "1"]]], ["name": "b", "image": "1"]],
            "tolerations": [["key": "k"]],
        ]
        let patch: JSON = [
            "containers": [["name": "a", "image": "2", "env": [["name": "Y", "value": "2"]]]], "tolerations": [["key": "other"]],
        ]
        let result = try StrategicMergePatch.apply(patch, to: target, schema: self.pod)
        #expect(result.at("containers")?[0]?["image"] == "2")
        #expect(result.at("containers")?[0]?["env"] == [["name": "Y", "value": "2"], ["name": "X", "value": "1"]])
        #expect(result.at("containers")?[1]?["name"] == "b")
        #expect(result["tolerations"] == [["key": "other"]])
    }

    @Test("directives delete, replace, order and retain")
    func directives() throws {
        let target: JSON = ["containers": [["name": "a"], ["name": "b"], ["name": "c"]]]
        let deleted = try StrategicMergePatch.apply(
            ["containers": [["name": "b", "$patch": "delete"]], "$setElementOrder/containers": [["name": "c"], ["name": "a"]]], to: target,
            schema: self.pod)
        #expect(deleted == ["containers": [["name": "c"], ["name": "a"]]])
        let replaced = try StrategicMergePatch.apply(["containers": [["$patch": "replace"], ["name": "z"]]], to: target, schema: self.pod)
        #expect(replaced == ["containers": [["name": "z"]]])
        let strategy = BuiltIns.types["DeploymentSpec"]
        let retained = try StrategicMergePatch.apply(
            ["strategy": ["$retainKeys": ["type"], "type": "Recreate"]],
            to: ["strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1]]], schema: strategy)
        #expect(retained == ["strategy": ["type": "Recreate"]])
        let finalizers = try StrategicMergePatch.apply(
            ["$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]], to: ["finalizers": ["a", "b"]],
            schema: BuiltIns.types["ObjectMeta"])
        #expect(finalizers == ["finalizers": ["c", "b"]])
    }

    @Test("an element without its merge key is refused")
    func noKey() {
        #expect(throws: APIError.self) {
            try StrategicMergePatch.apply(["containers": [["image": "x"]]], to: [:], schema: self.pod)
        }
    }
}
