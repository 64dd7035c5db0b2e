import Foundation

/// The real mailbox service, in memory, on a free port of this machine.
public final class MailboxService: Sendable {
    /// Where it listens.
    public let url: String

    private let process: Process

    /// Starts the program that `CONNECTOID_SERVICE` names.
    public init() throws {
        guard let program = ProcessInfo.processInfo.environment["CONNECTOID_SERVICE"] else {
            throw Failure("`CONNECTOID_SERVICE` names no program: run the tests by `cargo xtask swift`")
        }
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [
            "--listen", "127.0.0.1:0", "--memory", "--log", "off",
            // Tests open a thousand nodes from one address.
            "--requests-per-second", "1000000", "--box-requests-per-second", "1000000",
            "--questions-per-second", "1000000",
        ]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        url = try Self.address(output.fileHandleForReading)
    }

    deinit {
        stop()
    }

    /// Ends it.
    public func stop() {
        guard process.isRunning else { return }
        // It may have been started by a thread that blocks all other signals, which programs inherit.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func address(_ output: FileHandle) throws -> String {
        let start = "listening on "
        var line = ""
        while !line.hasSuffix("\n") {
            guard let byte = try output.read(upToCount: 1), !byte.isEmpty else {
                throw Failure("the service does not start")
            }
            line += String(decoding: byte, as: UTF8.self)
        }
        guard line.hasPrefix(start) else { throw Failure("the service says \(line)") }
        return String(line.dropFirst(start.count).dropLast())
    }
}

/// What a test fails with.
public struct Failure: Error, CustomStringConvertible {
    /// Why.
    public let description: String

    /// Fails with a sentence.
    public init(_ description: String) {
        self.description = description
    }
}
