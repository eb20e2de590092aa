private import CCurl
private import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The threads that are inside of libcurl, for the process's exit to wait for.
///
/// The TLS library under libcurl frees what it has when the process exits. A thread that ends its connections at that moment, or
/// whose thread-local part is freed then, works on memory that is gone: the process crashes after its work was done.
enum CurlThreads {
    private struct State {
        var isExiting = false
        nonisolated(unsafe) var running: [(loop: CurlLoop, thread: pthread_t)] = []
    }

    private static let state = Mutex(State())

    /// Handlers run in the reverse order of their registration, so this has to come after libcurl has set TLS up.
    static let isWaitedForAtExit = atexit { CurlThreads.finish() } == 0

    /// How long exit may take. A thread may be inside of the system's resolver.
    private static let patience = 1000

    /// This thread begins to work for a loop. False: too late for that.
    static func begin(_ loop: CurlLoop) -> Bool {
        self.state.withLock { state in
            if state.isExiting { return false }
            state.running.append((loop, pthread_self()))
            return true
        }
    }

    /// This thread has nothing more to do with libcurl.
    static func end(_ loop: CurlLoop) {
        let mayGo = self.state.withLock { state in
            state.running.removeAll { $0.loop === loop }
            return !state.isExiting
        }
        // Else somebody waits for it.
        if mayGo { pthread_detach(pthread_self()) }
    }

    private static func finish() {
        let running = self.state.withLock { state in
            state.isExiting = true
            return state.running
        }
        for (loop, _) in running { loop.stop() }
        for (_, thread) in running { egret_curl_join_thread(thread, self.patience) }
    }
}
