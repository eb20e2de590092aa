import FoundationEssentials

/// Writes that a controller has made and its cache does not show yet.
///
/// A cache follows the API by a moment. Who counts pods in it right after making one counts too few and makes another;
/// so after a write the controller waits until the cache has caught up.
struct Expectations: Sendable {
    /// After this long the write's fate no longer matters: the object may have come and gone between two looks.
    private static let patience: Double = 10
    private var created: [String: Date] = [:]
    private var deleted: [String: Date] = [:]

    mutating func willSee(_ uid: String, now: Date) { self.created[uid] = now }
    mutating func willMiss(_ uid: String, now: Date) { self.deleted[uid] = now }

    /// Forgets what has come true.
    /// - Parameters:
    ///   - present: uids in the cache.
    ///   - going: those of them that are marked for deletion.
    mutating func observe(present: Set<String>, going: Set<String>, now: Date) {
        self.created = self.created.filter { !present.contains($0.key) && now.timeIntervalSince($0.value) < Self.patience }
        self.deleted = self.deleted.filter {
            present.contains($0.key) && !going.contains($0.key) && now.timeIntervalSince($0.value) < Self.patience
        }
    }

    var isBehind: Bool { !self.created.isEmpty || !self.deleted.isEmpty }
}
