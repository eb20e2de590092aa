import JSONModel
import Logging

/// The admin server's list of pages, for a browser.
enum AdminIndex {
    static func page(isLocal: Bool) -> AdminAnswer {
        let rows = AdminRouter.pages.filter { $0.path != "/" && (isLocal || !$0.isInside) }.map { page in
            "<tr><td><a href=\"\(page.path)\">\(page.path)</a></td><td>\(page.about)</td></tr>"
        }
        let levels = Logger.Level.allCases.map { level in
            "<form method=\"post\" action=\"/logging?level=\(level.rawValue)\"><button>\(level.rawValue)</button></form>"
        }
        let more =
            isLocal
            ? "<p>Log level: \(levels.joined(separator: " "))</p>\n<p>Drain: <code>curl -X POST http://127.0.0.1:PORT/drain</code></p>"
            : "<p>More pages are shown on the proxy's own loopback address.</p>"
        return AdminAnswer(
            type: "text/html; charset=utf-8",
            text: """
                <!doctype html>
                <html lang="en"><head><meta charset="utf-8"><title>egret-dp</title>
                <style>body{font-family:sans-serif;margin:2em}td{padding:.2em 1em .2em 0}form{display:inline}</style></head>
                <body><h1>egret-dp \(EgretVersion.current)</h1>
                <table>
                \(rows.joined(separator: "\n"))
                </table>
                \(more)
                </body></html>

                """)
    }
}
