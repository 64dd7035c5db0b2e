import Connectoid
import Foundation

/// Plays a person in the stories of `tests/scenarios`: does what it is told, a line of JSON each, through the public API.
@main struct ActorProgram {
    static func main() async {
        let actor = Actor()
        for await line in lines() { await actor.take(line) }
        await actor.leave()
    }

    /// The lines of standard input. Reading blocks, so a thread of its own does it.
    private static func lines() -> AsyncStream<String> {
        let (lines, told) = AsyncStream.makeStream(of: String.self)
        Thread.detachNewThread {
            while let line = readLine() { told.yield(line) }
            told.finish()
        }
        return lines
    }
}

/// One node, and the calls that are under way.
actor Actor {
    private var node: Node?
    private var calls: [Int: Task<Void, Never>] = [:]

    /// Starts what it is told to do; the answer follows when there is one.
    func take(_ line: String) {
        do {
            let order = try JSONValue(json: line)
            guard let id = order["id"]?.int else { throw Misunderstood("an order has no id") }
            calls[id] = Task {
                say(await answer(order, id))
                calls[id] = nil
            }
        } catch {
            FileHandle.standardError.write(Data("\(error): \(line)\n".utf8))
        }
    }

    /// Closes the node if that was not done.
    func leave() async {
        for call in calls.values { await call.value }
        await node?.close()
    }

    /// Does what it is told, and says how it went.
    private func answer(_ order: JSONValue, _ id: Int) async -> JSONValue {
        do {
            return ["id": JSONValue(id), "reply": try await obey(order, id)]
        } catch let error as ConnectoidError {
            return ["id": JSONValue(id), "error": error.json]
        } catch is CancellationError {
            return ["id": JSONValue(id), "error": ["kind": "cancelled", "message": "the app took the call back"]]
        } catch {
            return ["id": JSONValue(id), "error": ["kind": "usage", "message": .string("\(error)")]]
        }
    }

    private func obey(_ order: JSONValue, _ id: Int) async throws -> JSONValue {
        if let settings = order["open"] { return try await open(settings) }
        if let call = order["call"] {
            guard let node else { throw Misunderstood("there is no node") }
            return try await play(call, id, on: node)
        }
        if let call = order["cancel"]?.int {
            calls[call]?.cancel()
            return done
        }
        guard order["close"] == true else { throw Misunderstood("an order is none of open, call, cancel and close") }
        await node?.close()
        return done
    }

    private func open(_ settings: JSONValue) async throws -> JSONValue {
        let node = try await Node.open(try NodeSettings(settings))
        let events = node.events
        Task {
            for await event in events { say(["event": event.json]) }
        }
        self.node = node
        return ["reply": "user", "id": .string(node.userId)]
    }
}

/// An order that is none.
struct Misunderstood: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

let done: JSONValue = ["reply": "done"]

/// Writes a line.
func say(_ value: JSONValue) {
    // All that is said comes from the library, which has no numbers that JSON has not.
    guard let line = try? value.json() else { return }
    output.withLock { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

private let output = NSLock()
