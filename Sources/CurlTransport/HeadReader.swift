/// Joins the header lines curl hands over into a head. Interim answers (1xx) are skipped; trailers come too late to count.
struct HeadReader {
    private var status = 0
    private var fields: [HTTPHeader] = []
    private var isComplete = false

    /// The head, when this line was the empty one that ends it.
    mutating func received(line bytes: UnsafeRawBufferPointer) -> Exchange.Head? {
        guard !self.isComplete else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).trimming()
        if line.isEmpty {
            guard self.status >= 200 else { return nil }
            self.isComplete = true
            return Exchange.Head(status: self.status, headers: HTTPHeaders(self.fields))
        }
        if line.hasPrefix("HTTP/") {
            // `HTTP/1.1 200 OK`, `HTTP/2 200`
            self.status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            self.fields = []
        } else if let colon = line.firstIndex(of: ":") {
            self.fields.append(HTTPHeader(String(line[..<colon]), String(line[line.index(after: colon)...]).trimming()))
        }
        return nil
    }
}

extension String {
    fileprivate func trimming() -> String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
        let start = self.drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(start[...last])
    }
}
