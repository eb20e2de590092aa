import CLinux

/// A thread of our own, for loops that block in system calls. Signals are blocked in it.
package enum Thread {
    private final class Body {
        let run: @Sendable () -> Void
        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Returns 0, or the negative error number where the system gives no thread.
    package static func start(name: String, _ run: @escaping @Sendable () -> Void) -> Int32 {
        let body = Unmanaged.passRetained(Body(run: run))
        let status = cl_thread_start(
            name, { context in Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run() }, body.toOpaque())
        if status != 0 { body.release() }
        return status
    }
}
