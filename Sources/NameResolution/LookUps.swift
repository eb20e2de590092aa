import CLinux
import Routing
import Synchronization
import Telemetry

/// The thread's side: questions under way, c-ares, the files.
final class LookUps {
    private struct UnderWay {
        var question: Question
        let startedAt: Int64
        /// Tells replies to a former channel's questions from those of this one.
        let serial: Int
    }

    private let core: ResolverCore
    private let epoll, wakeup: Int32
    private var channel: DNSChannel
    private var hosts: HostsFile
    private var stamps: (resolvConf: FileStamp, hosts: FileStamp)
    private var underWay: [String: UnderWay] = [:]
    private var serial = 0

    init(_ core: ResolverCore, epoll: Int32, wakeup: Int32) {
        self.core = core
        self.epoll = epoll
        self.wakeup = wakeup
        // Looked at before the files are read: a change in between is seen next time.
        self.stamps = (FileStamp(path: core.policy.resolvConf), FileStamp(path: core.policy.hosts))
        self.channel = DNSChannel(core.policy, epoll: epoll)
        self.hosts = HostsFile(path: core.policy.hosts)
        _ = cl_epoll_add(epoll, wakeup, CL_EPOLLIN, .max)
    }

    func run() {
        var events = [cl_epoll_event](repeating: cl_epoll_event(), count: 32)
        while true {
            let (names, isStopped) = self.core.state.withLock { state in
                defer { state.begin = [] }
                return (state.begin, state.isStopped)
            }
            if isStopped { break }
            if !names.isEmpty { self.readChangedFiles() }
            for name in names { self.begin(name) }
            self.lookAtTheClock()

            let count = cl_epoll_wait(self.epoll, &events, Int32(events.count), self.timeout)
            if count <= 0 { self.channel.work() }
            for event in events.prefix(Int(max(0, count))) {
                if event.data == .max {
                    cl_eventfd_clear(self.wakeup)
                } else {
                    let failed = event.events & (CL_EPOLLERR | CL_EPOLLHUP) != 0
                    self.channel.work(
                        Int32(truncatingIfNeeded: event.data), readable: failed || event.events & CL_EPOLLIN != 0,
                        writable: event.events & CL_EPOLLOUT != 0)
                }
            }
        }
        self.end()
    }

    private func end() {
        // Nobody is left who could wait: the resolver is gone.
        self.underWay = [:]
        self.channel.close()
        self.core.state.withLock { $0.hasThread = false }
        _ = cl_close(self.epoll)
        _ = cl_close(self.wakeup)
    }

    private var timeout: Int32 {
        let due = self.core.state.withLock { $0.begin.isEmpty ? $0.store.nextDue : .min }
        let own = due.map { Int32(clamping: max(0, $0 == .min ? 0 : ($0 - cl_monotonic_ns() + 999_999) / 1_000_000)) } ?? -1
        let channel = self.channel.timeout
        return own < 0 ? channel : channel < 0 ? own : min(own, channel)
    }

    private func lookAtTheClock() {
        let now = cl_monotonic_ns()
        let (deliveries, names) = self.core.state.withLock { $0.store.due(now: now) }
        for (callbacks, answer) in deliveries { for callback in callbacks { callback(answer) } }
        if !names.isEmpty { self.readChangedFiles() }
        for name in names { self.begin(name) }
    }

    private func begin(_ name: String) {
        self.serial += 1
        let listed = self.hosts[name]
        if !listed.isEmpty {
            let addresses = ResolvedName.interleave(ipv4: listed.filter { !$0.isIPv6 }, ipv6: listed.filter { $0.isIPv6 })
            // Looked at again that soon, because the file may change.
            self.learned(name, .found(addresses, ttl: self.core.policy.negative), startedAt: nil)
            return
        }
        var question = Question(candidates: self.channel.searchList.candidates(for: name))
        let step = question.begin()
        self.underWay[name] = UnderWay(question: question, startedAt: cl_monotonic_ns(), serial: self.serial)
        self.perform(step, name, self.serial)
    }

    private func perform(_ step: Question.Step, _ name: String, _ serial: Int) {
        switch step {
        case .wait:
            guard let early = self.underWay[name]?.question.early, !early.isEmpty else { return }
            self.core.state.withLock { $0.store.learnedEarly(name, early, now: cl_monotonic_ns()) }
        case .ask(let candidate):
            for family in [Question.Family.ipv6, .ipv4] {
                self.channel.ask(candidate, family) { [unowned self] reply in
                    guard self.underWay[name]?.serial == serial, let step = self.underWay[name]?.question.received(reply, family)
                    else { return }
                    self.perform(step, name, serial)
                }
            }
        case .found(let addresses, let ttl): self.learned(name, .found(addresses, ttl: ttl), startedAt: self.finish(name))
        case .absent: self.learned(name, .absent, startedAt: self.finish(name))
        case .failed(let problem): self.learned(name, .failed(problem), startedAt: self.finish(name))
        }
    }

    private func finish(_ name: String) -> Int64? { self.underWay.removeValue(forKey: name)?.startedAt }

    private func learned(_ name: String, _ outcome: NameStore.Outcome, startedAt: Int64?) {
        let now = cl_monotonic_ns()
        if let metrics = self.core.metrics, let startedAt {
            let word =
                switch outcome {
                case .found: "found"
                case .absent: "absent"
                case .failed: "failed"
                }
            metrics.resolutions.with(word).add()
            metrics.seconds.observe(.nanoseconds(now - startedAt))
        }
        guard let (callbacks, answer) = self.core.state.withLock({ $0.store.learned(name, outcome, now: now) }) else { return }
        for callback in callbacks { callback(answer) }
    }

    /// Questions under way begin anew where the servers or the search list have changed.
    private func readChangedFiles() {
        let hosts = FileStamp(path: self.core.policy.hosts)
        if hosts != self.stamps.hosts {
            self.stamps.hosts = hosts
            self.hosts = HostsFile(path: self.core.policy.hosts)
        }
        let resolvConf = FileStamp(path: self.core.policy.resolvConf)
        guard resolvConf != self.stamps.resolvConf else { return }
        self.stamps.resolvConf = resolvConf
        let names = self.underWay.keys
        // First, so that the old channel's last replies find nobody.
        self.underWay = [:]
        self.channel.close()
        self.channel = DNSChannel(self.core.policy, epoll: self.epoll)
        for name in names { self.begin(name) }
    }
}
