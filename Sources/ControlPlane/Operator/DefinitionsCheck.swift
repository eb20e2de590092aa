package import KubeAPI

/// Whose the definitions of the kuma.io kinds are. Kuma and Kong Mesh have the same kinds with controllers of their own,
/// so a cluster in which theirs are installed is left alone.
package struct DefinitionsCheck: Sendable {
    private let writer: any ClusterWriter

    package init(writer: any ClusterWriter) { self.writer = writer }

    /// What is wrong, in a sentence; nil when all are there and Egret's. Reads each by name.
    package func problem() async throws(KubeError) -> String? {
        for type in ResourceType.kumaTypes {
            let definition: KubeObject?
            do {
                definition = try await self.writer.find(.customResourceDefinitions, ObjectKey(name: type.groupResource))
            } catch {
                // Without permission to look there is nothing to say; the chart gives it.
                if case .forbidden = error { continue }
                throw error
            }
            guard let definition else {
                return "there is no CustomResourceDefinition \(type.groupResource); install the chart, or egretctl install control-plane"
            }
            if !Self.isOurs(definition) {
                return
                    "CustomResourceDefinition \(type.groupResource) is not Egret's (label app.kubernetes.io/name: egret): it belongs to \(Self.owner(of: definition)); Egret does not take it over"
            }
        }
        return nil
    }

    private static func isOurs(_ definition: KubeObject) -> Bool { definition.metadata.labels["app.kubernetes.io/name"] == "egret" }

    private static func owner(of definition: KubeObject) -> String {
        guard let release = definition.metadata.annotations["meta.helm.sh/release-name"] else { return "another installation (Kuma?)" }
        return "the Helm release \(release) in namespace \(definition.metadata.annotations["meta.helm.sh/release-namespace"] ?? "")"
    }
}
