import FuzzTargets
import Glibc

/// The target is named in EGRET_FUZZ_TARGET. Built by hack/fuzz alone: libFuzzer brings the main function.
private let target: FuzzTarget = {
    let name = getenv("EGRET_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget(rawValue: name) else {
        fatalError("EGRET_FUZZ_TARGET is not one of \(FuzzTarget.allCases.map(\.rawValue))")
    }
    return target
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.run(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
