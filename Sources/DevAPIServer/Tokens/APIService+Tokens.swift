import FoundationEssentials
import JSONModel

extension APIService {
    private func tokenType(_ kind: String) -> ResourceType {
        ResourceType(
            group: "authentication.k8s.io", version: "v1", kind: kind, listKind: "", plural: "\(kind.lowercased())s",
            singular: kind.lowercased(), isNamespaced: true, schema: self.registry.types[kind])
    }

    /// `serviceaccounts/NAME/token`
    func requestToken(_ call: Call, account name: String) async throws -> APIReply {
        let type = self.tokenType("TokenRequest")
        var request = try self.decodeBody(call, as: type)
        _ = try self.normalize(&request, old: nil, call: call, type: type)
        let account = try self.get(call.type, call.namespace, name)
        let wanted = request.at("spec", "expirationSeconds")?.int ?? 3600
        guard wanted >= 600 else {
            throw APIError.invalid(
                type, name, [.invalid("spec.expirationSeconds", JSON(wanted), "may not specify a duration less than 10 minutes")])
        }
        let seconds = min(wanted, 86_400 * 365)
        let asked = (request.at("spec", "audiences")?.array ?? []).compactMap(\.string)
        let audiences = asked.isEmpty ? [TokenAuthority.defaultAudience] : asked
        let now = self.now()
        let issued = Int(now.timeIntervalSince1970)
        var binding = ServiceAccountClaims.Binding(
            namespace: call.namespace, serviceaccount: .init(name: name, uid: account.meta("uid") ?? ""))
        if let reference = request.at("spec", "boundObjectRef"), reference.object?.isEmpty == false {
            try self.bind(&binding, to: reference, call)
        }
        let claims = ServiceAccountClaims(
            iss: TokenAuthority.issuer, sub: "system:serviceaccount:\(call.namespace):\(name)", aud: audiences, iat: issued, nbf: issued,
            exp: issued + seconds, jti: UUID().uuidString.lowercased(), kubernetes: binding)
        var answer = request
        answer.set(["metadata", "name"], to: JSON(name))
        answer.set(["metadata", "namespace"], to: JSON(call.namespace))
        answer.set(["metadata", "creationTimestamp"], to: JSON(Timestamp.text(now)))
        answer.set(["spec", "audiences"], to: .array(audiences.map { JSON($0) }))
        answer.set(["spec", "expirationSeconds"], to: JSON(seconds))
        answer["status"] = [
            "token": JSON(try await self.tokens.issue(claims)),
            "expirationTimestamp": JSON(Timestamp.text(now.addingTimeInterval(Double(seconds)))),
        ]
        return APIReply(code: 201, body: .json(answer))
    }

    /// Ties the token to a pod or secret: it ends with that object.
    private func bind(_ binding: inout ServiceAccountClaims.Binding, to reference: JSON, _ call: Call) throws {
        let kind = reference["kind"]?.string ?? ""
        let name = reference["name"]?.string ?? ""
        guard let resource = ["Pod": "pods", "Secret": "secrets"][kind],
            let type = self.registry.find(group: "", version: "v1", resource: resource)
        else { throw APIError.badRequest("cannot bind token for serviceaccount to a \(kind); only Pod and Secret are known here") }
        let object = try self.get(type, call.namespace, name)
        let uid = object.meta("uid") ?? ""
        if let wanted = reference["uid"]?.string, !wanted.isEmpty, wanted != uid {
            throw APIError.conflict(
                type, name,
                "the UID in the bound object reference (\(wanted)) does not match the UID in record. The object might have been "
                    + "deleted and then recreated")
        }
        if kind == "Pod" {
            let account = object.at("spec", "serviceAccountName")?.string ?? "default"
            guard account == binding.serviceaccount.name else {
                throw APIError.badRequest(
                    "cannot bind token for serviceaccount \"\(binding.serviceaccount.name)\" to pod running with different serviceaccount name."
                )
            }
            binding.pod = .init(name: name, uid: uid)
        } else {
            binding.secret = .init(name: name, uid: uid)
        }
    }

    func reviewToken(_ call: Call) async throws -> APIReply {
        var review = try self.decodeBody(call, as: call.type)
        _ = try self.normalize(&review, old: nil, call: call, type: call.type)
        let token = review.at("spec", "token")?.string ?? ""
        let asked = (review.at("spec", "audiences")?.array ?? []).compactMap(\.string)
        let audiences = asked.isEmpty ? [TokenAuthority.defaultAudience] : asked
        guard !token.isEmpty else {
            throw APIError.invalid(call.type, "", [.required("spec.token", "token is required for TokenReview in authentication")])
        }
        if self.tokens.isAdmin(token) {
            review["status"] = ["authenticated": true, "user": User.admin.json, "audiences": .array(audiences.map { JSON($0) })]
        } else {
            do {
                let verdict = try await self.tokens.authenticate(token, audiences: audiences, store: self.store, now: self.now())
                review["status"] = [
                    "authenticated": true, "user": verdict.user.json, "audiences": .array(verdict.audiences.map { JSON($0) }),
                ]
            } catch {
                review["status"] = ["user": [:], "error": JSON("[\(error.reason)]")]
            }
        }
        return APIReply(code: 201, body: .json(review))
    }

    /// RBAC objects are stored and not enforced: whoever is authenticated may do everything.
    func reviewAccess(_ call: Call) throws -> APIReply {
        var review = try self.decodeBody(call, as: call.type)
        review["status"] = ["allowed": true, "reason": "egret-devcluster is for development and does not enforce RBAC"]
        return APIReply(code: 201, body: .json(review))
    }
}
