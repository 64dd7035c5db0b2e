import 'package:connectoid/connectoid.dart';

import 'src/runner.dart';
import 'src/support.dart';

enum _Kind { food }

final class _Item {
  _Item(this.count, {this.note});

  _Item.fromJson(Map<String, Object?> json) : count = json['count']! as int, note = json['note'] as String?;

  final int count;
  final String? note;

  Map<String, Object?> toJson() => {'count': count, if (note != null) 'note': note};
}

TypedCollection<_Item> _items(Node node) => node
    .group('g')
    .collection('c')
    .typed(fromJson: _Item.fromJson, toJson: (item) => item.toJson());

void typedTests() {
  test('what a value does not have goes, unless it is merged', () => alone((node) async {
    final items = _items(node);
    final raw = items.untyped;
    await items.put('milk', _Item(2, note: 'oat'));
    await items.merge('milk', _Item(3));
    expect((await raw.record('milk'))!.fields, {'count': 3, 'note': 'oat'});
    await items.put('milk', _Item(3));
    expect((await raw.record('milk'))!.fields, {'count': 3});
    expect((await items.get('milk'))!.count, 3);
    await raw.put('milk', {'later': null});
    await raw.replace('milk', {'count': 4});
    expect((await raw.record('milk'))!.fields, {'count': 4});
    await raw.removeFields('milk', ['count', 'never']);
    expect(await items.get('milk'), null);
    final versions = await raw.history('milk');
    expect(
      [for (final version in versions.where((version) => version.field == 'later')) version.removed],
      [true, false],
    );
    await fails<UsageException>(() => raw.replace('milk', {}));
    await fails<UsageException>(() => raw.removeFields('milk', []));
  }));

  test('what is of another class ends nothing', () => alone((node) async {
    final items = _items(node);
    await items.untyped.put('a', {'count': 1, 'of a newer version': 7});
    await items.untyped.put('b', {'count': 'many'});
    final list = await items.observe().firstWhere((list) => list.length == 2);
    expect([for (final item in list) item.valueOrNull?.count], [1, null]);
    check(list[0].problem == null && list[1].problem is TypeError);
    expect([for (final item in await items.list()) item.id], ['a', 'b']);
  }));

  test('moments, names and objects have one form', () => alone((node) async {
    final made = DateTime.utc(2026, 11, 30, 18, 30, 0, 250);
    await node.put('g', 'c', 'r', {
      'made': made.toLocal(),
      'kind': _Kind.food,
      'item': [_Item(1, note: 'x')],
    });
    final record = (await node.record('g', 'c', 'r'))!;
    expect(record.fields, {
      'made': '2026-11-30T18:30:00.250Z',
      'kind': 'food',
      'item': [
        {'count': 1, 'note': 'x'},
      ],
    });
    expect(DateTime.parse(record['made']! as String), made);
  }));
}
