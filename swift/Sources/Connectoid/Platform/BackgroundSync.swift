extension Node {
    /// Looks for news and brings them in, for work that the system runs in the background: returns when nothing has
    /// happened for `quiet`, at the latest after `budget`. The node is open before and after.
    ///
    /// The defaults fit into the half minute that a `BGAppRefreshTask` has. Call it in the task's handler, and cancel it
    /// in the handler of the task's expiration.
    ///
    /// - Returns: Whether every peer is known to have all that this node has; one that is offline for days is nothing to
    ///   hurry for.
    public func syncInBackground(
        budget: Duration = .seconds(25), quiet: Duration = .seconds(8)
    ) async throws -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + budget
        let events = events
        try await syncNow()
        let last = Locked(clock.now)
        let listening = Task {
            for await _ in events { last.withLock { $0 = clock.now } }
        }
        defer { listening.cancel() }
        while true {
            let rest = min(last.withLock { $0 } + quiet, end)
            if rest <= clock.now { break }
            try await clock.sleep(until: rest)
        }
        let paired = try await peers().filter { $0.state == .paired }
        return paired.allSatisfy { peer in peer.groups.allSatisfy { $0.lacks == 0 } }
    }
}
