import FoundationEssentials
import JSONModel

extension APIService {
    /// A watch: what is there or was missed, then changes, then (when allowed) a bookmark now and then.
    func watch(_ call: Call) throws -> APIReply {
        let selection = try Selection(call)
        let query = call.request.query
        let allowsBookmarks = call.request.flag("allowWatchBookmarks")
        let sendsInitial = query["sendInitialEvents"].map { _ in call.request.flag("sendInitialEvents") }
        if sendsInitial != nil, query["resourceVersionMatch"] != "NotOlderThan" {
            throw APIError.invalid(
                listOptions, "",
                [.forbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")])
        }
        let text = query["resourceVersion"] ?? ""
        guard let asked = text.isEmpty ? 0 : Int(text), asked >= 0 else {
            throw APIError.invalid(listOptions, "", [.invalid("resourceVersion", JSON(text), "strconv.ParseUint: parsing: invalid syntax")])
        }
        let start: Store.WatchStart
        switch sendsInitial {
        case true: start = .now
        case false: start = .after(asked == 0 ? self.store.revision : asked)
        default: start = asked == 0 ? .now : .after(asked)
        }
        let seconds = query["timeoutSeconds"].flatMap(Int.init).flatMap { $0 > 0 ? $0 : nil } ?? Int.random(in: 1800...3600)
        guard let watch = self.store.watch(call.type.storedAs, namespace: call.target.namespace, from: start) else {
            let event = Self.tooOld(asked, self.store.revision)
            return APIReply(code: 200, body: .events { emit in try await emit(event) })
        }
        let stream = WatchStream(
            watch: watch, selection: selection, call: call, service: self, bookmarks: allowsBookmarks,
            marksInitial: sendsInitial == true && allowsBookmarks, lifetime: .seconds(seconds))
        return APIReply(code: 200, body: .events { emit in try await stream.run(emit) })
    }

    private static func tooOld(_ asked: Int, _ current: Int) -> JSON {
        ["type": "ERROR", "object": APIError.expired("too old resource version: \(asked) (\(current))").status]
    }

    private var listOptions: ResourceType {
        ResourceType(
            group: "meta.k8s.io", version: "v1", kind: "ListOptions", listKind: "", plural: "listoptions", singular: "",
            isNamespaced: false,
            schema: .anything)
    }
}

/// Turns stored changes into watch events.
struct WatchStream: Sendable {
    let watch: Store.Watch
    let selection: Selection
    let call: APIService.Call
    let service: APIService
    let bookmarks: Bool
    let marksInitial: Bool
    let lifetime: Duration

    private static let bookmarkInterval: Duration = .seconds(10)

    /// Runs until the lifetime is over, the store closes, or writing fails because the client went.
    func run(_ emit: (JSON) async throws -> Void) async throws {
        defer { self.service.store.end(self.watch) }
        var tables = TableHeaders()
        for object in self.watch.initial where self.selection.matches(object) {
            try await emit(self.event("ADDED", object, &tables))
        }
        if self.marksInitial {
            try await emit(self.bookmark(self.watch.revision, annotations: ["k8s.io/initial-events-end": "true"]))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.keepTime() }
            for await signal in self.watch.signals {
                switch signal {
                case .change(let change): if let event = self.event(change, &tables) { try await emit(event) }
                case .bookmark(let revision): if self.bookmarks { try await emit(self.bookmark(revision)) }
                }
            }
            group.cancelAll()
        }
    }

    /// Asks for bookmarks now and then, and ends the watch when its time is over.
    private func keepTime() async throws {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: self.lifetime)
        while clock.now < end {
            // Cancelled: the watch is over already.
            do { try await clock.sleep(until: min(end, clock.now.advanced(by: Self.bookmarkInterval))) } catch { return }
            self.service.store.bookmark(self.watch)
        }
        self.service.store.end(self.watch)
    }

    /// A change may move an object into or out of the selection.
    private func event(_ change: Change, _ tables: inout TableHeaders) -> JSON? {
        let matches = change.form != .deleted && self.selection.matches(change.object)
        let matched = change.previous.map(self.selection.matches) ?? false
        switch (matched, matches) {
        case (false, false): return nil
        case (false, true): return self.event("ADDED", change.object, &tables)
        case (true, true): return self.event("MODIFIED", change.object, &tables)
        case (true, false):
            // The last state that matched, under the revision at which it left.
            var object = change.form == .deleted ? change.object : change.previous ?? change.object
            object.setMeta("resourceVersion", JSON(String(change.revision)))
            return self.event("DELETED", object, &tables)
        }
    }

    private func event(_ type: String, _ object: JSON, _ tables: inout TableHeaders) -> JSON {
        let object = self.service.versioned(object, self.call.type)
        let shown: JSON =
            switch Representation(accept: self.call.request.accept) {
            case .whole: object
            case .metadata: PartialMetadata.of(object)
            case .table:
                tables.next(TableWriter.table(of: [object], list: object["metadata"] ?? [:], call: self.call, now: self.service.now()))
            }
        return ["type": JSON(type), "object": shown]
    }

    private func bookmark(_ revision: Int, annotations: JSON? = nil) -> JSON {
        var metadata: JSON = ["resourceVersion": JSON(String(revision)), "creationTimestamp": .null]
        metadata["annotations"] = annotations
        let isTable = Representation(accept: self.call.request.accept) == .table
        let object: JSON =
            isTable
            ? ["apiVersion": "meta.k8s.io/v1", "kind": "Table", "metadata": metadata, "columnDefinitions": .null, "rows": []]
            : ["apiVersion": JSON(self.call.type.apiVersion), "kind": JSON(self.call.type.kind), "metadata": metadata]
        return ["type": "BOOKMARK", "object": object]
    }
}

/// Only the first Table of a watch carries its column definitions.
struct TableHeaders {
    private var isFirst = true

    mutating func next(_ table: JSON) -> JSON {
        guard !self.isFirst else {
            self.isFirst = false
            return table
        }
        var table = table
        table["columnDefinitions"] = .null
        return table
    }
}
