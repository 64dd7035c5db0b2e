import 'dart:async';
import 'dart:io';
import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';

import 'src/runner.dart';
import 'src/support.dart';

final class _InMemory implements KeyStore {
  _InMemory([this.kept]);

  Uint8List? kept;
  Uint8List? lent;

  @override
  Future<Uint8List?> load() async => kept;

  @override
  Future<void> save(Uint8List secret) async {
    lent = secret;
    kept = Uint8List.fromList(secret);
  }
}

final class _Failing implements KeyStore {
  @override
  Future<Uint8List?> load() => throw AssertionError('the device is locked');

  @override
  Future<void> save(Uint8List secret) async {}
}

void keyStoreTests() {
  test('an app keeps the secret', () => story((service) => inFolder((folder) async {
    Future<String> open(KeyStore store) async {
      final node = await Node.open(settings(service, folder: folder), keyStore: store);
      await node.close();
      return node.userId;
    }

    final store = _InMemory();
    final user = await open(store);
    expect(store.kept?.length, 32);
    check(store.kept!.any((byte) => byte != 0));
    await Future<void>.value();
    check(store.lent!.every((byte) => byte == 0), 'what was lent is wiped');
    check(!File('$folder/key').existsSync(), 'the secret lies nowhere else');
    expect(await open(store), user);
    await fails<WrongKeyException>(() => open(_InMemory()));
    await fails<WrongKeyException>(() => open(_InMemory(Uint8List(32))));
    for (final length in [0, 31, 2 << 20]) {
      await fails<StorageUnavailableException>(() => open(_InMemory(Uint8List(length))));
    }
    expect(await open(store), user);
  })));

  test('a key store that fails fails the opening, and says why', () => story((service) => inFolder((folder) async {
    final failure = await fails<StorageUnavailableException>(
      () => Node.open(settings(service, folder: folder), keyStore: _Failing()),
    );
    check(failure.message.contains('the device is locked'), failure.message);
    expect(failure.blame, Blame.storage);
  })));

  test('a store of texts keeps the secret', () => story((service) => inFolder((folder) async {
    String? kept;
    final zone = Object();
    var zones = 0;
    final store = KeyStore.ofTexts(
      read: () async {
        if (Zone.current[zone] == true) zones++;
        return kept;
      },
      write: (text) async => kept = text,
    );
    Future<String> open() => runZoned(() async {
      final node = await Node.open(settings(service, folder: folder), keyStore: store);
      await node.close();
      return node.userId;
    }, zoneValues: {zone: true});

    final user = await open();
    expect(await open(), user);
    expect(zones, 2);
    kept = 'no *secret*';
    final failure = await fails<StorageUnavailableException>(open);
    check(!failure.message.contains('*secret*'), failure.message);
  })));

  test('a passphrase opens its folder alone', () => story((service) => inFolder((folder) async {
    final right = settings(service, folder: folder, passphrase: 'correct horse');
    await (await Node.open(right)).close();
    final wrong = settings(service, folder: folder, passphrase: 'wrong');
    final failure = await fails<WrongKeyException>(() => Node.open(wrong));
    expect([failure.kind, failure.blame], ['wrong_key', Blame.storage]);
    await (await Node.open(right)).close();
    check(!'$right'.contains('correct horse') && '$right'.contains('idle_timeout'), right);
  })));
}
