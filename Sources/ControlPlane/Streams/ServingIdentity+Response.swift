import HTTPTypes
import Hummingbird
import Identity
import NIOCore

extension ServingIdentity {
    /// `GET /v1/ca`: the CA certificate, for callers that know its hash by their token.
    var authorityResponse: Response {
        Response(
            status: .ok, headers: [.contentType: "application/x-pem-file"],
            body: .init(byteBuffer: ByteBuffer(string: self.certificate.authority.certificate.pem)))
    }
}
