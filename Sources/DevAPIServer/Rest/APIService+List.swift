import FoundationEssentials
import JSONModel

/// What a list or watch selects.
struct Selection: Sendable {
    var labels: LabelSelector?
    var fields: FieldSelector?
    /// A path that names one object, as `watch` on it.
    var name: String?

    init(_ call: APIService.Call) throws(APIError) {
        if let text = call.request.query["labelSelector"], !text.isEmpty {
            do { self.labels = try LabelSelector(text) } catch {
                let found = text.split(separator: " ").dropFirst().first ?? Substring(text)
                throw .badRequest("unable to parse requirement: found '\(found)', expected: in, notin, =, ==, !=, gt, lt")
            }
        }
        if let text = call.request.query["fieldSelector"], !text.isEmpty {
            do { self.fields = try FieldSelector(text) } catch {
                throw .badRequest("invalid selector: '\(text)'; can't understand '\(text)'")
            }
            let known = ["metadata.name"] + (call.type.isNamespaced ? ["metadata.namespace"] : []) + call.type.selectableFields
            if let unknown = self.fields?.terms.first(where: { !known.contains($0.path) }) {
                throw .badRequest(
                    call.type.selectableFields.isEmpty && !call.type.isCustom
                        ? "\"\(unknown.path)\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                        : "field label not supported: \(unknown.path)")
            }
        }
        self.name = call.target.name
    }

    func matches(_ object: JSON) -> Bool {
        if let name, object.meta("name") != name { return false }
        return (self.labels?.matches(object) ?? true) && (self.fields?.matches(object) ?? true)
    }
}

/// Where a paged list goes on: base64 of revision and last key.
struct ContinueToken: Hashable {
    let revision: Int
    let namespace: String
    let name: String

    init(revision: Int, namespace: String, name: String) {
        self.revision = revision
        self.namespace = namespace
        self.name = name
    }

    init?(_ text: String) {
        guard let data = Data(base64Encoded: text) else { return nil }
        let parts = String(decoding: data, as: UTF8.self).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, let revision = Int(parts[0]) else { return nil }
        self.init(revision: revision, namespace: String(parts[1]), name: String(parts[2]))
    }

    var text: String { Data("\(self.revision)/\(self.namespace)/\(self.name)".utf8).base64EncodedString() }
}

extension APIService {
    func list(_ call: Call) throws -> APIReply {
        let selection = try Selection(call)
        let limit = call.request.query["limit"].flatMap(Int.init) ?? 0
        var after: ContinueToken?
        if let text = call.request.query["continue"], !text.isEmpty {
            guard let token = ContinueToken(text) else {
                throw APIError.badRequest("invalid continue token: continue key is not valid: \(text)")
            }
            after = token
        }
        let wanted = try after?.revision ?? Self.wantedRevision(call.request, current: self.store.revision)
        let resource = call.type.storedAs
        let namespace = call.target.namespace
        let (found, revision): ([(key: ObjectKey, object: JSON)]?, Int) = self.store.read { state in
            if let wanted { return (state.list(resource, namespace: namespace, at: wanted), wanted) }
            return (state.list(resource, namespace: namespace), state.revision)
        }
        guard let found else {
            throw APIError.expired(
                after == nil
                    ? "The resourceVersion for the provided list is too old."
                    : "The provided continue parameter is too old to display a consistent list result. You can start a new list without the "
                        + "continue parameter.")
        }
        var metadata: JSON = ["resourceVersion": JSON(String(revision))]
        var matching = found.filter { selection.matches($0.object) }[...]
        if let after { matching = matching.drop { ($0.key.namespace, $0.key.name) <= (after.namespace, after.name) } }
        if limit > 0, matching.count > limit, let last = matching.prefix(limit).last {
            metadata["continue"] = JSON(
                ContinueToken(revision: revision, namespace: last.key.namespace, name: last.key.name).text)
            // Behind selectors a real server does not count.
            if selection.labels == nil, selection.fields == nil { metadata["remainingItemCount"] = JSON(matching.count - limit) }
            matching = matching.prefix(limit)
        }
        let page = matching.map { self.versioned($0.object, call.type) }
        switch Representation(accept: call.request.accept) {
        case .table: return .ok(TableWriter.table(of: page, list: metadata, call: call, now: self.now()))
        case .metadata:
            return .ok([
                "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": metadata,
                "items": .array(page.map(PartialMetadata.of)),
            ])
        case .whole:
            // Items of built-in kinds come without their kind, as from a Go server.
            let items = call.type.isCustom ? page : page.map { MergePatch.apply(["apiVersion": nil, "kind": nil], to: $0) }
            return .ok([
                "apiVersion": JSON(call.type.apiVersion), "kind": JSON(call.type.listKind), "metadata": metadata, "items": .array(items),
            ])
        }
    }

    /// The exact revision a list is asked at; nil for the present.
    private static func wantedRevision(_ request: APIRequest, current: Int) throws(APIError) -> Int? {
        let text = request.query["resourceVersion"] ?? ""
        guard !text.isEmpty, text != "0" else { return nil }
        guard let asked = Int(text), asked > 0 else {
            throw .badRequest(
                "invalid resource version: resourceVersion: Invalid value: \"\(text)\": strconv.ParseUint: parsing \"\(text)\": invalid syntax"
            )
        }
        guard asked <= current else {
            var error = APIError(code: 504, reason: "Timeout", message: "Too large resource version: \(asked), current: \(current)")
            error.details = [
                "causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]], "retryAfterSeconds": 1,
            ]
            throw error
        }
        return request.query["resourceVersionMatch"] == "Exact" ? asked : nil
    }
}
