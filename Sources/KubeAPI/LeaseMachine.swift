package import FoundationEssentials

/// Leader election over a Lease, as one step function: observe the lease, learn what to do, report how it went.
///
/// Safety rests on two clocks that never need to agree: a candidate waits `duration` by its own clock since it last saw
/// the record *change*, and a holder stops calling itself leader `renewDeadline` (shorter) after its last accepted
/// write began. Times in the record are for people.
///
/// `now` is the time since any fixed moment on a monotonic clock; `date` is only written down.
package struct LeaseMachine: Sendable {
    package struct Timing: Hashable, Sendable {
        package var duration: Duration
        package var renewDeadline: Duration
        package var retryPeriod: Duration

        package init(
            duration: Duration = .seconds(15), renewDeadline: Duration = .seconds(10), retryPeriod: Duration = .seconds(2)
        ) {
            precondition(renewDeadline < duration && retryPeriod < renewDeadline, "a holder must give up before others take over")
            self.duration = duration
            self.renewDeadline = renewDeadline
            self.retryPeriod = retryPeriod
        }
    }

    package enum Action: Hashable, Sendable {
        /// There is no lease: create it. 409 means somebody was faster: observe again.
        case create(LeaseRecord)
        /// Replace the record, on condition that the lease is still at the version just observed.
        case replace(LeaseRecord)
        /// Somebody else holds it, or it is too early to renew: look again after this.
        case wait(Duration)
    }

    package let identity: String
    package let timing: Timing
    private var seen: LeaseRecord?
    private var seenAt: Duration = .zero
    /// When the last accepted write of ours began.
    private var renewedAt: Duration?

    package init(identity: String, timing: Timing = Timing()) {
        self.identity = identity
        self.timing = timing
    }

    /// Who holds the lease, as last seen.
    package var holder: String? { self.seen?.holder }

    /// Whether we may act as leader at `now`. Ask before every write.
    package func isLeader(now: Duration) -> Bool {
        guard let renewedAt, self.seen?.holder == self.identity else { return false }
        return now < renewedAt + self.timing.renewDeadline
    }

    /// When leadership ends unless it is renewed; nil when we do not lead.
    package var leadsUntil: Duration? {
        guard let renewedAt, self.seen?.holder == self.identity else { return nil }
        return renewedAt + self.timing.renewDeadline
    }

    /// The lease was read; nil means that there is none.
    package mutating func observed(_ record: LeaseRecord?, now: Duration, date: Date) -> Action {
        let seconds = Int(self.timing.duration.components.seconds)
        guard let record else {
            self.seen = nil
            self.renewedAt = nil
            return .create(LeaseRecord(holder: self.identity, durationSeconds: seconds, acquireTime: date, renewTime: date))
        }
        if record != self.seen {
            if record.holder != self.identity { self.renewedAt = nil }
            self.seen = record
            self.seenAt = now
        }
        if record.holder == self.identity {
            var renewed = record
            renewed.renewTime = date
            renewed.durationSeconds = seconds
            return .replace(renewed)
        }
        let expiry = self.seenAt + max(self.timing.duration, .seconds(record.durationSeconds))
        if record.holder != nil, now < expiry { return .wait(min(self.timing.retryPeriod, expiry - now)) }
        return .replace(
            LeaseRecord(
                holder: self.identity, durationSeconds: seconds, acquireTime: date, renewTime: date, transitions: record.transitions + 1))
    }

    /// Our write was accepted. `startedAt` is when it was sent, because the others count from no later than that.
    package mutating func wrote(_ record: LeaseRecord, startedAt: Duration, now: Duration) {
        self.seen = record
        self.seenAt = now
        self.renewedAt = record.holder == self.identity ? startedAt : nil
    }

    /// The record that gives the lease up, so that a successor need not wait; nil when it is not ours to give.
    /// The short duration makes candidates that honour it take over at once.
    package mutating func release(date: Date) -> LeaseRecord? {
        guard var record = self.seen, record.holder == self.identity else { return nil }
        self.renewedAt = nil
        record.holder = nil
        record.durationSeconds = 1
        record.renewTime = date
        return record
    }
}
