import FoundationEssentials
import JSONModel

/// What a token says about the control plane that issued it: the hash of its CA, by which a proxy that was given nothing but
/// a token and an address knows whom to trust. Reading it proves nothing about the token, which is the other side's task.
enum TokenAuthority {
    /// Lower-case hex SHA-256 of the CA certificate in DER; nil for tokens without one, such as Kubernetes' own.
    static func hash(in token: String) -> String? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        var payload = parts[1].replacing("-", with: "+").replacing("_", with: "/")
        while payload.utf8.count % 4 != 0 { payload += "=" }
        guard let data = Data(base64Encoded: String(payload)), let hash = (try? JSON(parsing: data))?["CA"]?.string,
            hash.utf8.count == 64
        else { return nil }
        return hash
    }
}
