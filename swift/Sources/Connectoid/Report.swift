import Foundation

#if canImport(os)
import os

private let log = Logger(subsystem: "io.github.connectoid", category: "app")
#endif

/// Tells what the app's own code failed with, where nobody waits for it: in the unified log, or on standard error where
/// there is none.
func report(_ what: String, _ error: any Error) {
    #if canImport(os)
    // Without a word about it, the log would show neither.
    log.error("\(what, privacy: .public): \(String(describing: error), privacy: .public)")
    #else
    FileHandle.standardError.write(Data("connectoid: \(what): \(error)\n".utf8))
    #endif
}
