/* Opening and closing, and events, take nothing for good. */

#include <dirent.h>
#include <malloc.h>

#include "support.h"

static size_t entries(const char *folder) {
  size_t count = 0;
  DIR *open = opendir(folder);
  CHECK(open != NULL);
  while (readdir(open) != NULL) count++;
  closedir(open);
  return count;
}

typedef struct use {
  size_t memory, files, threads;
} use;

static use measure(void) {
  return (use){mallinfo2().uordblks, entries("/proc/self/fd"), entries("/proc/self/task")};
}

/* Nodes give back their last threads a moment after they were closed. */
static void check_flat(use before, size_t memory, const char *what) {
  double deadline = now_seconds() + PATIENCE_SECONDS;
  for (;;) {
    use after = measure();
    if (after.memory <= before.memory + memory && after.files <= before.files && after.threads <= before.threads)
      return;
    if (now_seconds() > deadline) {
      fprintf(stderr, "%s: %zu bytes became %zu, %zu files %zu, %zu threads %zu\n", what, before.memory, after.memory,
              before.files, after.files, before.threads, after.threads);
      exit(1);
    }
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
}

static void cycle(void) {
  peer node;
  connectoid_free(reply_to(&node, open_with(&node, "{\"storage\":\"memory\"}")));
  done(&node, "{\"method\":\"create_group\",\"name\":\"g\"}");
  close_peer(&node);
}

/* Waits for the last threads of nodes that were closed. */
static void wait_for_threads(size_t count) {
  double deadline = now_seconds() + PATIENCE_SECONDS;
  while (measure().threads > count) {
    CHECK(now_seconds() < deadline);
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
}

static void cycles(int count) {
  size_t threads = measure().threads;
  for (int i = 0; i < count / 10; i++) cycle();
  wait_for_threads(threads);
  /* What is made once for a process is made. */
  use first = measure();
  for (int i = 0; i < count; i++) cycle();
  /* Less than 100 bytes for each. */
  check_flat(first, 200000, "opening and closing");
}

/* Sends messages, some at a time; each is an event at the other node. */
static void send(peer *from, peer *to, int count) {
  enum { AT_A_TIME = 50, SIZE = 1000 };
  static const char data[SIZE];
  uint64_t calls[AT_A_TIME];
  for (int sent = 0; sent < count; sent += AT_A_TIME) {
    for (int i = 0; i < AT_A_TIME; i++)
      calls[i] = begin(from, "{\"method\":\"send\",\"nickname\":\"bob\"}", data, SIZE);
    for (int i = 0; i < AT_A_TIME; i++) {
      connectoid_free(wait_for(to, CONNECTOID_KIND_EVENT, 0, "\"event\":\"message\""));
      connectoid_free(reply_to(from, calls[i]));
    }
  }
}

static void events(const char *service, int count) {
  peer alice, bob;
  open_peer(&alice, service);
  open_peer(&bob, service);
  pair(&alice, &bob, "bob", "g");
  send(&alice, &bob, count / 10);
  use before = measure();
  send(&alice, &bob, count);
  /* Less than 40 bytes for each event; buffers of the connection come and go. */
  check_flat(before, 4000000, "events");
  close_peer(&alice);
  close_peer(&bob);
}

int main(int count, char **arguments) {
  CHECK(count == 4);
  cycles(atoi(arguments[2]));
  events(arguments[1], atoi(arguments[3]));
  return 0;
}
