/// Which of a connection's two sockets.
enum Side: Hashable {
    case client, upstream
}

/// One socket as its connection sees it.
final class Leg {
    let side: Side
    /// -1 before it is there and after it is closed.
    var fd: Int32 = -1
    /// Nil where the socket carries plaintext.
    var tls: TLSSession?
    var unsent = Unsent()
    /// Received together with the end of the handshake, to be decrypted when there is another side to send it to.
    var kept: [UInt8] = []
    /// The socket may have something that was not received yet.
    var isReadable = false
    /// Its bytes are not heard of: the other side takes none, and each packet would wake the loop for nothing.
    var isMuted = false
    /// The end of its input is on its way.
    var isHungUp = false
    /// Nothing more will come from it.
    var inputEnded = false
    /// Nothing more will be sent to it: the last bytes are on their way.
    var outputEnded = false
    /// The last bytes have left (or never will).
    var outputDone = false
    /// Our end has been sent.
    var isShutDown = false
    /// Sending failed, and why. What it had said before is still passed on.
    var broken: String?
    /// Its window is closed, and its user timeout taken back: see `PeerWatch`.
    var isSpared = false
    /// When it was looked at last, it had acknowledged everything.
    var isSettled = false
    /// Plaintext bytes received from it.
    var bytes: UInt64 = 0

    init(_ side: Side) { self.side = side }

    var isOpen: Bool { self.fd >= 0 }
}
