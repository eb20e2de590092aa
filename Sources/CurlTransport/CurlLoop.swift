private import CCurl
private import Synchronization

#if canImport(Glibc)
private import Glibc
#endif

/// One thread that drives one `curl_multi` handle. Everything of libcurl happens on that thread but the wake-up call.
///
/// The thread starts with the first request and ends with `stop()`.
final class CurlLoop: Sendable {
    private enum Command: Sendable {
        case start(Exchange)
        case cancel(Exchange)
        case resume(Exchange)
    }

    private enum Phase { case idle, running, stopped }

    private struct Inbox {
        var phase = Phase.idle
        var commands: [Command] = []
        var isStopping = false
        /// Set by the thread while the handle lives. Others only pass it to `curl_multi_wakeup`, the one function libcurl
        /// documents as callable from any thread, and under the lock, so that nobody wakes a handle that is gone.
        nonisolated(unsafe) var multi: UnsafeMutableRawPointer?
    }

    private let name: String
    private let inbox = Mutex(Inbox())

    init(name: String) { self.name = name }

    func start(_ exchange: Exchange) {
        if !self.post(.start(exchange)) { exchange.finished(.failure(TransportError(.closed, "the HTTP transport is shut down"))) }
    }

    func cancel(_ exchange: Exchange) { _ = self.post(.cancel(exchange)) }

    func resume(_ exchange: Exchange) { _ = self.post(.resume(exchange)) }

    func stop() {
        self.inbox.withLock { inbox in
            inbox.isStopping = true
            if inbox.phase == .idle { inbox.phase = .stopped }
            if let multi = inbox.multi { curl_multi_wakeup(multi) }
        }
    }

    /// False when the loop takes no more.
    private func post(_ command: Command) -> Bool {
        let (isAccepted, mustStart) = self.inbox.withLock { inbox -> (Bool, Bool) in
            if inbox.isStopping || inbox.phase == .stopped { return (false, false) }
            inbox.commands.append(command)
            if let multi = inbox.multi { curl_multi_wakeup(multi) }
            defer { inbox.phase = .running }
            return (true, inbox.phase == .idle)
        }
        if mustStart { self.startThread() }
        return isAccepted
    }

    private func startThread() {
        let context = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                let loop = Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue()
                guard CurlLibrary.isReady, CurlThreads.begin(loop) else {
                    loop.end(because: "libcurl could not be initialised")
                    pthread_detach(pthread_self())
                    return nil
                }
                loop.run()
                CurlThreads.end(loop)
                return nil
            }, context)
        if code == 0 { return }
        Unmanaged<CurlLoop>.fromOpaque(context).release()
        self.end(because: "no thread could be started (error \(code))")
    }

    /// The thread's whole life.
    private func run() {
        egret_curl_name_thread(self.name)
        // OpenSSL writes to sockets that the peer may have closed; the error comes back as a return value.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)

        guard let multi = curl_multi_init() else {
            self.end(because: "libcurl could not be initialised")
            return
        }
        egret_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        self.inbox.withLock { $0.multi = multi }

        var transfers = CurlTransfers(multi: multi)
        while let commands = self.takeCommands() {
            for command in commands {
                switch command {
                case .start(let exchange): transfers.start(exchange)
                case .cancel(let exchange): transfers.cancel(exchange)
                case .resume(let exchange): transfers.resume(exchange)
                }
            }
            transfers.perform()
            curl_multi_poll(multi, nil, 0, transfers.millisecondsToWait(now: .now), nil)
        }

        self.inbox.withLock { $0.multi = nil }
        transfers.endAll()
        curl_multi_cleanup(multi)
        self.end(because: "the HTTP transport is shut down")
    }

    /// Nil when it is time to stop.
    private func takeCommands() -> [Command]? {
        self.inbox.withLock { inbox in
            if inbox.isStopping { return nil }
            defer { inbox.commands = [] }
            return inbox.commands
        }
    }

    private func end(because reason: String) {
        let left = self.inbox.withLock { inbox in
            inbox.phase = .stopped
            defer { inbox.commands = [] }
            return inbox.commands
        }
        for case .start(let exchange) in left { exchange.finished(.failure(TransportError(.closed, reason))) }
    }
}

private enum CurlLibrary {
    static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK && CurlThreads.isWaitedForAtExit
}
