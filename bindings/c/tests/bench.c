/* Measures, for a person to read: bench SERVICE FOLDER. Link it to what is shipped: cargo build --profile embedded. */

#include "support.h"

typedef struct sample {
  double times[20000];
  int count;
} sample;

static int by_size(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static void show(sample *self, const char *what, double scale, const char *unit) {
  qsort(self->times, (size_t)self->count, sizeof *self->times, by_size);
  printf("%-46s p50 %9.2f  p95 %9.2f %s (n %d)\n", what, self->times[self->count / 2] * scale,
         self->times[self->count * 95 / 100] * scale, unit, self->count);
  self->count = 0;
}

static sample times;

static void round_trips(peer *node, const char *call, int count, const char *what, double scale, const char *unit) {
  for (int i = 0; i < count; i++) {
    double start = now_seconds();
    connectoid_message *reply = reply_to(node, begin(node, call, NULL, 0));
    times.times[times.count++] = now_seconds() - start;
    connectoid_free(reply);
  }
  show(&times, what, scale, unit);
}

static void handing_over(peer *node) {
  enum { COUNT = 10000 };
  static uint64_t calls[COUNT];
  const char *call = "{\"method\":\"get\",\"group\":\"g\",\"collection\":\"c\",\"id\":\"r00001\"}";
  for (int i = 0; i < COUNT; i++) {
    double start = now_seconds();
    calls[i] = begin(node, call, NULL, 0);
    times.times[times.count++] = now_seconds() - start;
  }
  double start = now_seconds();
  for (int i = 0; i < COUNT; i++) connectoid_free(reply_to(node, calls[i]));
  printf("%d calls in flight: the rest took %.0f ms\n", COUNT, (now_seconds() - start) * 1e3);
  show(&times, "connectoid_call returns", 1e6, "us");
}

static void refusals(void) {
  enum { COUNT = 1000000 };
  double start = now_seconds();
  for (int i = 0; i < COUNT; i++) connectoid_cancel(0, 1);
  printf("%-46s %13.0f ns\n", "a function that refuses", (now_seconds() - start) / COUNT * 1e9);
  start = now_seconds();
  for (int i = 0; i < COUNT; i++) CHECK(connectoid_version()[0] == '0');
  printf("%-46s %13.0f ns\n", "connectoid_version", (now_seconds() - start) / COUNT * 1e9);
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

static void bulk(peer *from, peer *to, int mebibytes) {
  enum { SIZE = 256 << 10, AT_A_TIME = 16 };
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
  double took = now_seconds() - start;
  printf("%d MiB as messages over WebRTC: %.1f MB/s\n", mebibytes, mebibytes * 1.048576 / took);
}

/* What the ABI alone does to bytes: messages of the greatest size that are refused at once. */
static void bytes_alone(peer *node, int mebibytes) {
  enum { SIZE = 1 << 20 };
  static unsigned char data[SIZE];
  double start = now_seconds();
  for (int i = 0; i < mebibytes; i++)
    fails(node, begin(node, "{\"method\":\"send\",\"nickname\":\"nobody\"}", data, SIZE), "usage");
  printf("%d MiB handed over and refused: %.0f MB/s\n", mebibytes, mebibytes * 1.048576 / (now_seconds() - start));
}

int main(int count, char **arguments) {
  CHECK(count == 3);
  char settings[1024];
  peer node, alice, bob;
  snprintf(settings, sizeof settings, "{\"storage\":{\"folder\":\"%s/bench\"}}", arguments[2]);
  connectoid_free(reply_to(&node, open_with(&node, settings)));
  done(&node, "{\"method\":\"create_group\",\"name\":\"g\"}");
  write_records(&node, 10000);
  refusals();
  round_trips(&node, "{\"method\":\"user_id\"}", 5000, "user_id, there and back (through the engine)", 1e6, "us");
  round_trips(&node, "{\"method\":\"get\",\"group\":\"g\",\"collection\":\"c\",\"id\":\"r00001\"}", 5000,
              "get, there and back (past the engine)", 1e6, "us");
  round_trips(&node, "{\"method\":\"list\",\"group\":\"g\",\"collection\":\"c\",\"limit\":10000}", 50, "list of 10,000 records",
              1e3, "ms");
  handing_over(&node);
  bytes_alone(&node, 64);
  close_peer(&node);
  open_peer(&alice, arguments[1]);
  open_peer(&bob, arguments[1]);
  pair(&alice, &bob, "bob", "g");
  bulk(&alice, &bob, 64);
  close_peer(&alice);
  close_peer(&bob);
  return 0;
}
