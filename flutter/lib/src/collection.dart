import 'cancelable_future.dart';
import 'model.dart';
import 'node.dart';

/// A group by its name or id, which need not exist yet; made by [Node.group].
final class GroupHandle {
  /// As [Node.group].
  const GroupHandle(this._node, this._group);

  final Node _node;
  final String _group;

  /// A collection of the group.
  RecordCollection collection(String name) => RecordCollection(_node, _group, name);
}

/// A collection of a group. What its methods do, the methods of [Node] of the same names do.
final class RecordCollection {
  /// As [GroupHandle.collection].
  const RecordCollection(this._node, this._group, this._name);

  final Node _node;
  final String _group;
  final String _name;

  /// The same, with records as a class of the app:
  /// `items.typed(fromJson: Item.fromJson, toJson: (item) => item.toJson())`.
  TypedCollection<T> typed<T>({
    required T Function(Map<String, Object?> json) fromJson,
    required Map<String, Object?> Function(T value) toJson,
  }) => TypedCollection(this, fromJson, toJson);

  /// As [Node.record].
  CancelableFuture<Record?> record(String id) => _node.record(_group, _name, id);

  /// As [Node.list].
  CancelableFuture<List<Record>> list({String? after, int limit = 1000}) =>
      _node.list(_group, _name, after: after, limit: limit);

  /// As [Node.put]: fields that are not named stay.
  CancelableFuture<void> put(String id, Map<String, Object?> fields) => _node.put(_group, _name, id, fields);

  /// As [Node.replace]: fields that are not named go.
  CancelableFuture<void> replace(String id, Map<String, Object?> fields) =>
      _node.replace(_group, _name, id, fields);

  /// As [Node.removeFields].
  CancelableFuture<void> removeFields(String id, List<String> fields) =>
      _node.removeFields(_group, _name, id, fields);

  /// As [Node.delete].
  CancelableFuture<void> delete(String id) => _node.delete(_group, _name, id);

  /// As [Node.history].
  CancelableFuture<List<Version>> history(String id) => _node.history(_group, _name, id);

  /// As [Node.observe].
  Stream<List<Record>> observe() => _node.observe(_group, _name);

  /// As [Node.changes].
  Stream<List<RecordChange>> changes() => _node.changes(_group, _name);
}

/// A collection whose records are of one class of the app; made by [RecordCollection.typed].
///
/// ```dart
/// final items = node.group('shopping').collection('items')
///     .typed(fromJson: Item.fromJson, toJson: (item) => item.toJson());
/// await items.put('milk', Item(count: 2));
/// items.observe().listen((list) => show(list.map((item) => item.valueOrNull).nonNulls));
/// ```
final class TypedCollection<T> {
  /// As [RecordCollection.typed].
  const TypedCollection(this.untyped, this._fromJson, this._toJson);

  /// The collection without a class.
  final RecordCollection untyped;

  final T Function(Map<String, Object?> json) _fromJson;
  final Map<String, Object?> Function(T value) _toJson;

  /// Reads a record; null if there is none. Fails with what `fromJson` throws if it is not of this class.
  Future<T?> get(String id) async {
    final record = await untyped.record(id);
    return record == null ? null : _fromJson(record.fields);
  }

  /// Reads records in the order of their ids. As [Node.list].
  Future<List<TypedRecord<T>>> list({String? after, int limit = 1000}) async =>
      _typed(await untyped.list(after: after, limit: limit));

  /// Makes a record exactly what `toJson` gives: fields that it does not name go. As [Node.replace].
  CancelableFuture<void> put(String id, T value) => untyped.replace(id, _toJson(value));

  /// Sets the fields that `toJson` gives; others stay. As [Node.put].
  CancelableFuture<void> merge(String id, T value) => untyped.put(id, _toJson(value));

  /// As [Node.delete].
  CancelableFuture<void> delete(String id) => untyped.delete(id);

  /// As [Node.observe]. A record that is not of the class is among the others, and ends nothing.
  Stream<List<TypedRecord<T>>> observe() => untyped.observe().map(_typed);

  List<TypedRecord<T>> _typed(List<Record> records) => [
    for (final record in records) TypedRecord._(record, _fromJson),
  ];
}

/// A record as a class of the app, or why it is none: a peer with another version of the app may have written it.
final class TypedRecord<T> {
  TypedRecord._(this.record, this._fromJson);

  /// The record as it is.
  final Record record;

  final T Function(Map<String, Object?> json) _fromJson;

  /// Its id.
  String get id => record.id;

  /// The record as the class, made when it is first asked for. Throws what `fromJson` throws if it is not of the class.
  late final T value = _fromJson(record.fields);

  /// The record as the class; null if it is not of the class.
  T? get valueOrNull => problem == null ? value : null;

  /// Why it is not of the class; null if it is.
  late final Object? problem = _problem();

  // A cast that fails is an error, a text that is no date an exception: whatever it is, it is told and ends nothing.
  Object? _problem() {
    try {
      value;
      return null;
    } on Object catch (problem) {
      return problem;
    }
  }
}
