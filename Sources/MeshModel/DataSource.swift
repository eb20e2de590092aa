/// Where a certificate or a key comes from: exactly one of four places.
package enum DataSource: Hashable, Sendable {
    /// A Secret by name, its key `value`.
    case secret(String)
    /// Base64 text.
    case inline(String)
    case inlineString(String)
    /// A path in the control plane's own file system (universal mode).
    case file(String)
}

extension Fields {
    func dataSource(_ key: String) -> DataSource? {
        guard let source = self.object(key) else { return nil }
        let present: [DataSource] = [
            source.string("secret").map(DataSource.secret), source.string("inline").map(DataSource.inline),
            source.string("inlineString").map(DataSource.inlineString), source.string("file").map(DataSource.file),
        ].compactMap(\.self)
        guard present.count == 1 else {
            source.violate("", CrossFieldRules.oneDataSource)
            return nil
        }
        return present[0]
    }
}
