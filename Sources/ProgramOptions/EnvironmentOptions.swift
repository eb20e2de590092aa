import FoundationEssentials

/// Options that are taken from the environment where their flags are absent.
package protocol EnvironmentOptions {}

extension EnvironmentOptions {
    package var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The flag's text, else that of the first variable that is set and not empty.
    package func value(_ flag: String?, _ variables: String...) -> String? {
        guard flag == nil else { return flag }
        let environment = self.environment
        return variables.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
}
