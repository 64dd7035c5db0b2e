/// Tells a node what the platform says, in order; of several that wait, the last. What the node is told while the app
/// closes it is of no interest.
final class Teller<Word: Sendable>: Sendable {
    private let words: AsyncStream<Word>.Continuation

    init(_ tell: @escaping @Sendable (Word) async throws -> Void) {
        let (stream, words) = AsyncStream.makeStream(of: Word.self, bufferingPolicy: .bufferingNewest(1))
        self.words = words
        Task {
            for await word in stream {
                do {
                    try await tell(word)
                } catch let error as ConnectoidError where error.kind == .closed {
                    return
                } catch {
                    report("the node could not be told", error)
                }
            }
        }
    }

    deinit {
        words.finish()
    }

    func tell(_ word: Word) {
        words.yield(word)
    }
}
