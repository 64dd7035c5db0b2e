/// Memory outside Dart's heap, from the C library that every process has.
library;

import 'dart:ffi';
import 'dart:io';
import 'dart:typed_data';

typedef _AllocateC = Pointer<Void> Function(Size);
typedef _Allocate = Pointer<Void> Function(int);
typedef _FreeC = Void Function(Pointer<Void>);
typedef _Free = void Function(Pointer<Void>);

/// On Windows the C library's symbols are not those of the process; COM's allocator is always there.
final DynamicLibrary _library =
    Platform.isWindows ? DynamicLibrary.open('ole32.dll') : DynamicLibrary.process();

final _Allocate _allocate = _library.lookupFunction<_AllocateC, _Allocate>(
  Platform.isWindows ? 'CoTaskMemAlloc' : 'malloc',
);

final _Free _free = _library.lookupFunction<_FreeC, _Free>(
  Platform.isWindows ? 'CoTaskMemFree' : 'free',
);

/// Lends bytes to a function of C. It gets a null pointer if there are none. They are wiped: some are secret.
T lend<T>(Uint8List bytes, T Function(Pointer<Uint8> data, int length) use) {
  if (bytes.isEmpty) return use(nullptr, 0);
  final data = _allocate(bytes.length).cast<Uint8>();
  if (data == nullptr) throw OutOfMemoryError();
  final lent = data.asTypedList(bytes.length)..setAll(0, bytes);
  try {
    return use(data, bytes.length);
  } finally {
    lent.fillRange(0, lent.length, 0);
    _free(data.cast());
  }
}
