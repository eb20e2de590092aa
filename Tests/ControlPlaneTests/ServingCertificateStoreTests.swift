import ControlPlane
import Foundation
import Identity
import JSONModel
import KubeAPI
import Testing
import X509

struct ServingCertificateStoreTests {
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    static let key = ObjectKey(namespace: "kuma-system", name: "egret-control-plane-tls")
    let cluster = ScriptedCluster()

    private var store: ServingCertificateStore { ServingCertificateStore(writer: self.cluster, namespace: "kuma-system") }

    @Test("Where there is no Secret one is made, and whoever comes later reads the same")
    func made() async throws {
        let first = try await self.store.ensure(now: Self.now)
        let second = try await self.store.ensure(now: Self.now)
        #expect(first.certificate == second.certificate)
        let secret = try #require(self.cluster[.secrets, Self.key])
        #expect(secret["type"]?.string == "kubernetes.io/tls")
        #expect(secret.secretText("ca.crt") == first.authority.certificate.pem)
        #expect(secret.metadata.ownerReferences.isEmpty)
        #expect(self.cluster.writes == ["create Secret/kuma-system/egret-control-plane-tls"])
    }

    @Test("Of two replicas that start together the second uses what the first made")
    func race() async throws {
        let other = ScriptedCluster()
        let winner = try await ServingCertificateStore(writer: other, namespace: "kuma-system").ensure(now: Self.now)
        // The other's Secret appears between our look and our create.
        let secret = other[.secrets, Self.key]
        self.cluster.beforeCreate = { cluster in cluster[.secrets, Self.key] = secret }
        let ours = try await self.store.ensure(now: Self.now)
        #expect(ours.certificate == winner.certificate)
        #expect(self.cluster.writes.isEmpty)
    }

    @Test("At 4/5 of its life it is replaced by one of the same CA")
    func renewed() async throws {
        let first = try await self.store.ensure(now: Self.now)
        let next = try await self.store.ensure(now: Self.now + 300 * 86400)
        #expect(next.certificate != first.certificate)
        #expect(next.authority.certificate == first.authority.certificate)
        #expect(self.cluster.writes.last == "replace Secret/kuma-system/egret-control-plane-tls")
        #expect(try await self.store.ensure(now: Self.now + 300 * 86400).certificate == next.certificate)
    }

    @Test("A deleted Secret is put back as it was, unless somebody was faster")
    func restored() async throws {
        let first = try await self.store.ensure(now: Self.now)
        self.cluster[.secrets, Self.key] = nil
        #expect(try await self.store.restore(first))
        let secret = try #require(self.cluster[.secrets, Self.key])
        #expect(try self.store.read(secret).certificate == first.certificate)
        #expect(try await !self.store.restore(first))
        #expect(self.cluster.writes.count == 2)
    }

    @Test("A Secret that is of no use is named with the way out, and left alone")
    func unusable() async throws {
        self.cluster[.secrets, Self.key] = .secret(
            name: Self.key.name, namespace: "kuma-system", type: "kubernetes.io/tls", labels: [:], texts: ["tls.crt": "x"])
        let failure = await #expect(throws: ServingCertificateStore.Failure.self) { _ = try await self.store.ensure(now: Self.now) }
        #expect(
            failure?.description
                == "Secret kuma-system/egret-control-plane-tls is not usable: the certificate of the control plane's serving CA holds no PEM certificate; delete it and restart the control plane to get a new one"
        )
        #expect(self.cluster.writes.isEmpty)
    }
}
