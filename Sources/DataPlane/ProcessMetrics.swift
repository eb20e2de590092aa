import FoundationEssentials
import JSONModel
import Telemetry

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What scrapes see of the process itself, under the names every Prometheus client uses.
enum ProcessMetrics {
    static func register(_ readiness: Readiness, in registry: MetricsRegistry) {
        let start = Date().timeIntervalSince1970
        registry.collect {
            func family(_ name: String, _ help: String, _ kind: MetricFamily.Kind, _ value: Double, _ labels: [MetricFamily.Label] = [])
                -> MetricFamily
            {
                MetricFamily(name: name, help: help, kind: kind, samples: [.init(labels: labels, value: value)])
            }
            return [
                family("egret_build_info", "The program's version.", .gauge, 1, [.init("version", EgretVersion.current)]),
                family("egret_ready", "1 while /ready answers 200.", .gauge, readiness.state == .ready ? 1 : 0),
                family("process_cpu_seconds_total", "CPU time of the process, user and system.", .counter, self.cpuSeconds),
                family("process_resident_memory_bytes", "Resident memory of the process.", .gauge, self.residentBytes),
                family("process_max_fds", "Files the process may have open.", .gauge, self.maxFiles),
                family("process_start_time_seconds", "When the process started, in seconds since 1970.", .gauge, start),
            ]
        }
    }

    private static var cpuSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static var maxFiles: Double {
        var limit = rlimit()
        #if canImport(Glibc)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #else
        getrlimit(RLIMIT_NOFILE, &limit)
        #endif
        return Double(limit.rlim_cur)
    }

    /// The second number of `/proc/self/statm` is in pages; 0 where there is no such file.
    private static var residentBytes: Double {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else { return 0 }
        let pages = String(decoding: data, as: UTF8.self).split(separator: " ").dropFirst().first.flatMap { Double($0) } ?? 0
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }
}
