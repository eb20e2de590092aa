import JSONModel
import KubeAPI
import Testing

@Suite("Errors say what happens next")
struct ErrorTests {
    private func error(_ code: Int, _ reason: String = "", retryAfter: Int? = nil) -> KubeError {
        KubeError(KubeStatus(code: code, reason: reason, message: "m", retryAfterSeconds: retryAfter))
    }

    @Test("Statuses become the action they ask for")
    func actions() {
        let status = { (code: Int, reason: String, seconds: Int?) in
            KubeStatus(code: code, reason: reason, message: "m", retryAfterSeconds: seconds)
        }
        #expect(error(409, "Conflict") == .conflict(status(409, "Conflict", nil)))
        #expect(error(409, "AlreadyExists") == .alreadyExists(status(409, "AlreadyExists", nil)))
        #expect(error(404, "NotFound") == .notFound(status(404, "NotFound", nil)))
        #expect(error(410, "Expired").isGone)
        #expect(error(422, "Invalid") == .invalid(status(422, "Invalid", nil)))
        #expect(error(403) == .forbidden(status(403, "", nil)))
        #expect(error(401) == .unauthorized(status(401, "", nil)))
        #expect(error(429, retryAfter: 7) == .throttled(status(429, "", 7), retryAfter: .seconds(7)))
        #expect(error(503, retryAfter: 2) == .throttled(status(503, "", 2), retryAfter: .seconds(2)))
        #expect(error(503) == .server(status(503, "", nil)))
        #expect(error(500) == .server(status(500, "", nil)))
        let unknownField = KubeStatus(
            code: 500, reason: "",
            message:
                "failed to create typed patch object (n/a; apps/v1, Kind=Deployment): .spec.template.spec.affinity.x: field not declared "
                + "in schema")
        #expect(KubeError(unknownField) == .invalid(unknownField))
    }

    @Test("A reconcile needs a person for what no repetition mends")
    func reconcile() {
        #expect(ReconcileFailure(error(422)) == .needsPerson(reason: "m"))
        #expect(ReconcileFailure(error(403)) == .needsPerson(reason: "m"))
        #expect(ReconcileFailure(error(500)) == .transient(cause: "m"))
        #expect(ReconcileFailure(error(429, retryAfter: 3)) == .waiting(for: "m", retryAfter: .seconds(3)))
        #expect(ReconcileFailure(.transport(message: "lost", isSafeToRepeat: false)) == .transient(cause: "lost"))
    }

    @Test("A status survives the trip through JSON with its causes")
    func roundTrip() {
        let status = KubeStatus(
            code: 422, reason: "Invalid", message: "Mesh is invalid",
            causes: [.init(reason: "FieldValueRequired", message: "must be set", field: "spec.mtls.enabledBackend")], retryAfterSeconds: 1,
            details: ["name": "m", "causes": [], "retryAfterSeconds": 1])
        let read = KubeStatus(status.json)
        #expect(read?.causes == status.causes)
        #expect(read?.message == "Mesh is invalid" && read?.retryAfterSeconds == 1)
        #expect(status.json.at("details", "name") == "m")
        #expect(KubeStatus(["kind": "Pod"]) == nil)
    }
}
