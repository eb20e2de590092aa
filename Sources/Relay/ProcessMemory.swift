import CLinux

/// The process's own memory, as the system counts it.
package enum ProcessMemory {
    /// Gives back code that only the start needed: each page that ran once, and its fifteen neighbours in the file, count as
    /// resident from then on. What goes on running comes back from the page cache within microseconds.
    package static func releaseStartCode() {
        cl_release_code()
        cl_trim_memory()
    }
}
