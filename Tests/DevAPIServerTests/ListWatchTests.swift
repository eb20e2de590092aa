import JSONModel
import Testing

@testable import DevAPIServer

private let maps = "api/v1/namespaces/default/configmaps"

@Suite struct ListWatchTests {
    private func names(_ list: JSON) -> [String] { (list["items"]?.array ?? []).compactMap { $0.meta("name") } }

    private func filled(_ names: String, historyLimit: Int = 1000) async throws -> TestAPI {
        let api = try await TestAPI(historyLimit: historyLimit)
        _ = try await api.object(.delete, "\(maps)/kube-root-ca.crt")
        for name in names { _ = try await api.object(.post, maps, Samples.configMap(String(name))) }
        return api
    }

    @Test("lists come in pages of one revision")
    func pages() async throws {
        let api = try await self.filled("abcde")
        let first = try await api.object(.get, "\(maps)?limit=2")
        #expect(self.names(first) == ["a", "b"] && first.at("metadata", "remainingItemCount") == 3)
        let token = try #require(first.at("metadata", "continue")?.string)
        _ = try await api.object(.delete, "\(maps)/d")
        _ = try await api.object(.post, maps, Samples.configMap("cc"))
        let second = try await api.object(.get, "\(maps)?limit=2&continue=\(token)")
        #expect(self.names(second) == ["c", "d"])
        #expect(second.meta("resourceVersion") == first.meta("resourceVersion"))
        let last = try await api.object(.get, "\(maps)?limit=2&continue=\(try #require(second.at("metadata", "continue")?.string))")
        #expect(self.names(last) == ["e"] && last.at("metadata", "continue") == nil)
    }

    @Test("events are one thing under two groups")
    func events() async throws {
        let api = try await TestAPI()
        let event: JSON = [
            "metadata": ["name": "e"], "eventTime": "2027-01-15T07:59:00.000000Z", "reason": "Rendered", "note": "made it",
            "type": "Normal",
            "reportingController": "egret", "action": "Render", "regarding": ["kind": "Mesh", "name": "m"],
        ]
        _ = try await api.object(.post, "apis/events.k8s.io/v1/namespaces/default/events", event)
        let core = try await api.object(.get, "api/v1/namespaces/default/events/e")
        #expect(core["message"] == "made it" && core.at("involvedObject", "name") == "m" && core["apiVersion"] == "v1")
        let chosen = try await api.object(.get, "api/v1/namespaces/default/events?fieldSelector=involvedObject.name=m")
        #expect(self.names(chosen) == ["e"])
        let table = await api.call(.get, "api/v1/namespaces/default/events", accept: "application/json;as=Table;v=v1;g=meta.k8s.io").body
        #expect(table["rows"]?[0]?["cells"] == ["60s", "Normal", "Rendered", "mesh/m", "made it", "e"])
        let again = try await api.object(
            .patch, "apis/events.k8s.io/v1/namespaces/default/events/e", ["note": "twice"], type: PatchForm.merge.rawValue)
        #expect(again["note"] == "twice" && again["message"] == nil)
    }

    @Test("a list at a revision is as it was; one of the future is refused for now")
    func exact() async throws {
        let api = try await self.filled("ab")
        let before = api.store.revision
        _ = try await api.object(.delete, "\(maps)/a")
        #expect(self.names(try await api.object(.get, "\(maps)?resourceVersion=\(before)&resourceVersionMatch=Exact")) == ["a", "b"])
        #expect(await api.call(.get, "\(maps)?resourceVersion=\(before + 9)").code == 504)
    }

    @Test("a page asked for too late is gone")
    func expiredPage() async throws {
        let api = try await self.filled("abc", historyLimit: 2)
        let token = try #require(try await api.object(.get, "\(maps)?limit=1").at("metadata", "continue")?.string)
        for name in ["x", "y", "z"] { _ = try await api.object(.post, maps, Samples.configMap(name)) }
        let (code, status) = await api.call(.get, "\(maps)?limit=1&continue=\(token)")
        #expect(code == 410 && status["reason"] == "Expired")
    }

    @Test("selectors choose; unknown field labels are refused")
    func selectors() async throws {
        let api = try await self.filled("ab")
        #expect(self.names(try await api.object(.get, "\(maps)?fieldSelector=metadata.name=b")) == ["b"])
        _ = try await api.object(.patch, "\(maps)/a", ["metadata": ["labels": ["x": "1"]]], type: PatchForm.merge.rawValue)
        #expect(self.names(try await api.object(.get, "\(maps)?labelSelector=x=1")) == ["a"])
        let (code, status) = await api.call(.get, "\(maps)?fieldSelector=data.a=1")
        #expect(code == 400 && status["message"] == #""data.a" is not a known field selector: only "metadata.name", "metadata.namespace""#)
    }

    @Test("a watch sends what is there, then what happens")
    func watch() async throws {
        let api = try await self.filled("a")
        let events = try await api.events("\(maps)?watch=true", count: 4) {
            _ = try await api.object(.post, maps, Samples.configMap("b"))
            _ = try await api.object(.patch, "\(maps)/b", ["data": ["a": "2"]], type: PatchForm.merge.rawValue)
            _ = try await api.object(.delete, "\(maps)/a")
        }
        #expect(events.compactMap { $0["type"]?.string } == ["ADDED", "ADDED", "MODIFIED", "DELETED"])
    }

    @Test("a watch with a selector tells of objects that enter and leave it")
    func selectedWatch() async throws {
        let api = try await self.filled("a")
        let start = api.store.revision
        let events = try await api.events("\(maps)?watch=true&labelSelector=x=1&resourceVersion=\(start)", count: 2) {
            _ = try await api.object(.patch, "\(maps)/a", ["metadata": ["labels": ["x": "1"]]], type: PatchForm.merge.rawValue)
            _ = try await api.object(.patch, "\(maps)/a", ["metadata": ["labels": ["x": "2"]]], type: PatchForm.merge.rawValue)
        }
        #expect(events.compactMap { $0["type"]?.string } == ["ADDED", "DELETED"])
        #expect(events[1]["object"]?.at("metadata", "labels") == ["x": "1"])
        #expect(events[1]["object"]?.meta("resourceVersion") == String(api.store.revision))
    }

    @Test("a watch from a forgotten revision is told to start anew")
    func tooOld() async throws {
        let api = try await self.filled("abcdef", historyLimit: 2)
        let events = try await api.events("\(maps)?watch=true&resourceVersion=1", count: 1)
        #expect(events[0]["type"] == "ERROR" && events[0].at("object", "code") == 410 && events[0].at("object", "reason") == "Expired")
    }

    @Test("initial events end with the marked bookmark")
    func initialEvents() async throws {
        let api = try await self.filled("ab")
        let events = try await api.events(
            "\(maps)?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", count: 3)
        #expect(events.compactMap { $0["type"]?.string } == ["ADDED", "ADDED", "BOOKMARK"])
        #expect(events[2]["object"]?.at("metadata", "annotations", "k8s.io/initial-events-end") == "true")
        #expect(await api.call(.get, "\(maps)?watch=true&sendInitialEvents=true").code == 422)
    }

    @Test("deleting a collection takes what the selector chooses")
    func deleteCollection() async throws {
        let api = try await self.filled("abc")
        _ = try await api.object(.patch, "\(maps)/b", ["metadata": ["labels": ["x": "1"]]], type: PatchForm.merge.rawValue)
        _ = try await api.object(.delete, "\(maps)?labelSelector=x=1")
        #expect(self.names(try await api.object(.get, maps)) == ["a", "c"])
    }
}

@Suite struct TableTests {
    private let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

    @Test(
        "ages read as kubectl prints them",
        arguments: [
            (5, "5s"), (119, "119s"), (200, "3m20s"), (600, "10m"), (18_600, "5h10m"), (100_000, "27h"), (273_600, "3d4h"),
            (1_728_000, "20d"),
        ])
    func ages(seconds: Int, text: String) { #expect(Age.text(seconds: seconds) == text) }

    @Test("a deployment's row")
    func deployment() async throws {
        let api = try await TestAPI()
        let path = "apis/apps/v1/namespaces/default/deployments"
        _ = try await api.object(.post, path, Samples.deployment("a", replicas: 2))
        _ = try await api.object(
            .patch, "\(path)/a/status", ["status": ["readyReplicas": 1, "updatedReplicas": 2]], type: PatchForm.merge.rawValue)
        let table = await api.call(.get, path, accept: self.table).body
        #expect(table["kind"] == "Table")
        #expect(
            table["columnDefinitions"]?.array?.compactMap { $0["name"]?.string }.prefix(5) == [
                "Name", "Ready", "Up-to-date", "Available", "Age",
            ])
        #expect(table["rows"]?[0]?["cells"]?.array?.prefix(5) == ["a", "1/2", 2, 0, "0s"])
        #expect(table["rows"]?[0]?.at("object", "kind") == "PartialObjectMetadata")
    }

    @Test("a pod's status says what its containers wait for")
    func pod() {
        let pod: JSON = [
            "spec": ["containers": [[:], [:]]],
            "status": [
                "phase": "Running",
                "containerStatuses": [
                    ["ready": true, "restartCount": 1],
                    ["ready": false, "restartCount": 2, "state": ["waiting": ["reason": "CrashLoopBackOff"]]],
                ],
            ],
        ]
        #expect(PodColumns.ready(pod) == "1/2" && PodColumns.status(pod) == "CrashLoopBackOff" && PodColumns.restarts(pod) == "3")
    }
}
