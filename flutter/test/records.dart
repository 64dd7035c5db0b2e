import 'dart:typed_data';

import 'package:connectoid/connectoid.dart';
import 'package:connectoid/src/following.dart';

import 'src/runner.dart';
import 'src/support.dart';

void recordsTests() {
  test('unicode, bytes and large values arrive as they are', () => storyOfTwo((alice, bob) async {
    const text = 'e\u0301 ü 你好 שלום 👩‍👩‍👧 \u0000 \u2028 \u{1F600} " \\ \n';
    final bytes = Uint8List.fromList(List.generate(1000, (at) => at));
    final fields = {
      text: text,
      'large': 'ä' * 100000,
      'bytes': bytes,
      'none': Uint8List(0),
      'nothing': null,
      'list': [1, 1.5, true, bytes],
      'map': {'deep': bytes},
      'great': (1 << 53) - 1,
    };
    await alice.put('g', 'c', 'ключ 🔑', fields);
    final record = await bob.eventually(() => bob.record('g', 'c', 'ключ 🔑'));
    expect(record.fields, fields);
    check(record['bytes'] is Uint8List && record['none'] is Uint8List);
    expect(await bob.record('g', 'c', 'ключ'), null);
    expect((await bob.list('g', 'c')).single, record);
    final versions = await bob.history('g', 'c', 'ключ 🔑');
    expect(versions.singleWhere((version) => version.field == 'bytes').value, bytes);
    expect(Record.fromJson(record.toJson()), record);
  }));

  test('several writes are one, or none', () => alone((node) async {
    Write put(String id, [Object? x = 1]) => Write.put(collection: 'c', id: id, fields: {'x': x});
    Future<List<String>> ids() async => [for (final record in await node.list('g', 'c')) record.id];
    await node.commit('g', [put('a'), put('b')]);
    await node.commit('g', [put('b'), const Write.delete(collection: 'c', id: 'a')]);
    expect(await ids(), ['b']);
    await fails<UsageException>(() => node.commit('g', [put('c'), put('d', 1 << 53)]));
    expect(await ids(), ['b']);
    await fails<UsageException>(() => node.commit('g', List.filled(1001, put('x'))));
    await fails<UsageException>(() => node.put('g', 'c', 'a', {'x': 'y' * (2 << 20)}));
    await fails<UsageException>(() => node.put('g', 'c', 'a', {'x': 'y' * (5 << 20)}));
    await fails<UsageException>(() => node.put('g', 'c', 'a', {'x': Uint8List(2 << 20)}));
    await fails<UsageException>(() => node.put('g', 'x' * 5000, 'a', {'x': 1}));
  }));

  test('what is no value of a record is refused', () => alone((node) async {
    Object? deep(int depth) => depth == 0 ? 1 : [deep(depth - 1)];
    final circle = <Object?>[];
    circle.add(circle);
    for (final value in [double.nan, -0.0, BigInt.one, Object(), {1: 2}, deep(20), deep(200), circle]) {
      await fails<UsageException>(() => node.put('g', 'c', 'r', {'x': value}));
    }
    expect(await node.list('g', 'c'), <Record>[]);
  }));

  test('a list comes in pages, in the order of its ids', () => alone((node) async {
    // By code points the emoji is last; by UTF-16 units the private character were.
    const ids = ['a', 'b', '\uE000', '😀'];
    for (final id in ids.reversed) {
      await node.put('g', 'c', id, {'n': ids.indexOf(id)});
    }
    Future<List<String>> list({String? after, int limit = 1000}) async => [
      for (final record in await node.list('g', 'c', after: after, limit: limit)) record.id,
    ];
    expect(await list(), ids);
    expect([...ids]..shuffle()..sort(byCodePoint), ids);
    expect(await list(after: 'a', limit: 2), ids.sublist(1, 3));
    expect((await node.list('g', 'c', after: 'b')).first['n'], 2);
    await fails<UsageException>(() => node.list('unknown', 'c'));
    await fails<UsageException>(() => node.list('g', 'c', limit: -1));
  }));

  test('a deleted record has a history', () => alone((node) async {
    await node.put('g', 'c', 'r', {'x': 1});
    await node.delete('g', 'c', 'r');
    expect(await node.record('g', 'c', 'r'), null);
    final versions = await node.history('g', 'c', 'r');
    expect(versions.singleWhere((version) => version.field == 'x').value, 1);
    check(versions.singleWhere((version) => version.field == null).winning);
  }));
}
