import Foundation
import Identity
import JSONModel
import KubeAPI
import Planning
import Store
import TestKit
import Testing
import X509

@testable import ControlPlane

/// Which files of the control plane's machine may be read for external services.
@Suite("Files that resources name")
struct SourceFilesTests {
    private let world: UniversalWorld
    private let folder: String

    init() throws {
        self.world = try UniversalWorld()
        self.folder = self.world.folder + "/tls"
        try FileManager.default.createDirectory(atPath: self.folder + "/inner", withIntermediateDirectories: true)
        try "PEM".write(toFile: self.folder + "/inner/ca.crt", atomically: true, encoding: .utf8)
        try "secret".write(toFile: self.world.folder + "/shadow", atomically: true, encoding: .utf8)
    }

    private func texts(_ paths: String..., folder: String?) -> [FileText?] {
        let files = SourceFiles(self.world.store, serviceFolder: folder)
        let objects = paths.map { path -> KubeObject in
            var object = KubeObject(.externalServices, name: "es")
            object.spec = ["networking": ["tls": ["caCert": ["file": .string(path)]]]]
            return object
        }
        let texts = files.serviceTexts(of: objects)
        return paths.map { texts[$0] }
    }

    @Test("Files of the folder are read, links included as long as they stay in it")
    func within() throws {
        try FileManager.default.createSymbolicLink(atPath: self.folder + "/link.crt", withDestinationPath: "inner/ca.crt")
        #expect(
            self.texts(self.folder + "/inner/ca.crt", self.folder + "/link.crt", self.folder + "/inner/../link.crt", folder: self.folder)
                == [.text("PEM"), .text("PEM"), .text("PEM")])
    }

    @Test("Nothing else is read, and nobody learns whether it is there")
    func outside() throws {
        try FileManager.default.createSymbolicLink(atPath: self.folder + "/out.crt", withDestinationPath: "../shadow")
        try FileManager.default.createDirectory(atPath: self.folder + "-other", withIntermediateDirectories: true)
        try "PEM".write(toFile: self.folder + "-other/ca.crt", atomically: true, encoding: .utf8)
        for path in [
            self.world.folder + "/shadow", self.world.folder + "/nothing", self.folder + "/../shadow", self.folder + "/../nothing",
            self.folder + "/out.crt", self.folder + "-other/ca.crt", "ca.crt", "", "/etc/passwd",
        ] {
            #expect(self.texts(path, folder: self.folder) == [.outside(folder: self.folder)], "\(path)")
        }
        #expect(self.texts(self.folder + "/inner/ca.crt", folder: nil) == [.notOffered])
    }

    @Test("What is no file of text cannot be read")
    func unreadable() throws {
        try Data([0xff, 0xfe, 0x00]).write(to: URL(filePath: self.folder + "/binary"))
        #expect(
            self.texts(self.folder + "/missing", self.folder + "/inner", self.folder + "/binary", folder: self.folder)
                == [.unreadable, .unreadable, .unreadable])
    }

    @Test("An external service with a file is served, follows its change, and names the file that is away")
    func served() async throws {
        let folder = self.folder
        let path = folder + "/ca.crt"
        let authority = try CertificateAuthority.makeBuiltin(
            mesh: "es", key: try KeyKind.p256.makeKey(), life: .seconds(3600), now: Date(), serial: .random())
        let certificate = authority.certificate.pem
        try certificate.write(toFile: path, atomically: true, encoding: .utf8)
        try await RunningUniversal.run {
            $0.filesFolder = folder
        } _: { running in
            let mesh: JSON = ["type": "Mesh", "name": "default"]
            #expect(try await running.api("PUT", "/meshes/default", mesh).status == 201)
            let service: JSON = [
                "type": "ExternalService", "mesh": "default", "name": "es", "tags": ["kuma.io/service": "es"],
                "networking": ["address": "es.test:443", "tls": ["enabled": true, "caCert": ["file": .string(path)]]],
            ]
            #expect(try await running.api("PUT", "/meshes/default/external-services/es", service).status == 201)
            func wait(for words: String) async throws {
                try await eventually("Ready says \(words)") {
                    let answer = try await running.api("GET", "/meshes/default/external-services/es", nil)
                    let conditions = answer.json.at("status", "conditions")?.array ?? []
                    let ready = conditions.first { $0["type"] == "Ready" }
                    return ready?["message"]?.string?.contains(words) == true ? true : nil
                }
            }
            try await wait(for: "dial es.test:443 themselves")
            try FileManager.default.removeItem(atPath: path)
            try await wait(for: "The file \(path) cannot be read by the control plane")
            try certificate.write(toFile: path, atomically: true, encoding: .utf8)
            try await wait(for: "dial es.test:443 themselves")
        }
    }
}
