import ConfigSync
import ControlPlane
import CurlTransport
import Foundation
import Identity
import JSONModel
import KubeAPI
import Logging
import Planning
import Routing
import ServiceLifecycle
import Synchronization
import Telemetry
import TestKit
import Testing
import X509

/// The proxy-facing server over real HTTPS, with a world and an authenticator of the test's own.
struct ProxyServerTests {
    private static let web = ProxyID(.dataplane, "web-1.shop")
    private static let holder = Holder(type: "dataplane", name: "web-1.shop")

    // MARK: The stream

    @Test("A stream starts with the newest configuration, sends each change once, as a difference, and nothing a proxy already has")
    func stream() async throws {
        try await Served.run { served in
            served.publish(port: 1)
            let stream = try await served.stream(have: nil)
            #expect(stream.status == 200)
            #expect(stream.headers["content-type"] == StreamMessage.contentType)
            var messages = MessageReader(stream)
            let first = try await messages.config()
            #expect(first == ConfigUpdate(text: Served.text(port: 1)))
            // The same content again, then another: only the other arrives.
            served.publish(port: 1)
            served.publish(port: 2)
            #expect(
                try await messages.config()
                    == ConfigUpdate(text: Served.text(port: 2), edits: [.add(1), .drop(1), .keep(11)]))
        }
    }

    @Test("A proxy that comes back with what it has hears only what is new, as a difference")
    func resume() async throws {
        try await Served.run { served in
            served.publish(port: 1)
            let before = Served.text(port: 1)
            var messages = MessageReader(try await served.stream(have: before.hash), current: before)
            // The answer's head comes ahead of that.
            try await eventually("the server knows what the proxy has") {
                served.lines.all.contains { $0.contains("A proxy connected") } ? true : nil
            }
            served.publish(port: 2)
            let update = try await messages.config()
            #expect(update.port == 2)
            #expect(update.edits != nil)
        }
    }

    @Test("A proxy that was cut off while its configuration changed goes on with a difference; one with a strange hash starts anew")
    func cut() async throws {
        try await Served.run { served in
            served.publish(port: 1)
            var first: MessageReader? = MessageReader(try await served.stream(have: nil))
            let before = try #require(try await first?.config().text)
            first = nil
            served.publish(port: 2)
            var second = MessageReader(try await served.stream(have: before.hash), current: before)
            let update = try await second.config()
            #expect(update.port == 2)
            #expect(update.edits != nil)
            var third = MessageReader(try await served.stream(have: "0000"))
            #expect(try await third.config() == ConfigUpdate(text: Served.text(port: 2)))
        }
    }

    @Test("A proxy that reads nothing delays no other")
    func slowProxy() async throws {
        try await Served.run { served in
            served.publish(port: 1)
            let slow = try await served.stream(have: nil)
            var quick = MessageReader(try await served.stream(have: nil))
            #expect(try await quick.config().port == 1)
            // Far more than the kernel and curl hold for the one that does not read.
            for port in 2...40 {
                served.publish(port: UInt16(port), padding: 1 << 20)
                #expect(try await quick.config().port == UInt16(port))
            }
            // It gets what was on its way, and then the newest: what was in between is gone.
            var late = MessageReader(slow)
            var ports: [UInt16] = []
            while ports.last != 40 { ports.append(try #require(try await late.config().port)) }
            #expect(ports.count < 39)
        }
    }

    // MARK: Refusals

    @Test("What cannot be believed is refused as problem details, in words")
    func refusals() async throws {
        try await Served.run { served in
            let noToken = try await served.get("/v1/config?proxyType=dataplane&name=web-1.shop", token: nil)
            #expect(noToken.status == 401)
            #expect(noToken.headers["content-type"] == "application/problem+json")
            let problem = try JSON(parsing: noToken.text)
            #expect(problem["type"]?.string == "urn:egret:no_token")
            #expect(problem["detail"]?.string == "the request has no token; send \"authorization: Bearer <token>\"")
            #expect(try await served.get("/v1/config?proxyType=dataplane&name=web-1.shop", token: "forged").status == 401)
            #expect(try await served.get("/v1/config?proxyType=egress&name=web-1.shop", token: "good").status == 403)
            #expect(try await served.get("/v1/config?proxyType=toaster&name=web-1.shop", token: "good").status == 400)
            #expect(try await served.get("/v1/config?proxyType=egress", token: "good").status == 400)
            #expect(served.lines.all.count == 5)
            #expect(served.lines.all.allSatisfy { $0.hasPrefix("warning Refused a proxy's request detail=") && !$0.contains("forged") })
        }
    }

    // MARK: Acknowledgements

    @Test("An acknowledgement is kept, with its errors, and told once")
    func acknowledgements() async throws {
        try await Served.run { served in
            let body = Acknowledgement(
                proxyType: .dataplane, proxy: "web-1.shop", mesh: "default", hash: "abc",
                errors: [.init(item: "cluster default:x", message: "no such host")])
            for _ in 0..<2 {
                let answer = try await served.post(Acknowledgement.path, try JSON(encoding: body))
                #expect(answer.status == 204)
            }
            #expect(
                served.book.all[Self.web]
                    == Planning.Acknowledgement(hash: "abc", errors: [.init(item: "cluster default:x", message: "no such host")]))
            #expect(try await served.post(Acknowledgement.path, ["proxy": 1]).status == 400)
        }
    }

    private typealias Acknowledgement = ConfigSync.Acknowledgement

    // MARK: Certificates

    @Test("A signing request for the planned name gets a chain that the mesh's CA vouches for")
    func certificate() async throws {
        try await Served.run { served in
            served.publish(port: 1)
            let key = ProxyKey()
            let answer = try await served.post(
                CertificateRequest.path, try served.request(csr: key.signingRequest(names: ["spiffe://default/web"], holder: Self.holder)))
            #expect(answer.status == 200)
            let chain = try JSON(parsing: answer.text).decoded(as: CertificateReply.self).chain
            let leaf = try Certificate.bundle(pem: chain, what: "the chain")
            #expect(leaf.count == 1 && leaf[0].publicKey == key.key.publicKey)
            #expect(served.authority.certificate.publicKey.isValidSignature(leaf[0].signature, for: leaf[0]))
        }
    }

    @Test("A signing request for another name, or in a mesh without an identity, is refused")
    func wrongName() async throws {
        try await Served.run { served in
            served.publish(port: 1)
            let greedy = try await served.post(
                CertificateRequest.path,
                try served.request(csr: ProxyKey().signingRequest(names: ["spiffe://default/zone-egress"], holder: Self.holder)))
            #expect(greedy.status == 403)
            #expect(try JSON(parsing: greedy.text)["type"]?.string == "urn:egret:bad_signing_request")
            let foreign = try await served.post(
                CertificateRequest.path,
                try served.request(mesh: "other", csr: ProxyKey().signingRequest(names: ["spiffe://other/web"], holder: Self.holder)))
            #expect(foreign.status == 403)
            #expect(try await served.post(CertificateRequest.path, "nonsense").status == 400)
        }
    }

    @Test("Before the first plan a certificate is asked for too early, and the answer says so")
    func tooEarly() async throws {
        try await Served.run { served in
            let answer = try await served.post(CertificateRequest.path, try served.request(csr: "x"))
            #expect(answer.status == 503)
        }
    }

    @Test("On Kubernetes a token is good for its own pod only: not for another, not in another namespace, not for another audience")
    func podTokens() async throws {
        // The text of a token says, here, what is wrong with it.
        let authenticator = TokenAuthenticator(
            review: { token, _ in
                AdmissionTests.review { review in
                    switch token {
                    case "namespace": review.set(["status", "user", "username"], to: "system:serviceaccount:shop:egret-egress")
                    case "audience": review.set(["status", "audiences"], to: ["https://kubernetes"])
                    case "expired": review["status"] = ["error": "token has expired"]
                    case "person": review.set(["status", "user", "username"], to: "alice")
                    case "unbound": review.set(["status", "user", "extra"], to: .none)
                    default: break
                    }
                }
            },
            evidence: { _ in AdmissionEvidence(systemNamespace: "kuma-system", pod: AdmissionTests.pod()) })
        try await Served.run(authenticator: authenticator) { served in
            served.publish(port: 1)
            for (proxy, token, status, reason) in [
                ("egret-egress-2.kuma-system", "good", 403, "wrong_pod"),
                ("egret-egress-1.shop", "good", 403, "wrong_namespace"),
                ("egret-egress-1.kuma-system", "namespace", 403, "wrong_namespace"),
                ("egret-egress-1.kuma-system", "audience", 401, "wrong_audience"),
                ("egret-egress-1.kuma-system", "expired", 401, "token_rejected"),
                ("egret-egress-1.kuma-system", "person", 401, "not_a_service_account"),
                ("egret-egress-1.kuma-system", "unbound", 401, "not_bound_to_pod"),
                // The right pod, and yet no Deployment of ours made it.
                ("egret-egress-1.kuma-system", "good", 403, "not_an_egress"),
            ] {
                let answer = try await served.get("/v1/config?proxyType=egress&name=\(proxy)", token: token)
                #expect(answer.status == status)
                #expect(try JSON(parsing: answer.text)["type"]?.string == "urn:egret:\(reason)")
            }
        }
    }

    @Test("A token is reviewed once for the requests of a while, and never shown")
    func tokenMemory() async throws {
        let reviews = Mutex(0)
        let authenticator = TokenAuthenticator(
            review: { _, audiences in
                #expect(audiences == ["egret-control-plane"])
                reviews.withLock { $0 += 1 }
                return AdmissionTests.review()
            },
            evidence: { _ in AdmissionEvidence(systemNamespace: "kuma-system", pod: AdmissionTests.pod()) })
        for _ in 0..<3 { try await authenticator.authenticate(token: "t", as: ProxyClaim(ProxyID(.egress, "egret-egress-1.kuma-system"))) }
        #expect(reviews.withLock { $0 } == 1)
        try await authenticator.authenticate(token: "u", as: ProxyClaim(ProxyID(.egress, "egret-egress-1.kuma-system")))
        #expect(reviews.withLock { $0 } == 2)
    }

    @Test("When Kubernetes cannot be asked, the answer is to come back")
    func unreachable() async throws {
        let authenticator = TokenAuthenticator(
            review: { _, _ throws(KubeError) in throw .transport(message: "connection refused", isSafeToRepeat: true) },
            evidence: { _ in AdmissionEvidence(systemNamespace: "kuma-system") })
        await #expect(throws: AccessRefusal(.unavailable, "")) {
            try await authenticator.authenticate(token: "t", as: ProxyClaim(ProxyID(.egress, "a.b")))
        }
    }
}
