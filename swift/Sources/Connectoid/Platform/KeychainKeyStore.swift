#if canImport(Security)
import Foundation
import Security

/// Keeps the master secret in the system's keychain, readable after the device was unlocked once since it started, so
/// that the app may sync in the background; it leaves the device neither by backup nor by iCloud.
///
/// The data folder alone, restored on another device, is of no use then: exclude it from backups
/// (`URLResourceValues.isExcludedFromBackup`), or expect ``ConnectoidError/Kind-swift.enum/wrongKey`` there.
///
/// On macOS, this keychain is for apps that are signed with an entitlement for a keychain access group (the capability
/// *Keychain Sharing*). To others it answers with `errSecMissingEntitlement`, and opening a node fails with
/// ``ConnectoidError/Kind-swift.enum/storageUnavailable``: give a program on the command line a passphrase, or a key store
/// of its own.
public struct KeychainKeyStore: KeyStore {
    /// What the keychain failed with.
    public struct Failure: Error, CustomStringConvertible {
        /// The status, one of Security's `errSec…`.
        public let status: OSStatus

        /// What the status means, in the system's words.
        public var description: String {
            let text = SecCopyErrorMessageString(status, nil) as String? ?? "unknown"
            return "the keychain fails with status \(status): \(text)"
        }
    }

    private let service: String
    private let account: String
    private let accessGroup: String?

    /// A place in the keychain.
    ///
    /// - Parameters:
    ///   - account: Names the data folder, if the app has several.
    ///   - accessGroup: A keychain access group, to share the node with an extension of the app.
    public init(account: String = "node", accessGroup: String? = nil) {
        service = "io.github.connectoid"
        self.account = account
        self.accessGroup = accessGroup
    }

    public func load() async throws -> Data? {
        var query = place
        query[kSecReturnData] = true
        query[kSecMatchLimit] = kSecMatchLimitOne
        var found: CFTypeRef?
        let status = SecItemCopyMatching(query as CFDictionary, &found)
        switch status {
        case errSecSuccess: return found as? Data
        case errSecItemNotFound: return nil
        default: throw Failure(status: status)
        }
    }

    public func save(_ secret: Data) async throws {
        let content: [CFString: Any] = [
            kSecValueData: secret,
            kSecAttrAccessible: kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly,
        ]
        var status = SecItemUpdate(place as CFDictionary, content as CFDictionary)
        if status == errSecItemNotFound {
            status = SecItemAdd(place.merging(content) { _, new in new } as CFDictionary, nil)
        }
        guard status == errSecSuccess else { throw Failure(status: status) }
    }

    private var place: [CFString: Any] {
        var place: [CFString: Any] = [
            kSecClass: kSecClassGenericPassword,
            kSecAttrService: service,
            kSecAttrAccount: account,
            // On macOS too, the keychain that iOS has.
            kSecUseDataProtectionKeychain: true,
        ]
        if let accessGroup { place[kSecAttrAccessGroup] = accessGroup }
        return place
    }
}
#endif
