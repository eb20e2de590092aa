import ConfigSync
import FoundationEssentials
import JSONModel
import Logging
import Store
import ZoneSync

/// Takes what zones tell: into the store what is a resource, into the book the rest. One at a time.
actor ZoneReports {
    private let store: ResourceStore
    private let book: ZoneBook
    private let metrics: GlobalMetrics
    private let logger: Logger
    private var meshes: Set<String> = []

    init(store: ResourceStore, book: ZoneBook, metrics: GlobalMetrics, logger: Logger) {
        self.store = store
        self.book = book
        self.metrics = metrics
        self.logger = logger
    }

    /// - Parameters:
    ///   - bytes: a message of the stream's form.
    ///   - base: what a difference starts from; nil for a whole text.
    func take(_ bytes: [UInt8], base: String?, from zone: String, now: Date) throws(AccessRefusal) {
        let known = self.book.told(zone)
        if let base, base != known?.text.hash {
            throw AccessRefusal(.unknownBase, "this control plane has not what the difference starts from; send all of it")
        }
        let text = try Self.read(bytes, after: known?.text)
        try self.apply(text, from: zone, now: now)
        self.metrics.received(bytes.count, isWhole: base == nil, from: zone, now: now)
    }

    private static func read(_ bytes: [UInt8], after known: ConfigText?) throws(AccessRefusal) -> ConfigText {
        var framer = LineFramer(maxLineBytes: max(1, bytes.count))
        var assembler = ConfigAssembler(current: known, maxBytes: max(1, bytes.count))
        do {
            for line in try framer.received(bytes) {
                if case .config(let update)? = try assembler.received(line) { return update.text }
            }
        } catch {
            throw AccessRefusal(.badRequest, "the report makes no sense: \(error)")
        }
        throw AccessRefusal(.badRequest, "the report ends too early")
    }

    /// Looks at everything again, where what is kept depends on meshes and these have changed.
    func meshesChanged(now: Date) {
        let meshes = self.currentMeshes
        guard meshes != self.meshes else { return }
        for (zone, told) in self.book.told {
            do { try self.apply(told.text, from: zone, now: told.at) } catch {
                self.logger.warning("Could not keep what a zone told", metadata: ["mesh.zone": "\(zone)", "cause": "\(error)"])
            }
        }
    }

    private var currentMeshes: Set<String> { Set(self.store.unordered(kind: "Mesh").map(\.id.name)) }

    private func apply(_ text: ConfigText, from zone: String, now: Date) throws(AccessRefusal) {
        self.meshes = self.currentMeshes
        let (items, unreadable) = SharedText.items(text)
        let report = ZoneReport(items, unreadable: unreadable, from: zone, meshes: self.meshes)
        do { try ZoneResources.replace(zone, with: report, in: self.store, now: now) } catch {
            throw AccessRefusal(.unavailable, "\(error)")
        }
        let before = self.book.told(zone)?.report.dropped ?? []
        for sentence in report.dropped where !before.contains(sentence) {
            self.logger.warning("Left out a part of what a zone tells", metadata: ["mesh.zone": "\(zone)", "why": "\(sentence)"])
        }
        let problems = { (report: ZoneReport?) in report?.about["problems"]?.array?.compactMap(\.string) ?? [] }
        let knownProblems = problems(self.book.told(zone)?.report)
        for sentence in problems(report) where !knownProblems.contains(sentence) {
            self.logger.warning(
                "A zone does not keep a part of what it was sent", metadata: ["mesh.zone": "\(zone)", "why": "\(sentence)"])
        }
        self.metrics.dropped(report.dropped.count, from: zone)
        self.book.tell(zone, ZoneBook.Told(text: text, report: report, at: now))
    }
}
