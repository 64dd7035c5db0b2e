import Foundation
internal import ConnectoidBindings

/// A link as a QR code, to be scanned in person, with the light margin without which cameras do not find it.
public final class QRCode: Sendable {
    private let ffi: ConnectoidBindings.Qr

    /// Makes the code of a link, of at most 2,331 bytes.
    ///
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` if it is longer.
    public init(_ link: String) throws {
        ffi = try call { try ConnectoidBindings.Qr(link: link) }
    }

    /// As an SVG document, one unit per module.
    public var svg: String {
        get throws { try call { try ffi.svg() } }
    }

    /// As a PNG image, black on white.
    ///
    /// - Parameter scale: Pixels per module, 1 to 32.
    /// - Throws: ``ConnectoidError/Kind-swift.enum/usage`` for another scale.
    public func png(scale: Int) throws -> Data {
        // What does not fit is as wrong as 0 is.
        try call { try ffi.png(scale: UInt32(exactly: scale) ?? 0) }
    }

    /// For a terminal with a dark background.
    public var terminal: String {
        get throws { try call { try ffi.terminal() } }
    }
}
