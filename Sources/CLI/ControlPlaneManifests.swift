/// The chart as `egretctl` carries it: rendered once by the Helm engine (`hack/record`), with a slot where a choice goes.
package enum ControlPlaneManifests {
    /// What a user may choose; the defaults are the chart's.
    package struct Choices: Hashable, Sendable {
        package var namespace: String
        package var zone: String
        package var egressEnabled: Bool
        /// One number and one unit: `30s`, `2m`.
        package var egressDrainTime: String
        package var ingressEnabled: Bool
        package var ingressDrainTime: String

        package init(
            namespace: String = "kuma-system", zone: String = "default", egressEnabled: Bool = false, egressDrainTime: String = "30s",
            ingressEnabled: Bool = false, ingressDrainTime: String = "30s"
        ) {
            self.namespace = namespace
            self.zone = zone
            self.egressEnabled = egressEnabled
            self.egressDrainTime = egressDrainTime
            self.ingressEnabled = ingressEnabled
            self.ingressDrainTime = ingressDrainTime
        }

        /// What is wrong with the choices, in the words of the flags. The patterns are those of values.schema.json, and they
        /// keep every slot's text free of anything YAML could read as more than a word.
        package var complaint: String? {
            if !Self.isLabel(self.namespace) {
                return "--namespace '\(self.namespace)' is not a Kubernetes name: use at most 63 lower-case letters, digits and '-'."
            }
            if !Self.isLabel(self.zone) {
                return "--zone '\(self.zone)' is not a zone name: use at most 63 lower-case letters, digits and '-'."
            }
            for (flag, time) in [("--egress-drain-time", self.egressDrainTime), ("--ingress-drain-time", self.ingressDrainTime)]
            where time.wholeMatch(of: /[0-9]+(ms|s|m|h)/) == nil {
                return "\(flag) '\(time)' is not a duration: write a whole number and a unit, like 30s or 2m."
            }
            return nil
        }

        private static func isLabel(_ text: String) -> Bool {
            text.utf8.count <= 63 && text.wholeMatch(of: /[a-z0-9]([-a-z0-9]*[a-z0-9])?/) != nil
        }
    }

    /// The manifests for choices without complaint.
    package static func text(_ choices: Choices) -> String {
        var text = ChartRendering.manifests
        for (slot, value) in [
            "@{namespace}": choices.namespace,
            "@{zone}": choices.zone,
            "@{egress.enabled}": choices.egressEnabled ? "true" : "false",
            "@{egress.drainTime}": choices.egressDrainTime,
            "@{ingress.enabled}": choices.ingressEnabled ? "true" : "false",
            "@{ingress.drainTime}": choices.ingressDrainTime,
        ] {
            text = text.replacing(slot, with: value)
        }
        return text
    }
}
