extension Action {
    /// Whether a connection decided by one would have been sent the same way by the other. Who may call is another question.
    package func leadsWhere(_ other: Action) -> Bool {
        switch (self, other) {
        case (.passthrough(let one), .passthrough(let other)): one == other
        case (.terminate(let mesh, _, let one), .terminate(let otherMesh, _, let other)): mesh == otherMesh && one == other
        case (.originate(let mesh, let one), .originate(let otherMesh, let other)): mesh == otherMesh && one == other
        default: false
        }
    }
}
