import Testing

@testable import DevNode

struct AddressPoolTests {
    @Test("every holder gets an address of its own and keeps it")
    func unique() throws {
        var pool = AddressPool(try AddressBlock("127.9.0.0/29"))
        #expect(pool.take(for: "a") == "127.9.0.1")
        #expect(pool.take(for: "b") == "127.9.0.2")
        #expect(pool.take(for: "a") == "127.9.0.1")
    }

    @Test("a released address waits until the others had their turn")
    func reuse() throws {
        var pool = AddressPool(try AddressBlock("127.9.0.0/30"))
        #expect(pool.take(for: "a") == "127.9.0.1")
        pool.release("a")
        #expect(pool.take(for: "b") == "127.9.0.2")
        #expect(pool.take(for: "c") == "127.9.0.1")
        #expect(pool.take(for: "d") == nil)
        pool.release("b")
        #expect(pool.take(for: "d") == "127.9.0.2")
    }

    @Test(
        "a block that is not a whole loopback network is refused with a sentence",
        arguments: ["", "127.0.0.0", "10.0.0.1/8", "127.0.0.1/16", "127.0.0.0/31", "127.0.0/8", "127.0.0.0/8/9", "127.+1.0.0/16"])
    func invalid(text: String) {
        #expect(throws: AddressBlock.Invalid(text: text)) { try AddressBlock(text) }
    }

    @Test("a block prints as it is written")
    func prints() throws {
        #expect(try AddressBlock("127.10.0.0/16") == .pods)
        #expect(AddressBlock.pods.description == "127.10.0.0/16")
    }
}
