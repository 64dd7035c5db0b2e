/// The records of a collection in the order of their ids, from single changes. Never full: what is not taken is replaced
/// by what is newer.
struct Snapshot: Buffer {
    private var records: [Record] = []
    private var complete = false
    private var changed = false
    private var failure: (any Error)?

    let isFull = false

    mutating func put(_ changes: Result<[RecordChange], any Error>) {
        switch changes {
        case let .success(changes):
            // That everything was read again is no news.
            changed = changed || !changes.isEmpty || !complete
            complete = complete || changes.isEmpty
            for change in changes { apply(change) }
        case let .failure(error):
            failure = error
        }
    }

    mutating func take() -> Result<[Record], any Error>? {
        if let failure { return .failure(failure) }
        guard changed && complete else { return nil }
        changed = false
        return .success(records)
    }

    private mutating func apply(_ change: RecordChange) {
        let place = place(of: change.id)
        let exists = place < records.count && !precedes(change.id, records[place].id)
        switch (change.record, exists) {
        case (let record?, true): records[place] = record
        case (let record?, false): records.insert(record, at: place)
        case (nil, true): records.remove(at: place)
        case (nil, false): break
        }
    }

    /// Where a record of this id is, or belongs.
    private func place(of id: String) -> Int {
        // At first, all come in order.
        if let last = records.last, precedes(last.id, id) { return records.count }
        var (low, high) = (0, records.count)
        while low < high {
            let middle = (low + high) / 2
            if precedes(records[middle].id, id) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The order in which the library lists ids: that of their UTF-8. Swift's own takes texts for equal that Unicode
/// composes differently.
func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
}
