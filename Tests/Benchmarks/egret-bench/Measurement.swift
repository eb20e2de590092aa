import Glibc

/// What a run gave; printed as one line of JSON.
struct Measurement {
    var units = 0
    var seconds = 0.0
    /// Processor seconds of the proxy's processes in that time, user and system, all threads.
    var proxyCPU = 0.0
    /// The load generator's own. Where it comes close to `seconds`, it is what limits the rate.
    var ownCPU = 0.0
    var failures = 0
    var firstFailure: String?
    /// Further numbers by name.
    var extra: [(name: String, value: Double)] = []

    var json: String {
        var fields = [
            "\"units\":\(self.units)", "\"seconds\":\(self.seconds)", "\"proxyCPU\":\(self.proxyCPU)", "\"ownCPU\":\(self.ownCPU)",
            "\"failures\":\(self.failures)",
        ]
        fields += self.extra.map { "\"\($0.name)\":\($0.value)" }
        if let firstFailure { fields.append("\"firstFailure\":\"\(firstFailure.filter { $0 != "\"" && $0 != "\\" && $0 != "\n" })\"") }
        return "{" + fields.joined(separator: ",") + "}"
    }
}

/// User and system time of a process with all its threads.
///
/// The scheduler's count per thread (/proc/PID/task/*/schedstat, nanoseconds), which is what utime and stime of proc_pid_stat(5)
/// are made from; those are rounded to ticks of 10 ms, and are the way where the kernel keeps no schedstat.
func processorSeconds(of process: Int) -> Double {
    if let nanoseconds = threads(of: process).map({ contents(of: "/proc/\(process)/task/\($0)/schedstat") }).reduce(
        into: UInt64?.none,
        { sum, line in
            guard let time = line.split(separator: " ").first.flatMap({ UInt64($0) }) else { return }
            sum = (sum ?? 0) + time
        })
    {
        return Double(nanoseconds) / 1e9
    }
    let text = contents(of: "/proc/\(process)/stat")
    // The name before is in parentheses and may hold anything.
    guard let close = text.lastIndex(of: ")") else { return 0 }
    let fields = text[close...].split(separator: " ")
    guard fields.count > 13, let user = Double(fields[12]), let system = Double(fields[13]) else { return 0 }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
}

private func threads(of process: Int) -> [String] {
    guard let folder = opendir("/proc/\(process)/task") else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if !name.hasPrefix(".") { names.append(name) }
    }
    return names
}

func processorSecondsOfThisProcess() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// VmRSS of proc_pid_status(5), in bytes.
func residentBytes(of process: Int) -> Int {
    for line in contents(of: "/proc/\(process)/status").split(separator: "\n") where line.hasPrefix("VmRSS:") {
        return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
    }
    return 0
}

private func contents(of path: String) -> String {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return "" }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 8192)
    let count = read(fd, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}
