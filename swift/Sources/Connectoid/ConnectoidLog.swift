internal import ConnectoidBindings

/// What the SDK does, line by line, for the log of the app and for bug reports. A process has one, whatever nodes it has.
///
/// ```swift
/// let log = try ConnectoidLog.follow(.debug) { line in print(line.level, line.target, line.message) }
/// ```
public enum ConnectoidLog {
    /// Calls a handler with what is said from now on, up to a level, until the subscription is cancelled or nothing
    /// refers to it any more.
    ///
    /// The handler is called on a thread of its own, one line at a time, and may call nodes. If it falls behind by 1,024
    /// lines, further ones are lost, and a line says how many.
    public static func follow(
        _ level: LogLevel, _ handler: @escaping @Sendable (LogLine) -> Void
    ) throws -> LogSubscription {
        try call { LogSubscription(try followLog(level: level.ffi, listener: Handler(handler))) }
    }
}

/// Something that was said. It names no link, key, address or value.
public struct LogLine: Sendable, Hashable {
    /// How much it matters.
    public let level: LogLevel
    /// The part of the SDK that says it. Parts are renamed between versions.
    public let target: String
    /// What, in English.
    public let message: String
}

/// How much a line of the log matters; each level includes those before.
public enum LogLevel: String, Sendable, Hashable, CaseIterable {
    /// Something failed that should not: a defect, or a store that cannot be written.
    case error
    /// Something is wrong, and the node goes on.
    case warn
    /// What happens seldom.
    case info
    /// What a node does: connections, offers, rounds to the mailbox. For bug reports.
    case debug
    /// Everything.
    case trace
}

/// Lines of the log go on until this is cancelled, or nothing refers to it any more.
public final class LogSubscription: Sendable {
    private let ffi: ConnectoidBindings.LogSubscription

    init(_ ffi: ConnectoidBindings.LogSubscription) {
        self.ffi = ffi
    }

    deinit {
        cancel()
    }

    /// Ends it. Afterwards nothing is told but a line that is being told. Ending it again does nothing.
    public func cancel() {
        do {
            try ffi.cancel()
        } catch {
            report("a log could not be ended", error)
        }
    }
}

private final class Handler: ConnectoidBindings.LogListener {
    private let handle: @Sendable (LogLine) -> Void

    init(_ handle: @escaping @Sendable (LogLine) -> Void) {
        self.handle = handle
    }

    func onLine(line: ConnectoidBindings.LogLine) throws {
        handle(LogLine(level: LogLevel(line.level), target: line.target, message: line.message))
    }
}

extension LogLevel {
    fileprivate init(_ level: ConnectoidBindings.LogLevel) {
        self =
            switch level {
            case .error: .error
            case .warn: .warn
            case .info: .info
            case .debug: .debug
            case .trace: .trace
            }
    }

    fileprivate var ffi: ConnectoidBindings.LogLevel {
        switch self {
        case .error: .error
        case .warn: .warn
        case .info: .info
        case .debug: .debug
        case .trace: .trace
        }
    }
}
