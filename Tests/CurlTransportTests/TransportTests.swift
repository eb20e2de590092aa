import Testing

/// One after the other: several of these measure silence, and some move many bytes.
@Suite("Transport", .serialized)
enum TransportTests {}
