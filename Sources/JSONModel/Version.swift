/// What every program answers to `version`. The chart's `appVersion` and the image tags are the same; a test compares.
package enum EgretVersion {
    package static let current = "0.1.0"
}
