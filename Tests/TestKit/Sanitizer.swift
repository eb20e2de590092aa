import Foundation

/// Whether `hack/sanitize` runs the tests: memory and time are other than a proxy's then.
package enum Sanitizer {
    package static let isOn = ProcessInfo.processInfo.environment["EGRET_SANITIZER"] != nil

    /// Many threads that need the same type's metadata at once can wait for ever in the runtime's `once` (Swift 6.3.1, seen under the
    /// thread sanitizer alone).
    package static let isThread = ProcessInfo.processInfo.environment["EGRET_SANITIZER"] == "thread"
}
