import ArgumentParser
import ConfigSync
import FoundationEssentials
import JSONModel
import MeshModel
import ProgramOptions
import YAMLDocument

/// The resource that a proxy outside of Kubernetes brings with it.
extension Run {
    /// Nil where none is given.
    func resource(for type: ProxyType) throws -> ResourceDocument? {
        guard let (text, place) = try self.resourceText() else { return nil }
        for (flag, isGiven) in [("--name", self.name != nil), ("--mesh", self.mesh != nil)] where isGiven {
            throw ValidationError("\(flag) cannot be given together with a resource, which says it; leave it out")
        }
        let filled: String
        do {
            let given = try Template.values(self.dataplaneVar)
            filled = try Template.filled(text, values: self.environment.merging(given) { $1 }, place: place)
        } catch {
            throw ValidationError("\(error)")
        }
        let document: ResourceDocument
        do {
            document = try ResourceDocument(try YAMLDocument.parseOne(filled, file: place))
        } catch {
            throw ValidationError("\(place) is not a valid resource: \(error)")
        }
        let wanted: ResourceKind =
            switch type {
            case .egress: .zoneEgress
            case .ingress: .zoneIngress
            case .dataplane: .dataplane
            }
        guard document.kind.name == wanted.name else {
            throw ValidationError("\(place) is of type \(document.kind.name), a proxy of type \(type.rawValue) needs a \(wanted.name)")
        }
        return document
    }

    private func resourceText() throws -> (text: String, place: String)? {
        if let file = self.value(self.dataplaneFile, "KUMA_DATAPLANE_RUNTIME_RESOURCE_PATH") {
            if self.dataplane != nil { throw ValidationError("--dataplane and --dataplane-file exclude each other; give one") }
            if file == "-" {
                var text = ""
                while let line = readLine(strippingNewline: false) { text += line }
                return (text, "standard input")
            }
            guard let data = FileManager.default.contents(atPath: file) else {
                throw ValidationError("the file \(file) of --dataplane-file cannot be read")
            }
            return (String(decoding: data, as: UTF8.self), file)
        }
        return self.value(self.dataplane, "KUMA_DATAPLANE_RUNTIME_RESOURCE").map { ($0, "the resource of --dataplane") }
    }
}
