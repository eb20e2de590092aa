internal import CCurl

/// The transfers of one loop. Lives on the loop's thread only.
struct CurlTransfers: ~Copyable {
    private let multi: UnsafeMutableRawPointer
    private var byHandle: [UnsafeMutableRawPointer: CurlTransfer] = [:]
    private var handles: [ObjectIdentifier: UnsafeMutableRawPointer] = [:]

    init(multi: UnsafeMutableRawPointer) { self.multi = multi }

    mutating func start(_ exchange: Exchange) {
        do throws(TransportError) {
            let transfer = try CurlTransfer(exchange)
            let code = curl_multi_add_handle(self.multi, transfer.easy)
            guard code == CURLM_OK else { throw TransportError(.failed, "libcurl refused a request (code \(code.rawValue))") }
            self.byHandle[transfer.easy] = transfer
            self.handles[ObjectIdentifier(exchange)] = transfer.easy
        } catch {
            exchange.finished(.failure(error))
        }
    }

    mutating func cancel(_ exchange: Exchange) {
        guard let handle = self.handles[ObjectIdentifier(exchange)] else { return }
        _ = self.remove(handle)
    }

    mutating func resume(_ exchange: Exchange) {
        guard let handle = self.handles[ObjectIdentifier(exchange)], let transfer = self.byHandle[handle] else { return }
        transfer.lastActivity = .now
        curl_easy_pause(handle, CURLPAUSE_CONT)
    }

    /// Lets curl work, then settles what is finished or too long silent.
    mutating func perform() {
        var running: Int32 = 0
        curl_multi_perform(self.multi, &running)
        var handle: UnsafeMutableRawPointer?
        var code = CURLE_OK
        while egret_curl_next_finished(self.multi, &handle, &code) {
            guard let finished = handle, let transfer = self.remove(finished) else { continue }
            transfer.exchange.finished(transfer.result(code))
        }
        let now = ContinuousClock.now
        for (handle, transfer) in self.byHandle {
            guard let deadline = transfer.idleDeadline, deadline <= now, !transfer.exchange.isPaused else { continue }
            _ = self.remove(handle)
            transfer.exchange.finished(.failure(transfer.silence))
        }
    }

    /// Until the next silence runs out. curl shortens this by its own timers.
    func millisecondsToWait(now: ContinuousClock.Instant) -> Int32 {
        var wait = Duration.seconds(60)
        for transfer in self.byHandle.values where !transfer.exchange.isPaused {
            if let deadline = transfer.idleDeadline { wait = min(wait, deadline - now) }
        }
        // Rounded up: waking a moment early would spin.
        return Int32(clamping: max(0, wait.wholeMilliseconds + 1))
    }

    mutating func endAll() {
        for (handle, transfer) in self.byHandle {
            curl_multi_remove_handle(self.multi, handle)
            transfer.exchange.finished(.failure(TransportError(.closed, "the HTTP transport was shut down")))
        }
        self.byHandle = [:]
        self.handles = [:]
    }

    private mutating func remove(_ handle: UnsafeMutableRawPointer) -> CurlTransfer? {
        guard let transfer = self.byHandle.removeValue(forKey: handle) else { return nil }
        self.handles[ObjectIdentifier(transfer.exchange)] = nil
        curl_multi_remove_handle(self.multi, handle)
        return transfer
    }
}

extension Duration {
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        // A day is beyond every deadline of ours; the clamp keeps the product in range.
        return min(max(seconds, -86_400), 86_400) * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
