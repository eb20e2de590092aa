package import FoundationEssentials
package import JSONModel

/// The spec of a `coordination.k8s.io/v1` Lease.
package struct LeaseRecord: Hashable, Sendable {
    /// Nil or empty: nobody holds it.
    package var holder: String?
    package var durationSeconds: Int
    package var acquireTime: Date?
    package var renewTime: Date?
    /// How often the lease changed hands.
    package var transitions: Int

    package init(holder: String?, durationSeconds: Int, acquireTime: Date? = nil, renewTime: Date? = nil, transitions: Int = 0) {
        self.holder = holder
        self.durationSeconds = durationSeconds
        self.acquireTime = acquireTime
        self.renewTime = renewTime
        self.transitions = transitions
    }

    package init(_ spec: JSON) {
        let holder = spec["holderIdentity"]?.string
        self.init(
            holder: holder?.isEmpty == false ? holder : nil, durationSeconds: spec["leaseDurationSeconds"]?.int ?? 0,
            acquireTime: spec["acquireTime"]?.string.flatMap(Date.init(rfc3339:)),
            renewTime: spec["renewTime"]?.string.flatMap(Date.init(rfc3339:)), transitions: spec["leaseTransitions"]?.int ?? 0)
    }

    package var spec: JSON {
        var spec: JSON = [
            "holderIdentity": .string(self.holder ?? ""), "leaseDurationSeconds": JSON(self.durationSeconds),
            "leaseTransitions": JSON(self.transitions),
        ]
        spec["acquireTime"] = self.acquireTime.map { .string($0.rfc3339Micro) }
        spec["renewTime"] = self.renewTime.map { .string($0.rfc3339Micro) }
        return spec
    }
}
