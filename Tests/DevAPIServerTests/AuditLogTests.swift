import Foundation
import JSONModel
import Testing

@testable import DevAPIServer

@Suite struct AuditLogTests {
    private let time = Date(timeIntervalSince1970: 1_800_000_000)

    private func event(_ request: APIRequest, code: Int = 200) -> JSON {
        AuditLog.event(request, RequestTarget(path: request.path), code: code, id: "1", at: self.time)
    }

    @Test("an event names the request as a real API server's log does")
    func event() {
        var request = APIRequest(method: .patch, path: ["apis", "apps", "v1", "namespaces", "n", "deployments", "d", "status"])
        request.userAgent = "egret-cp/0.1.0"
        request.query = ["force": "true", "fieldManager": "egret"]
        #expect(
            self.event(request) == [
                "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "1", "stage": "ResponseComplete",
                "requestURI": "/apis/apps/v1/namespaces/n/deployments/d/status?fieldManager=egret&force=true", "verb": "patch",
                "userAgent": "egret-cp/0.1.0", "responseStatus": ["code": 200], "stageTimestamp": "2027-01-15T08:00:00Z",
                "objectRef": [
                    "resource": "deployments", "apiVersion": "v1", "apiGroup": "apps", "namespace": "n", "name": "d",
                    "subresource": "status",
                ],
            ])
    }

    @Test("reads are told apart: get, list and watch")
    func reads() {
        var request = APIRequest(method: .get, path: ["api", "v1", "pods"])
        #expect(self.event(request)["verb"] == "list")
        request.query["watch"] = "1"
        #expect(self.event(request)["verb"] == "watch")
        #expect(self.event(request)["stage"] == "ResponseStarted")
        #expect(self.event(APIRequest(method: .get, path: ["api", "v1", "namespaces", "n", "pods", "p"]))["verb"] == "get")
        #expect(self.event(APIRequest(method: .get, path: ["version"]))["objectRef"] == nil)
    }

    @Test("each answered request adds one line to the file")
    func lines() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/egret-audit-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = try AuditLog(path: path)
        for _ in 0..<3 { log.record(APIRequest(method: .get, path: ["version"]), nil, code: 200, at: self.time) }
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(try lines.map { try JSON(parsing: String($0))["requestURI"] } == ["/version", "/version", "/version"])
    }

    @Test("a path that cannot be written is refused with what to do")
    func unusable() {
        #expect(throws: StartFailure("cannot write the audit log /nowhere/log (No such file or directory); choose another path")) {
            try AuditLog(path: "/nowhere/log")
        }
    }
}
