import CLinux
import Glibc
import Synchronization

/// Resolves with the system's `getaddrinfo` (hosts file, DNS, search domains) on a few threads that live while there is
/// work. Questions for the same name at the same time are one question.
final class ThreadedResolver: NameResolver {
    /// getaddrinfo tells no TTL.
    private static let validity = Duration.seconds(30)
    private static let validityOfFailure = Duration.seconds(5)

    private struct State {
        var waiting: [String] = []
        var answers: [String: [@Sendable (ResolvedName) -> Void]] = [:]
        var threads = 0
    }

    private let maxThreads: Int
    private let state = Mutex(State())

    init(maxThreads: Int = 4) { self.maxThreads = maxThreads }

    func resolve(_ name: String, _ answer: @escaping @Sendable (ResolvedName) -> Void) {
        let needsThread = self.state.withLock { state in
            if state.answers[name] != nil {
                state.answers[name]?.append(answer)
                return false
            }
            state.answers[name] = [answer]
            state.waiting.append(name)
            guard state.threads < self.maxThreads else { return false }
            state.threads += 1
            return true
        }
        guard needsThread else { return }
        let status = Thread.start(name: "egret-names") { self.work() }
        // Without a thread it takes the caller's time: late is better than never.
        if status != 0 { self.work() }
    }

    private func work() {
        while true {
            let next: String? = self.state.withLock { state in
                if state.waiting.isEmpty {
                    state.threads -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let name = next else { return }
            let resolved = Self.lookUp(name)
            let answers = self.state.withLock { $0.answers.removeValue(forKey: name) ?? [] }
            for answer in answers { answer(resolved) }
        }
    }

    private static func lookUp(_ name: String) -> ResolvedName {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, nil, &hints, &list)
        guard status == 0 else {
            return ResolvedName(addresses: [], problem: String(cString: gai_strerror(status)), validFor: Self.validityOfFailure)
        }
        defer { freeaddrinfo(list) }
        var addresses: [IPEndpoint] = []
        var entry = list
        while let info = entry?.pointee {
            var storage = sockaddr_storage()
            if let address = info.ai_addr, Int(info.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size {
                withUnsafeMutableBytes(of: &storage) {
                    $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(info.ai_addrlen)))
                }
                let endpoint = IPEndpoint(storage)
                if !addresses.contains(endpoint) { addresses.append(endpoint) }
            }
            entry = info.ai_next
        }
        return ResolvedName(
            addresses: addresses, problem: addresses.isEmpty ? "no address of a usable family" : nil,
            validFor: addresses.isEmpty ? Self.validityOfFailure : Self.validity)
    }
}
