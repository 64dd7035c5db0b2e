import ConnectoidTestSupport
import Foundation
import Testing

@Suite struct QuickStartTests {
    @Test func theQuickStartDoesWhatItSays() async throws {
        try await story { service in
            try await inFolder { folder in
                let shown = try await quickStart(service: service, folder: folder)
                #expect(shown == "milk: 2")
            }
        }
    }

    @Test func theQuickStartIsInTheReadmeAsItStands() throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let source = try String(contentsOf: here.appendingPathComponent("QuickStart.swift"), encoding: .utf8)
        let readme = try String(contentsOf: here.appendingPathComponent("../../README.md"), encoding: .utf8)
        #expect(readme.contains("```swift\n\(source)```\n"))
    }
}
