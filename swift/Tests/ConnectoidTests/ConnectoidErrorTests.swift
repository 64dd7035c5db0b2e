@testable import Connectoid
import ConnectoidBindings
import Foundation
import Testing

@Suite struct ConnectoidErrorTests {
    @Test func aProblemOfTheLibraryBecomesAnError() {
        let problem = Problem(kind: .linkUsed, blame: .peer, text: "text", debug: "debug")
        let error = ConnectoidError(problem)
        #expect(error.kind == .linkUsed && error.blame == .peer && error.debug == "debug")
        #expect(error.message == "text" && error.localizedDescription == "text")
        #expect("\(error)" == "link_used: text")
    }

    /// The names that every language uses, as `schema.json` has them.
    @Test func eachKindOfErrorIsThere() throws {
        let schema = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../bindings/c/schema.json")
        let all = try JSONValue(json: String(contentsOf: schema, encoding: .utf8))
        let kinds = try #require(all["$defs"]?["ErrorKind"]?["oneOf"]?.array).compactMap { $0["const"]?.string }
        #expect(Set(kinds + ["unknown"]) == Set(ConnectoidError.Kind.allCases.map(\.rawValue)))
    }
}
