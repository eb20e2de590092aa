import Planning

extension Home {
    /// Under which key log lines name a resource.
    var objectKey: String {
        switch self {
        case .kubernetes: "k8s.object"
        case .universal: "resource"
        }
    }
}
