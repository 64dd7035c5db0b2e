import 'dart:convert';
import 'dart:typed_data';

/// Keeps the master secret of one data folder, where the platform has a place for secrets. Asked when a node opens, and
/// given two minutes: a person may have to unlock it.
///
/// What it throws becomes the text of a `StorageUnavailableException`, so it must not contain the secret.
abstract interface class KeyStore {
  /// Over a store of texts, such as `flutter_secure_storage`:
  ///
  /// ```dart
  /// const storage = FlutterSecureStorage(
  ///   aOptions: AndroidOptions(resetOnError: false),
  ///   iOptions: IOSOptions(accessibility: KeychainAccessibility.first_unlock_this_device),
  /// );
  /// final keyStore = KeyStore.ofTexts(
  ///   read: () => storage.read(key: 'connectoid'),
  ///   write: (text) => storage.write(key: 'connectoid', value: text),
  /// );
  /// ```
  const factory KeyStore.ofTexts({
    required Future<String?> Function() read,
    required Future<void> Function(String text) write,
  }) = _TextKeyStore;

  /// The secret, 32 bytes; null if none was ever kept.
  Future<Uint8List?> load();

  /// Keeps a secret; it must be durable when this completes. The list is wiped then: copy what stays.
  Future<void> save(Uint8List secret);
}

final class _TextKeyStore implements KeyStore {
  const _TextKeyStore({required this.read, required this.write});

  final Future<String?> Function() read;
  final Future<void> Function(String text) write;

  @override
  Future<Uint8List?> load() async {
    final text = await read();
    if (text == null) return null;
    try {
      return base64.decode(text);
    } on FormatException {
      // The text of that exception has the secret in it.
      throw const FormatException('what the store has kept is no secret of a node');
    }
  }

  @override
  Future<void> save(Uint8List secret) => write(base64.encode(secret));
}
