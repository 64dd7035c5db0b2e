/// How values are read from JSON and written as JSON, for what is generated.
///
/// Bytes never go through JSON: they lie beside it, and stand in it as `{"$bytes": [offset, length]}`.
/// Where there is nothing beside (JSON that an app keeps), they are `{"$bytes": "<base64url>"}`.
library;

import 'dart:convert';
import 'dart:typed_data';

/// Names a record in its group.
typedef RecordKey = ({String collection, String id});

/// By this key JSON marks bytes.
const _bytesKey = r'$bytes';

/// Values nest less deeply. The library refuses far less.
const _maxDepth = 100;

/// Reads an object.
T read<T>(Object? json, T Function(Map<String, Object?> json) from) =>
    from(json as Map<String, Object?>);

/// Reads an object that may be missing.
T? readOrNull<T>(Object? json, T Function(Map<String, Object?> json) from) =>
    json == null ? null : read(json, from);

/// Reads a list of objects.
List<T> readList<T>(Object? json, T Function(Map<String, Object?> json) from) => [
  for (final item in json as List<Object?>) read(item, from),
];

/// Reads a list of texts.
List<String> readTexts(Object? json) => (json as List<Object?>).cast<String>();

/// Reads pairs of collection and id.
List<RecordKey> readKeys(Object? json) => [
  for (final pair in json as List<Object?>)
    if (pair case [final String collection, final String id]) (collection: collection, id: id),
];

/// Reads µs since the epoch.
DateTime readTime(Object? json) => DateTime.fromMicrosecondsSinceEpoch(json as int, isUtc: true);

/// Reads µs since the epoch, or nothing.
DateTime? readTimeOrNull(Object? json) => json == null ? null : readTime(json);

/// Reads bytes that are a field of their own: those beside, or base64url.
Uint8List readBytes(Object? json, [Uint8List? beside]) => switch (json) {
  final String text => _decode(text),
  _ => beside ?? Uint8List(0),
};

/// Reads the fields of a record, in place.
Map<String, Object?> readFields(Object? json, [Uint8List? beside]) {
  final fields = json as Map<String, Object?>;
  for (final MapEntry(:key, :value) in fields.entries) {
    if (value is Map || value is List) fields[key] = readValue(value, beside);
  }
  return fields;
}

/// Reads a value of a record, in place.
Object? readValue(Object? json, [Uint8List? beside]) {
  switch (json) {
    case {_bytesKey: [final int offset, final int length]}:
      return Uint8List.sublistView(beside ?? Uint8List(0), offset, offset + length);
    case {_bytesKey: final String text}:
      return _decode(text);
    case final Map<String, Object?> fields:
      return readFields(fields, beside);
    case final List<Object?> items:
      for (var index = 0; index < items.length; index++) {
        items[index] = readValue(items[index], beside);
      }
      return items;
    default:
      return json;
  }
}

/// Writes a duration: in whole seconds, and not as none if it is some.
int writeSeconds(Duration duration) => (duration.inMicroseconds / Duration.microsecondsPerSecond).ceil();

/// Writes bytes as text.
String writeBytes(Uint8List bytes) => base64Url.encode(bytes).replaceAll('=', '');

/// Writes a value of a record. Its bytes go [beside].
Object? writeValue(Object? value, [BytesBuilder? beside, int depth = 0]) {
  if (depth > _maxDepth) throw JsonUnsupportedObjectError(value, cause: 'it nests too deep');
  switch (value) {
    case Uint8List():
      final place = beside == null ? writeBytes(value) : [beside.length, value.length];
      beside?.add(value);
      return {_bytesKey: place};
    case Map<Object?, Object?>():
      return {
        for (final MapEntry(:key, value: inner) in value.entries)
          _text(key): writeValue(inner, beside, depth + 1),
      };
    case List<Object?>():
      return [for (final item in value) writeValue(item, beside, depth + 1)];
    case null || bool() || num() || String():
      return value;
    case DateTime():
      return value.toUtc().toIso8601String();
    case Enum():
      return value.name;
    default:
      return writeValue(_jsonOf(value), beside, depth + 1);
  }
}

/// What an object of the app's own is in JSON.
Object? _jsonOf(Object value) {
  try {
    // As `jsonEncode` asks objects that it does not know.
    // ignore: avoid_dynamic_calls
    return (value as dynamic).toJson();
  } on NoSuchMethodError {
    throw JsonUnsupportedObjectError(
      value,
      cause: '${value.runtimeType} is none; write it as text or a number, or give it a toJson()',
    );
  }
}

String _text(Object? key) =>
    key is String ? key : throw JsonUnsupportedObjectError(key, cause: 'a name of a field is a text');

Uint8List _decode(String text) => base64Url.decode(base64Url.normalize(text));

/// Whether two values of JSON, or lists of objects, are the same in all parts.
bool deepEquals(Object? a, Object? b) => switch ((a, b)) {
  (final List<Object?> a, final List<Object?> b) =>
    a.length == b.length && Iterable<int>.generate(a.length).every((at) => deepEquals(a[at], b[at])),
  (final Map<Object?, Object?> a, final Map<Object?, Object?> b) =>
    a.length == b.length &&
        a.entries.every((entry) => b.containsKey(entry.key) && deepEquals(entry.value, b[entry.key])),
  _ => a == b,
};

/// A hash that is the same for what [deepEquals] calls equal.
int deepHash(Object? value) => switch (value) {
  final List<Object?> items => Object.hashAll(items.map(deepHash)),
  final Map<Object?, Object?> map => Object.hashAllUnordered(
    map.entries.map((entry) => Object.hash(entry.key, deepHash(entry.value))),
  ),
  _ => value.hashCode,
};
