/// What a ClientHello says about itself, as far as a proxy that doesn't own the certificate may care.
package struct ClientHello: Sendable {
    package init() {}
}
