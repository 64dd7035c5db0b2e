internal import ConnectoidBindings

/// What the doctor found.
public struct Diagnosis: Sendable, Hashable {
    /// The findings; none if all is well.
    public let findings: [Finding]
    /// What happened lately, oldest first, without secrets.
    public let trace: [String]
}

/// One finding of the doctor.
public struct Finding: Sendable, Hashable {
    /// The peer or service that it is about.
    public let about: String
    /// What is wrong, for programs.
    public let kind: ConnectoidError.Kind
    /// What is wrong and what to do, for people.
    public let message: String
}

extension Diagnosis {
    init(_ diagnosis: ConnectoidBindings.Diagnosis) {
        self.init(
            findings: diagnosis.findings.map {
                Finding(about: $0.about, kind: ConnectoidError.Kind($0.kind), message: $0.text)
            },
            trace: diagnosis.trace
        )
    }
}
