import Foundation

/// Whether `hack/sanitize` runs the tests: memory and time are other than a proxy's then.
package enum Sanitizer {
    package static let isOn = ProcessInfo.processInfo.environment["EGRET_SANITIZER"] != nil
}
