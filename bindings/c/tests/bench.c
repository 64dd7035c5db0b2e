/* Measures, for a person to read: bench SERVICE. `cargo xtask figures c` builds it with the library as it is shipped. */

#include "support.h"

#define PUT                                                                                                        \
  "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"put\",\"collection\":\"c\",\"id\":\"r\","                  \
  "\"fields\":{\"count\":3}}]}"

static void tell(const char *what, double seconds) { printf("%-55s %8.2f µs\n", what, seconds * 1e6); }

/* A call there and back, as a mean of many. */
static void each(peer *node, const char *what, int count, const char *call) {
  double start = now_seconds();
  for (int i = 0; i < count; i++) done(node, call);
  tell(what, (now_seconds() - start) / count);
}

static void trivial(void) {
  enum { COUNT = 1000000 };
  double start = now_seconds();
  for (int i = 0; i < COUNT; i++) CHECK(connectoid_version()[0] == '0');
  tell("a call that returns a text", (now_seconds() - start) / COUNT);
}

static void writes(peer *node) {
  enum { COUNT = 2000, MANY = 20000, BATCH = 100 };
  const char *event = "\"event\":\"changed\"";
  await_event(node, event);
  double time = 0;
  for (int i = 0; i < COUNT; i++) {
    double start = now_seconds();
    done(node, PUT);
    time += now_seconds() - start;
    await_event(node, event);
  }
  tell("a write", time / COUNT);
  double start = now_seconds();
  for (int i = 0; i < COUNT; i++) {
    done(node, PUT);
    await_event(node, event);
  }
  tell("a write, and its event", (now_seconds() - start) / COUNT);
  start = now_seconds();
  for (int i = 0; i < MANY / BATCH; i++) {
    uint64_t calls[BATCH];
    for (int at = 0; at < BATCH; at++) calls[at] = begin(node, PUT, NULL, 0);
    for (int at = 0; at < BATCH; at++) connectoid_free(reply_to(node, calls[at]));
    for (int at = 0; at < BATCH; at++) await_event(node, event);
  }
  tell("an event of many, with the write that causes it", (now_seconds() - start) / MANY);
}

/* Calls of whose answer nothing has to be fetched, in batches: what it costs that an answer comes by the callback. */
static void callbacks(peer *node) {
  enum { MANY = 20000, BATCH = 100 };
  double start = now_seconds();
  for (int i = 0; i < MANY / BATCH; i++) {
    uint64_t calls[BATCH];
    for (int at = 0; at < BATCH; at++)
      calls[at] = begin(node, "{\"method\":\"get\",\"group\":\"none\",\"collection\":\"c\",\"id\":\"r\"}", NULL, 0);
    for (int at = 0; at < BATCH; at++) connectoid_free(wait_for(node, CONNECTOID_KIND_FAILURE, calls[at], ""));
  }
  tell("a callback: a call that is refused, one of 100", (now_seconds() - start) / MANY);
}

static void bytes(peer *node) {
  enum { SIZE = 128 << 10, RECORDS = 8, COUNT = 30 };
  static unsigned char data[SIZE];
  double best = 1e9;
  for (int i = 0; i < COUNT; i++) {
    double start = now_seconds();
    char call[200];
    for (int at = 0; at < RECORDS; at++) {
      sprintf(call,
              "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[{\"op\":\"put\",\"collection\":\"c\",\"id\":\"b%d\","
              "\"fields\":{\"data\":{\"$bytes\":[0,%d]}}}]}",
              at, SIZE);
      connectoid_free(reply_to(node, begin(node, call, data, SIZE)));
    }
    for (int at = 0; at < RECORDS; at++) {
      sprintf(call, "{\"method\":\"get\",\"group\":\"g\",\"collection\":\"c\",\"id\":\"b%d\"}", at);
      connectoid_message *reply = reply_to(node, begin(node, call, NULL, 0));
      CHECK(reply->bytes_length == SIZE);
      connectoid_free(reply);
    }
    double took = now_seconds() - start;
    if (took < best) best = took;
  }
  tell("1 MiB of bytes in 8 records, written and read back", best);
}

static void lists(peer *node) {
  double best = 1e9;
  for (int turn = 0; turn < 10; turn++) {
    double start = now_seconds();
    done(node, "{\"method\":\"list\",\"group\":\"g\",\"collection\":\"c\",\"limit\":10000}");
    double took = now_seconds() - start;
    if (took < best) best = took;
  }
  tell("a list of 10,000 records, as they come", best);
}

static void write_records(peer *node, int count) {
  static char json[200000];
  for (int first = 0; first < count; first += 1000) {
    int length = sprintf(json, "{\"method\":\"commit\",\"group\":\"g\",\"writes\":[");
    for (int i = first; i < first + 1000; i++)
      length += sprintf(json + length,
                        "%s{\"op\":\"put\",\"collection\":\"c\",\"id\":\"r%05d\",\"fields\":{\"name\":\"record number %d\","
                        "\"count\":%d,\"done\":false}}",
                        i == first ? "" : ",", i, i, i);
    sprintf(json + length, "]}");
    done(node, json);
  }
}

static double bulk(peer *from, peer *to, int mebibytes) {
  enum { SIZE = 256 << 10, AT_A_TIME = 8 };
  static unsigned char data[SIZE];
  for (int i = 0; i < SIZE; i++) data[i] = (unsigned char)(i * 31);
  int count = mebibytes * 4, sent = 0;
  uint64_t calls[AT_A_TIME];
  double start = now_seconds();
  for (int taken = 0; taken < count; taken++) {
    for (; sent < count && sent < taken + AT_A_TIME; sent++)
      calls[sent % AT_A_TIME] = begin(from, "{\"method\":\"send\",\"nickname\":\"bob\"}", data, SIZE);
    connectoid_message *message = wait_for(to, CONNECTOID_KIND_EVENT, 0, "\"event\":\"message\"");
    CHECK(message->bytes_length == SIZE && memcmp(message->bytes, data, SIZE) == 0);
    connectoid_free(message);
    connectoid_free(reply_to(from, calls[taken % AT_A_TIME]));
  }
  return mebibytes * 1.048576 / (now_seconds() - start);
}

int main(int count, char **arguments) {
  CHECK(count == 2);
  peer node, alice, bob;
  trivial();
  open_peer(&node, arguments[1]);
  done(&node, "{\"method\":\"create_group\",\"name\":\"g\"}");
  done(&node, PUT);
  each(&node, "a call that reads a record", 5000, "{\"method\":\"get\",\"group\":\"g\",\"collection\":\"c\",\"id\":\"r\"}");
  each(&node, "a call that the engine answers", 5000, "{\"method\":\"groups\"}");
  writes(&node);
  callbacks(&node);
  bytes(&node);
  close_peer(&node);
  open_peer(&node, arguments[1]);
  done(&node, "{\"method\":\"create_group\",\"name\":\"g\"}");
  write_records(&node, 10000);
  lists(&node);
  close_peer(&node);
  open_peer(&alice, arguments[1]);
  open_peer(&bob, arguments[1]);
  pair(&alice, &bob, "bob", "g");
  bulk(&alice, &bob, 16);
  printf("%-55s %8.0f MB/s\n", "64 MiB as messages of 256 KiB", bulk(&alice, &bob, 64));
  close_peer(&alice);
  close_peer(&bob);
  return 0;
}
