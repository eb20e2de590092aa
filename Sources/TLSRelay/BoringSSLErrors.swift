import CNIOBoringSSL

/// What BoringSSL has to say about a call of this thread that failed.
enum BoringSSLErrors {
    /// The first error's reason for people, such as `certificate verify failed` or `tlsv1 alert unknown ca`; nil without
    /// one. Empties the queue.
    static func take() -> String? {
        let code = ERR_get_error()
        defer { ERR_clear_error() }
        guard code != 0, let reason = ERR_reason_error_string(code) else { return nil }
        return String(cString: reason).lowercased().split(separator: "_").joined(separator: " ")
    }
}
