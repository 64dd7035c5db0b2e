import Foundation

/// How the app's own types become fields and fields become them.
enum JSONCoding {
    static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dataDecodingStrategy = .custom { decoder in
            let value = try JSONValue(from: decoder)
            guard let bytes = value.bytes else { throw mismatch(Data.self, "these are no bytes", decoder) }
            return bytes
        }
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let date = Moment.date(text) else {
                throw mismatch(Date.self, "this is no moment as RFC 3339 writes one", decoder)
            }
            return date
        }
        return decoder
    }

    static func fields(of value: some Encodable) throws -> [String: JSONValue] {
        let encoder = JSONEncoder()
        encoder.dataEncodingStrategy = .custom { data, encoder in try JSONValue.bytes(data).encode(to: encoder) }
        encoder.dateEncodingStrategy = .custom { date, encoder in
            guard let text = Moment.text(date) else {
                let what = "a moment is between the years 1 and 9999"
                // Foundation ends the program when it has to describe such a date.
                let seconds = date.timeIntervalSince1970
                throw EncodingError.invalidValue(seconds, .init(codingPath: encoder.codingPath, debugDescription: what))
            }
            var container = encoder.singleValueContainer()
            try container.encode(text)
        }
        let json = String(decoding: try encoder.encode(value), as: UTF8.self)
        guard let fields = try JSONValue(json: json).object else {
            throw ConnectoidError.usage("a record's fields are a JSON object")
        }
        return fields
    }

    private static func mismatch(_ type: Any.Type, _ what: String, _ decoder: any Decoder) -> DecodingError {
        .typeMismatch(type, DecodingError.Context(codingPath: decoder.codingPath, debugDescription: what))
    }
}

/// Moments as all languages read them: text as in RFC 3339, in UTC, to the microsecond.
enum Moment {
    /// RFC 3339 has years of four digits.
    private static let years = -62_135_596_800.0..<253_402_300_800.0

    static func text(_ date: Date) -> String? {
        guard years.contains(date.timeIntervalSince1970) else { return nil }
        let micros = (date.timeIntervalSince1970 * 1_000_000).rounded()
        let seconds = (micros / 1_000_000).rounded(.down)
        let fraction = Int(micros - seconds * 1_000_000)
        let whole = formatter().string(from: Date(timeIntervalSince1970: seconds))
        guard fraction > 0 else { return whole }
        let digits = String(fraction)
        return whole.dropLast() + "." + String(repeating: "0", count: 6 - digits.count) + digits + "Z"
    }

    static func date(_ text: String) -> Date? {
        guard let point = text.firstIndex(of: ".") else { return formatter().date(from: text) }
        let digits = text[text.index(after: point)...].prefix { $0.isASCII && $0.isNumber }
        let whole = text[..<point] + text[digits.endIndex...]
        guard !digits.isEmpty, let fraction = Double("0." + digits),
            let date = formatter().date(from: String(whole))
        else { return nil }
        return date.addingTimeInterval(fraction)
    }

    // Made anew: it is not for several threads.
    private static func formatter() -> ISO8601DateFormatter {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime]
        return formatter
    }
}
